import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ganport_runtime.conditions import Conditions, MultiHot, SignedMultiHot
from ganport_train.data.formats.celeba import CelebA
from ganport_train.data.formats.registry import (
    choose_reader,
    open_source,
    resolve_attributes,
)
from ganport_train.data.formats.tagged_csv import TaggedCsv
from ganport_train.data.issues import DataError, IssueLog

Write = Callable[..., Path]


def test_open_source_missing_path_raises(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected a folder or a zip file; found no such file"):
        open_source(tmp_path / "absent.zip")


def test_open_source_pipe_raises(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "faces.zip")
    with pytest.raises(DataError, match=r"expected a folder or a zip file; found something else"):
        open_source(tmp_path / "faces.zip")


@pytest.mark.parametrize("kind", ["write_folder", "write_zip"])
def test_choose_reader_detects_tagged_images(kind: str, request: pytest.FixtureRequest) -> None:
    write: Write = request.getfixturevalue(kind)
    with open_source(write({"tags.csv": b"1,pink hair\n"})) as source:
        assert choose_reader(source).title == "tagged images"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (
            {"notes.txt": b"", "faces/tags.csv": b""},
            "2 files, such as 'notes.txt', 'faces/tags.csv'",
        ),
        ({"notes.txt": b""}, "1 file, 'notes.txt'"),
        ({".hidden": b""}, "no usable file"),
    ],
)
def test_choose_reader_unknown_format_summarizes_files(
    write_folder: Write, files: dict[str, bytes], found: str
) -> None:
    with (
        open_source(write_folder(files)) as source,
        pytest.raises(DataError) as caught,
    ):
        choose_reader(source)
    assert caught.value.expected.startswith("a dataset, such as ")
    assert caught.value.found == found
    assert "Add images" in caught.value.fix


MANY = {f"{i}.png": b"" for i in range(12)}


@pytest.mark.parametrize(
    ("files", "expected", "advice"),
    [
        (
            MANY,
            "a dataset, such as tagged images, images with a table or class folders",
            [
                "For tagged images, add `tags.csv`, such as `1,pink hair black eyes`: `ganport",
                "For images with a table, add `metadata.csv` with the columns `file_name` and",
                "`ganport dataset init FOLDER` writes it",
                "For class folders, add a folder for each class",
                "Without labels, train a recipe without conditions: anime-dcgan.",
            ],
        ),
        (
            {f"cats/{name}": b"" for name in MANY},
            "class folders",
            ["For class folders, add a second folder of images: all images are in 'cats'."],
        ),
        (
            MANY | {"notes.csv": b"number,hair\n1,pink\n"},
            "images with a table",
            ["add a column `file_name` in the header of 'notes.csv'"],
        ),
        (
            MANY | {"1.txt": b"a, b"},
            "images with text files of tags",
            ["add the text files of most images: only 1 have one"],
        ),
        (
            MANY | {"set/Tags.csv": b"1,pink hair\n"},
            "tagged images",
            ["add `tags.csv` at the top level: it is 'set/Tags.csv'"],
        ),
        (
            {f"set/images/{name}": b"" for name in MANY} | {"set/dataset.json": b"{}"},
            "images with dataset.json",
            ["add `dataset.json` at the top level: it is 'set/dataset.json'"],
        ),
        (
            MANY | {"train.json": b"{}"},
            "i-CLEVR",
            ["For i-CLEVR, add `objects.json`."],
        ),
    ],
)
def test_choose_reader_names_the_nearest_layouts(
    write_folder: Write, files: dict[str, bytes], expected: str, advice: list[str]
) -> None:
    with open_source(write_folder(files)) as source, pytest.raises(DataError) as caught:
        choose_reader(source)
    assert expected in caught.value.expected
    assert caught.value.found.startswith("12 images without labels, such as ")
    assert [part for part in advice if part not in caught.value.fix] == []
    assert caught.value.fix.count("For ") == 3


def test_choose_reader_of_unread_images_names_them(write_folder: Write) -> None:
    with (
        open_source(write_folder({f"{i}.psd": b"" for i in range(3)})) as source,
        pytest.raises(DataError, match=r"There are 3 files with the extension \.psd, such as"),
    ):
        choose_reader(source)


def test_choose_reader_reads_images_without_labels_if_none_are_needed(write_folder: Write) -> None:
    with open_source(write_folder({f"cats/{name}": b"" for name in MANY})) as source:
        reader = choose_reader(source, labeled=False)
        assert reader.format == "images"
        assert choose_reader(source, "images").format == "images"
        contents = reader.read(source, IssueLog("x", strict=True), ())
    assert len(contents.examples) == 12
    assert contents.vocabulary() == Conditions()


TABLES = {
    "tagged_csv": {"tags.csv": b""},
    "iclevr": {"train.json": b"", "objects.json": b""},
    "celeba": {"list_attr_celeba.txt": b""},
    "stylegan_json": {"dataset.json": b""},
    "image_folder": {"cat/1.png": b"", "dog/1.png": b""},
    "table": {"metadata.csv": b"file_name,label\n"},
    "sidecar": {"1.png": b"", "1.txt": b"", "2.png": b"", "2.txt": b""},
}


SELECTING = {"celeba", "table", "sidecar"}


@pytest.mark.parametrize("kind", TABLES)
def test_choose_reader_every_format(write_folder: Write, kind: str) -> None:
    others: dict[str, bytes] = {}
    for files in TABLES.values():
        others |= files
    with open_source(write_folder(TABLES[kind])) as source:
        assert choose_reader(source).format == kind
    with open_source(write_folder(others, "all")) as source:
        assert choose_reader(source).format == "tagged_csv"
        assert choose_reader(source, kind).format == kind


def test_choose_reader_other_format_raises(write_folder: Write) -> None:
    with (
        open_source(write_folder(TABLES["tagged_csv"])) as source,
        pytest.raises(DataError) as caught,
    ):
        choose_reader(source, "iclevr")
    assert caught.value.place == str(source)
    assert "`train.json`" in caught.value.expected
    assert caught.value.found == "1 file, 'tags.csv'"


def test_choose_reader_invalid_format_suggests_nearest(write_folder: Write) -> None:
    with (
        open_source(write_folder(TABLES["tagged_csv"])) as source,
        pytest.raises(DataError) as caught,
    ):
        choose_reader(source, "celebA")
    assert (caught.value.place, caught.value.found) == ("format", "'celebA'")
    assert "'celeba'" in caught.value.fix


@pytest.mark.parametrize("kind", [kind for kind in TABLES if kind not in SELECTING])
def test_choose_reader_attributes_of_other_format_raise(write_folder: Write, kind: str) -> None:
    with (
        open_source(write_folder(TABLES[kind])) as source,
        pytest.raises(DataError, match="expected a dataset with attributes to select; found"),
    ):
        choose_reader(source, attributes=["Smiling"])


def test_resolve_attributes_uses_fixed_conditions() -> None:
    pinned = Conditions((SignedMultiHot("attributes", ("Smiling", "Bald")),))
    other = Conditions((MultiHot("attributes", ("Smiling", "Bald")),))
    assert list(resolve_attributes(CelebA(), (), pinned)) == ["Smiling", "Bald"]
    assert list(resolve_attributes(CelebA(), ["Bald", "Smiling"], pinned)) == ["Bald", "Smiling"]
    assert list(resolve_attributes(CelebA(), ["Bald"], other)) == ["Bald"]
    assert list(resolve_attributes(CelebA(), ["Bald"], None)) == ["Bald"]
    assert list(resolve_attributes(TaggedCsv(), (), pinned)) == []


def test_resolve_attributes_missing_fixed_attribute_raises() -> None:
    pinned = Conditions((SignedMultiHot("attributes", ("Smiling", "Bald")),))
    with pytest.raises(DataError) as caught:
        resolve_attributes(CelebA(), ["Bald"], pinned)
    assert (caught.value.place, caught.value.found) == ("attributes", "Bald")
    assert "Smiling, Bald" in caught.value.expected
