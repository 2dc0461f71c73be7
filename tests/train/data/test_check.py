import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from ganport_runtime.errors import GanportWarning
from ganport_train.cli.dataset_report import format_report
from ganport_train.data import DataError, load_dataset
from ganport_train.data.check import DuplicateGroup, check_dataset

Files = dict[str, bytes]
MakeFiles = Callable[..., Files]
Make = Callable[..., Image.Image]
Write = Callable[..., Path]


@pytest.fixture
def flawed(
    tagged_files: MakeFiles,
    make_image: Make,
    encode: Callable[..., bytes],
    write_zip: Write,
) -> Path:
    """Six valid images, three types of copies, and one error of each type."""
    files = tagged_files(6, 64)
    files["images/same.webp"] = encode(make_image(0, 64), "WEBP", lossless=True)
    files["images/mirror.png"] = encode(ImageOps.mirror(make_image(1, 64)))
    files["images/near.jpg"] = encode(make_image(2, 64), "JPEG", quality=80)
    files["images/small.png"] = encode(make_image(50, (20, 16)))
    files["images/broken.png"] = files["images/0.png"][:300]
    files["images/lonely.png"] = encode(make_image(51, 64))
    files["tags.csv"] += b"".join(
        b"%s,red hair black eyes\n" % name
        for name in (b"same", b"mirror", b"near", b"small", b"broken", b"absent")
    )
    files["tags.csv"] += b"bad line\n"
    return write_zip(files)


def test_check_dataset_reports_counts_and_issues(flawed: Path) -> None:
    report = check_dataset(flawed, resolution=64)
    assert report.images == 10
    assert report.conditions.labels == {
        "hair": {"blue": 2, "pink": 2, "red": 6},
        "eyes": {"black": 7, "green": 3},
    }
    assert (report.conditions.possible, report.conditions.seen) == (6, 6)
    assert next(iter(report.conditions.rarest.items())) == ("blue hair black eyes", 1)
    assert report.sizes == {(64, 64): 9, (20, 16): 1}
    assert report.file_formats == {"PNG": 8, "WEBP": 1, "JPEG": 1}
    assert report.upscaled == 1
    assert report.duplicates == [
        DuplicateGroup("identical", ("0", "same")),
        DuplicateGroup("mirrored", ("1", "mirror")),
        DuplicateGroup("near", ("2", "near")),
    ]
    assert [(issue.kind, issue.location("x")) for issue in report.issues] == [
        ("missing", "x/tags.csv:12"),
        ("labels", "x/tags.csv:13"),
        ("unlabeled", "x/images/lonely.png"),
        ("unreadable", "x/tags.csv:11 (images/broken.png)"),
    ]
    assert report.errors == 3


def test_check_dataset_agrees_with_lenient_load(flawed: Path, tmp_path: Path) -> None:
    with pytest.warns(GanportWarning):
        data = load_dataset(flawed, resolution=64, skip_bad=True, cache=tmp_path / "cache")
    report = check_dataset(flawed)
    assert list(data.issues) == report.issues
    assert report.digest == data.digest


def test_format_report_lines(flawed: Path) -> None:
    lines = list(format_report(check_dataset(flawed)))
    assert lines[0] == f"{flawed}: tagged images, 10 usable images"
    assert "  blue  2   20.0%" in lines
    assert "  64 x 64  9   90.0%" in lines
    assert "  1 image below the resolution, to be enlarged or padded" in lines
    assert "combinations: 6 of 6 have an image, the rarest" in lines
    assert "  mirrored   1 groups of 2: 1, mirror" in lines
    assert "issues: 3 errors, 1 warning" in lines
    assert lines[-2].startswith(f"  error    {flawed}/tags.csv:11 (images/broken.png): expected")
    assert lines[-1].startswith(f"  warning  {flawed}/images/lonely.png: expected an entry")


def test_format_report_of_images_without_labels(
    make_image: Make, encode: Callable[..., bytes], write_folder: Write
) -> None:
    images = [make_image(seed, 16 + seed) for seed in range(21)]
    images[0].putalpha(128)
    files = {f"{number}.png": encode(image) for number, image in enumerate(images)}
    report = check_dataset(write_folder(files), resolution=16, format="images")
    lines = list(format_report(report))
    assert "  conditions  none" in lines
    assert any(line.startswith("  note     1 of 21 images carry transparency") for line in lines)
    start = lines.index("sizes")
    assert lines[start + 9].split() == ["13", "others", "13", "61.9%"]


def test_report_to_json(flawed: Path) -> None:
    facts = json.loads(json.dumps(check_dataset(flawed).to_json()))
    assert facts["sizes"] == {"64x64": 9, "20x16": 1}
    assert facts["conditions"]["labels"]["hair"] == {"blue": 2, "pink": 2, "red": 6}
    assert facts["errors"] == 3
    assert facts["duplicates"][0] == {"similarity": "identical", "ids": ["0", "same"]}
    assert facts["issues"][0]["message"].startswith(f"{flawed}/tags.csv:12: expected")


def test_check_dataset_lists_missing_combinations(
    tagged_files: MakeFiles, write_folder: Write
) -> None:
    report = check_dataset(write_folder(tagged_files(2)))
    assert report.conditions.missing == ["pink hair green eyes", "red hair black eyes"]
    lines = list(format_report(report))
    assert "  without an image: pink hair green eyes, red hair black eyes" in lines
    assert lines[-1] == "issues: none"


def test_check_dataset_without_usable_image_reports(write_folder: Write) -> None:
    report = check_dataset(write_folder({"tags.csv": b"1,pink hair\n"}))
    assert (report.images, report.errors) == (0, 1)
    assert list(format_report(report))[-1].endswith("Add the image or remove its entry.")


def test_check_dataset_writes_nothing(
    tagged_files: MakeFiles, write_folder: Write, tmp_path: Path
) -> None:
    path = write_folder(tagged_files(2))
    before = sorted(tmp_path.rglob("*"))
    check_dataset(path)
    assert sorted(tmp_path.rglob("*")) == before


def test_check_dataset_counts_objects_and_prompts(
    format_files: MakeFiles, write_folder: Write
) -> None:
    report = check_dataset(write_folder(format_files("iclevr")), resolution=16)
    assert report.conditions.labels == {"objects": {"cube": 3, "ball": 4, "cone": 1}}
    assert (report.conditions.possible, report.conditions.seen) == (None, 4)
    assert report.test_prompts == {"test": 2}
    lines = list(format_report(report))
    # An image has several objects, so the fractions of the images do not sum to one.
    assert [line for line in lines if "%" in line and "P" not in line and " x " not in line] == [
        "  cube  3   60.0%",
        "  ball  4   80.0%",
        "  cone  1   20.0%",
    ]
    assert "combinations: 4 different, the rarest" in lines
    assert "  cube, ball, cone  1" in lines
    assert lines[lines.index("test lists") + 1] == "  test: 2 prompts"
    assert json.loads(json.dumps(report.to_json()))["test_prompts"] == {"test": 2}


def test_check_dataset_counts_attributes_in_order(
    format_files: MakeFiles, write_folder: Write
) -> None:
    files = format_files("celeba")
    files["list_attr_celeba.txt"] = files["list_attr_celeba.txt"].replace(
        b"3.png -1 1 1", b"3.png -1 1 -1"
    )
    report = check_dataset(write_folder(files), resolution=16)
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
    chosen = check_dataset(write_folder(files), resolution=16, attributes=["Smiling"])
    assert chosen.conditions.labels == {"attributes": {"Smiling": 3}}


def test_check_dataset_numbers_have_range(format_files: MakeFiles, write_folder: Write) -> None:
    labels = [[f"00000/{i}.png", [i / 4, 7]] for i in range(5)]
    files = format_files("stylegan_json") | {
        "dataset.json": json.dumps({"labels": labels}).encode()
    }
    report = check_dataset(write_folder(files), resolution=16)
    assert report.conditions.numbers == {"value_0": (0.0, 0.5, 1.0), "value_1": (7.0, 7.0, 7.0)}
    assert report.conditions.labels == {}
    lines = list(format_report(report))
    assert "value_0: 0 to 1, mean 0.5" in lines
    assert not any("combinations" in line for line in lines)


def test_check_dataset_orders_classes_by_number(
    format_files: MakeFiles, write_folder: Write
) -> None:
    report = check_dataset(write_folder(format_files("stylegan_json")), resolution=16)
    assert list(report.conditions.labels["class"].items()) == [("3", 3), ("12", 2)]


def test_format_report_cuts_long_captions(format_files: MakeFiles, write_folder: Write) -> None:
    files = format_files("celeba")
    table = files["list_attr_celeba.txt"].replace(b"Bald", b"B" * 90)
    lines = format_report(check_dataset(write_folder(files | {"list_attr_celeba.txt": table})))
    assert f"  {'B' * 80}…  1" in list(lines)


@pytest.mark.parametrize(
    ("kind", "changed", "message"),
    [
        ("iclevr", {"test.json": b"[1]"}, r"/test\.json\[0\]: expected a list of objects"),
        (
            "image_folder",
            {"cat /9.png": b""},
            "labels of 'class'",
        ),
    ],
)
def test_check_dataset_fatal_error_equals_load_error(
    format_files: MakeFiles,
    write_folder: Write,
    tmp_path: Path,
    kind: str,
    changed: Files,
    message: str,
) -> None:
    path = write_folder(format_files(kind) | changed)
    with pytest.raises(DataError, match=message):
        check_dataset(path)
    with pytest.raises(DataError, match=message):
        load_dataset(path, resolution=16, cache=tmp_path / "cache")


def test_format_report_gives_one_line_to_each_kind_of_issue(
    tagged_files: MakeFiles, write_folder: Write
) -> None:
    files = tagged_files(40, 16)
    lines = files["tags.csv"].split(b"\n")
    lines[5:15] = [line.replace(b" eyes", b" Eyes") for line in lines[5:15]]
    report = check_dataset(write_folder(files | {"tags.csv": b"\n".join(lines)}))
    assert report.errors == 10
    (error,) = [line for line in format_report(report) if line.startswith("  error")]
    assert "found one for hair, Eyes. Write eyes, not Eyes." in error
    assert error.endswith("(9 more of this kind)")


def test_check_dataset_names_files_that_are_not_read(
    tagged_files: MakeFiles,
    make_image: Make,
    encode: Callable[..., bytes],
    write_folder: Write,
) -> None:
    files = tagged_files(3) | {"images/a.psd": b"", "images/b.PSD": b"", "images/c.svg": b""}
    frames = {"save_all": True, "append_images": [make_image(9)]}
    files["images/0.gif"] = encode(make_image(0), "GIF", **frames)
    del files["images/0.png"]
    report = check_dataset(write_folder(files))
    assert report.images == 3
    assert report.errors == 0
    found = [(issue.kind, issue.found) for issue in report.issues]
    assert found == [
        ("unread", "2 files with the extension .psd, such as 'images/a.psd'"),
        ("unread", "1 file with the extension .svg, such as 'images/c.svg'"),
        ("frames", "several in 1 of them, such as 'images/0.gif'"),
    ]
