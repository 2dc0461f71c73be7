import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from ganport_runtime.errors import GanportWarning
from ganport_train.data import load
from ganport_train.data.check import Duplicates, check
from ganport_train.data.report import report_lines

Files = dict[str, bytes]
Make = Callable[..., Image.Image]
Write = Callable[..., Path]


@pytest.fixture
def flawed(
    faces: Callable[..., Files], picture: Make, encoded: Callable[..., bytes], archive: Write
) -> Path:
    """Six good faces, copies of three kinds, and one fault of each kind."""
    files = faces(6, 64)
    files["images/same.webp"] = encoded(picture(0, 64), "WEBP", lossless=True)
    files["images/mirror.png"] = encoded(ImageOps.mirror(picture(1, 64)))
    files["images/near.jpg"] = encoded(picture(2, 64), "JPEG", quality=80)
    files["images/small.png"] = encoded(picture(50, (20, 16)))
    files["images/broken.png"] = files["images/0.png"][:300]
    files["images/lonely.png"] = encoded(picture(51, 64))
    files["tags.csv"] += b"".join(
        b"%s,red hair black eyes\n" % name
        for name in (b"same", b"mirror", b"near", b"small", b"broken", b"absent")
    )
    files["tags.csv"] += b"bad line\n"
    return archive(files)


def test_a_report(flawed: Path) -> None:
    report = check(flawed, resolution=64, progress=False)
    assert report.pictures == 10
    assert report.conditions.labels == {
        "hair": {"blue": 2, "pink": 2, "red": 6},
        "eyes": {"black": 7, "green": 3},
    }
    assert (report.conditions.possible, report.conditions.seen) == (6, 6)
    assert next(iter(report.conditions.rarest.items())) == ("blue hair black eyes", 1)
    assert report.sizes == {(64, 64): 9, (20, 16): 1}
    assert report.formats == {"PNG": 8, "WEBP": 1, "JPEG": 1}
    assert report.small == 1
    assert report.duplicates == [
        Duplicates("identical", ("0", "same")),
        Duplicates("mirrored", ("1", "mirror")),
        Duplicates("near", ("2", "near")),
    ]
    assert [(problem.kind, problem.place("x")) for problem in report.problems] == [
        ("tags", "x/tags.csv:13"),
        ("missing", "x/tags.csv:12"),
        ("untagged", "x/images/lonely.png"),
        ("unreadable", "x/tags.csv:11 (images/broken.png)"),
    ]
    assert report.errors == 3


def test_a_lenient_load_reports_the_same_problems(flawed: Path, tmp_path: Path) -> None:
    with pytest.warns(GanportWarning):
        data = load(flawed, resolution=64, skip_bad=True, cache=tmp_path / "cache")
    report = check(flawed, progress=False)
    assert list(data.problems) == report.problems
    assert report.digest == data.digest


def test_the_report_as_text(flawed: Path) -> None:
    lines = list(report_lines(check(flawed, progress=False)))
    assert lines[0] == f"{flawed}: tagged faces, 10 pictures that can be used"
    assert "  blue  2   20.0%" in lines
    assert "  64 x 64  9   90.0%" in lines
    assert "  1 picture below the resolution, to be blown up" in lines
    assert "combinations: 6 of 6 have a picture" in lines
    assert "  mirrored   1 families of 2: 1, mirror" in lines
    assert "problems: 3 errors, 1 warning" in lines
    assert lines[-1].startswith(f"  error    {flawed}/tags.csv:11 (images/broken.png): expected")


def test_the_report_as_json(flawed: Path) -> None:
    facts = json.loads(json.dumps(check(flawed, progress=False).to_json()))
    assert facts["sizes"] == {"64x64": 9, "20x16": 1}
    assert facts["conditions"]["labels"]["hair"] == {"blue": 2, "pink": 2, "red": 6}
    assert facts["errors"] == 3
    assert facts["duplicates"][0] == {"likeness": "identical", "ids": ["0", "same"]}
    assert facts["problems"][0]["message"].startswith(f"{flawed}/tags.csv:13: expected")


def test_combinations_without_a_picture(faces: Callable[..., Files], folder: Write) -> None:
    report = check(folder(faces(2)), progress=False)
    assert report.conditions.absent == ["pink hair green eyes", "red hair black eyes"]
    lines = list(report_lines(report))
    assert "  without one: pink hair green eyes, red hair black eyes" in lines
    assert lines[-1] == "problems: none"


def test_a_set_without_a_usable_picture_is_still_reported(folder: Write) -> None:
    report = check(folder({"tags.csv": b"1,pink hair\n"}), progress=False)
    assert (report.pictures, report.errors) == (0, 1)
    assert list(report_lines(report))[-1].endswith("Add the picture or remove the line.")


def test_nothing_is_written(
    faces: Callable[..., Files], folder: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANPORT_CACHE", str(tmp_path / "cache"))
    path = folder(faces(2))
    before = sorted(tmp_path.rglob("*"))
    check(path, progress=False)
    assert sorted(tmp_path.rglob("*")) == before
