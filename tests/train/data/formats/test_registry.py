import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ganport_runtime.conditions import Conditions, MultiHot, SignedMultiHot
from ganport_train.data.formats.celeba import CelebA
from ganport_train.data.formats.registry import (
    READERS,
    choose_reader,
    open_source,
    resolve_attributes,
)
from ganport_train.data.formats.tagged_csv import TaggedCsv
from ganport_train.data.issues import DataError

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
    assert all(reader.layout in caught.value.expected for reader in READERS)
    assert caught.value.found == found


TABLES = {
    "tagged_csv": {"tags.csv": b""},
    "iclevr": {"train.json": b"", "objects.json": b""},
    "celeba": {"list_attr_celeba.txt": b""},
    "stylegan_json": {"dataset.json": b""},
    "image_folder": {"cat/1.png": b"", "dog/1.png": b""},
}


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


@pytest.mark.parametrize("kind", [kind for kind in TABLES if kind != "celeba"])
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
