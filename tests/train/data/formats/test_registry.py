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
    settle_attributes,
)
from ganport_train.data.formats.tagged_csv import TaggedFaces
from ganport_train.data.issues import DataError

Write = Callable[..., Path]


def test_a_path_to_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected a folder or a zip file; found nothing there"):
        open_source(tmp_path / "absent.zip")


def test_a_path_to_neither_folder_nor_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "faces.zip")
    with pytest.raises(DataError, match=r"expected a folder or a zip file; found something else"):
        open_source(tmp_path / "faces.zip")


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_tagged_faces_are_recognised(kind: str, request: pytest.FixtureRequest) -> None:
    write: Write = request.getfixturevalue(kind)
    with open_source(write({"tags.csv": b"1,pink hair\n"})) as source:
        assert choose_reader(source).name == "tagged faces"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (
            {"notes.txt": b"", "faces/tags.csv": b""},
            "2 files, such as 'notes.txt', 'faces/tags.csv'",
        ),
        ({"notes.txt": b""}, "1 file, 'notes.txt'"),
        ({".hidden": b""}, "no file that can be used"),
    ],
)
def test_a_data_set_of_no_known_kind(folder: Write, files: dict[str, bytes], found: str) -> None:
    with (
        open_source(folder(files)) as source,
        pytest.raises(DataError) as caught,
    ):
        choose_reader(source)
    assert all(reader.layout in caught.value.expected for reader in READERS)
    assert caught.value.found == found
    assert "packed from inside its folder" in caught.value.fix


TABLES = {
    "tagged": {"tags.csv": b""},
    "iclevr": {"train.json": b"", "objects.json": b""},
    "celeba": {"list_attr_celeba.txt": b""},
    "indexed": {"dataset.json": b""},
    "classes": {"cat/1.png": b"", "dog/1.png": b""},
}


@pytest.mark.parametrize("kind", TABLES)
def test_every_kind_is_recognised_and_can_be_asked_for(folder: Write, kind: str) -> None:
    others: dict[str, bytes] = {}
    for files in TABLES.values():
        others |= files
    with open_source(folder(TABLES[kind])) as source:
        assert choose_reader(source).kind == kind
    with open_source(folder(others, "all")) as source:
        assert choose_reader(source).kind == "tagged"
        assert choose_reader(source, kind).kind == kind


def test_a_kind_that_the_data_set_is_not_of(folder: Write) -> None:
    with (
        open_source(folder(TABLES["tagged"])) as source,
        pytest.raises(DataError) as caught,
    ):
        choose_reader(source, "iclevr")
    assert str(caught.value) == (
        f"{source}: expected `train.json` and `objects.json` beside the pictures; found 1 file, "
        "'tags.csv'. Lay the pictures out so; a zip is packed from inside its folder."
    )


def test_a_kind_there_is_not(folder: Write) -> None:
    with (
        open_source(folder(TABLES["tagged"])) as source,
        pytest.raises(DataError) as caught,
    ):
        choose_reader(source, "celebA")
    assert str(caught.value) == (
        "kind: expected one of auto, tagged, iclevr, celeba, indexed, classes; found 'celebA'. "
        "Did you mean 'celeba'?"
    )


@pytest.mark.parametrize("kind", [kind for kind in TABLES if kind != "celeba"])
def test_attributes_of_a_kind_that_has_none_to_choose(folder: Write, kind: str) -> None:
    with (
        open_source(folder(TABLES[kind])) as source,
        pytest.raises(DataError, match="expected a data set of attributes to choose from; found"),
    ):
        choose_reader(source, attributes=["Smiling"])


def test_pinned_conditions_choose_the_attributes() -> None:
    pinned = Conditions((SignedMultiHot("attributes", ("Smiling", "Bald")),))
    other = Conditions((MultiHot("attributes", ("Smiling", "Bald")),))
    assert list(settle_attributes(CelebA(), (), pinned)) == ["Smiling", "Bald"]
    assert list(settle_attributes(CelebA(), ["Bald", "Smiling"], pinned)) == ["Bald", "Smiling"]
    assert list(settle_attributes(CelebA(), ["Bald"], other)) == ["Bald"]
    assert list(settle_attributes(CelebA(), ["Bald"], None)) == ["Bald"]
    assert list(settle_attributes(TaggedFaces(), (), pinned)) == []


def test_attributes_that_leave_out_a_pinned_one() -> None:
    pinned = Conditions((SignedMultiHot("attributes", ("Smiling", "Bald")),))
    with pytest.raises(DataError) as caught:
        settle_attributes(CelebA(), ["Bald"], pinned)
    assert str(caught.value) == (
        "attributes: expected those of the pinned conditions, Smiling, Bald; found Bald. "
        "Leave the attributes out, or pin these."
    )
