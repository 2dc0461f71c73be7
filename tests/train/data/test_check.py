import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from ganport_runtime.errors import GanportWarning
from ganport_train.data import DataError, load_dataset
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
    assert [(issue.kind, issue.place("x")) for issue in report.issues] == [
        ("tags", "x/tags.csv:13"),
        ("missing", "x/tags.csv:12"),
        ("untagged", "x/images/lonely.png"),
        ("unreadable", "x/tags.csv:11 (images/broken.png)"),
    ]
    assert report.errors == 3


def test_a_lenient_load_reports_the_same_problems(flawed: Path, tmp_path: Path) -> None:
    with pytest.warns(GanportWarning):
        data = load_dataset(flawed, resolution=64, skip_bad=True, cache=tmp_path / "cache")
    report = check(flawed, progress=False)
    assert list(data.issues) == report.issues
    assert report.digest == data.digest


def test_the_report_as_text(flawed: Path) -> None:
    lines = list(report_lines(check(flawed, progress=False)))
    assert lines[0] == f"{flawed}: tagged faces, 10 pictures that can be used"
    assert "  blue  2   20.0%" in lines
    assert "  64 x 64  9   90.0%" in lines
    assert "  1 picture below the resolution, to be blown up" in lines
    assert "combinations: 6 of 6 have a picture" in lines
    assert "  mirrored   1 families of 2: 1, mirror" in lines
    assert "issues: 3 errors, 1 warning" in lines
    assert lines[-1].startswith(f"  error    {flawed}/tags.csv:11 (images/broken.png): expected")


def test_the_report_as_json(flawed: Path) -> None:
    facts = json.loads(json.dumps(check(flawed, progress=False).to_json()))
    assert facts["sizes"] == {"64x64": 9, "20x16": 1}
    assert facts["conditions"]["labels"]["hair"] == {"blue": 2, "pink": 2, "red": 6}
    assert facts["errors"] == 3
    assert facts["duplicates"][0] == {"likeness": "identical", "ids": ["0", "same"]}
    assert facts["issues"][0]["message"].startswith(f"{flawed}/tags.csv:13: expected")


def test_combinations_without_a_picture(faces: Callable[..., Files], folder: Write) -> None:
    report = check(folder(faces(2)), progress=False)
    assert report.conditions.absent == ["pink hair green eyes", "red hair black eyes"]
    lines = list(report_lines(report))
    assert "  without one: pink hair green eyes, red hair black eyes" in lines
    assert lines[-1] == "issues: none"


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


def test_objects_count_pictures_and_test_lists_requests(
    kinds: Callable[[str], Files], folder: Write
) -> None:
    report = check(folder(kinds("iclevr")), resolution=16, progress=False)
    assert report.conditions.labels == {"objects": {"cube": 3, "ball": 4, "cone": 1}}
    assert (report.conditions.possible, report.conditions.seen) == (None, 4)
    assert report.test_prompts == {"test": 2}
    lines = list(report_lines(report))
    # Several objects in a picture: the shares are of the pictures, and do not sum to one.
    assert [line for line in lines if "%" in line and "P" not in line and " x " not in line] == [
        "  cube  3   60.0%",
        "  ball  4   80.0%",
        "  cone  1   20.0%",
    ]
    assert "combinations: 4 different, the rarest" in lines
    assert "  cube, ball, cone  1" in lines
    assert lines[lines.index("test lists") + 1] == "  test: 2 requests"
    assert json.loads(json.dumps(report.to_json()))["trials"] == {"test": 2}


def test_attributes_in_their_order_and_those_never_on(
    kinds: Callable[[str], Files], folder: Write
) -> None:
    files = kinds("celeba")
    files["list_attr_celeba.txt"] = files["list_attr_celeba.txt"].replace(
        b"3.png -1 1 1", b"3.png -1 1 -1"
    )
    report = check(folder(files), resolution=16, progress=False)
    assert list(report.conditions.labels["attributes"].items()) == [
        ("Bald", 2),
        ("Smiling", 3),
        ("Young", 0),
    ]
    assert report.conditions.rarest == {
        "Bald": 1,
        "Bald, Smiling": 1,
        "no attributes": 1,
        "Smiling": 2,
    }
    chosen = check(folder(files), resolution=16, attributes=["Smiling"], progress=False)
    assert chosen.conditions.labels == {"attributes": {"Smiling": 3}}


def test_numbers_have_a_range_and_no_combinations(
    kinds: Callable[[str], Files], folder: Write
) -> None:
    labels = [[f"00000/{i}.png", [i / 4, 7]] for i in range(5)]
    files = kinds("indexed") | {"dataset.json": json.dumps({"labels": labels}).encode()}
    report = check(folder(files), resolution=16, progress=False)
    assert report.conditions.numbers == {"value_0": (0.0, 0.5, 1.0), "value_1": (7.0, 7.0, 7.0)}
    assert report.conditions.labels == {}
    lines = list(report_lines(report))
    assert "value_0: 0 to 1, mean 0.5" in lines
    assert not any("combinations" in line for line in lines)


def test_classes_are_counted_in_order_of_their_numbers(
    kinds: Callable[[str], Files], folder: Write
) -> None:
    report = check(folder(kinds("indexed")), resolution=16, progress=False)
    assert list(report.conditions.labels["class"].items()) == [("3", 3), ("12", 2)]


def test_long_captions_are_cut(kinds: Callable[[str], Files], folder: Write) -> None:
    files = kinds("celeba")
    table = files["list_attr_celeba.txt"].replace(b"Bald", b"B" * 90)
    lines = report_lines(check(folder(files | {"list_attr_celeba.txt": table}), progress=False))
    assert f"  {'B' * 80}…  1" in list(lines)


@pytest.mark.parametrize(
    ("kind", "changed", "message"),
    [
        ("iclevr", {"test.json": b"[1]"}, r"/test\.json\[0\]: expected a list of objects"),
        ("classes", {"cat /9.png": b""}, "labels of 'class': printable text without space at its"),
    ],
)
def test_what_stops_a_load_as_a_whole_stops_a_check(
    kinds: Callable[[str], Files],
    folder: Write,
    tmp_path: Path,
    kind: str,
    changed: Files,
    message: str,
) -> None:
    path = folder(kinds(kind) | changed)
    with pytest.raises(DataError, match=message):
        check(path, progress=False)
    with pytest.raises(DataError, match=message):
        load_dataset(path, resolution=16, cache=tmp_path / "cache")
