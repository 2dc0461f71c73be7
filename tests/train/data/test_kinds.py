import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ganport_train.data.kinds import READERS, choose_reader, open_source
from ganport_train.data.problems import DataError

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
