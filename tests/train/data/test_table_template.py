from collections.abc import Callable
from pathlib import Path

import pytest

from ganport_train.data.formats.header_table import HeaderTable
from ganport_train.data.formats.registry import choose_reader, open_source
from ganport_train.data.issues import DataError, IssueLog
from ganport_train.data.table_template import write_template

Write = Callable[..., Path]


def test_write_template_lists_the_images(write_folder: Write) -> None:
    folder = write_folder({"b.png": b"", "a, x.JPG": b"", "notes.txt": b"", "dog/ガ.gif": b""})
    path, count = write_template(folder, ["kind", "color"])
    assert (path, count) == (folder / "metadata.csv", 3)
    assert path.read_text(encoding="utf-8-sig").splitlines() == [
        "file_name,kind,color",
        '"a, x.JPG",,',
        "b.png,,",
        "dog/ガ.gif,dog,",
    ]


def test_filled_template_is_a_dataset(write_folder: Write) -> None:
    path, _ = write_template(write_folder({"0.png": b"", "1.png": b""}), ["hair"])
    with open_source(path.parent) as source, pytest.raises(DataError, match="all its cells are em"):
        choose_reader(source).read(source, IssueLog("x", strict=True), ())
    text = path.read_text(encoding="utf-8-sig").replace("0.png,", "0.png,pink")
    path.write_text(text.replace("1.png,", "1.png,red"), encoding="utf-8")
    with open_source(path.parent) as source:
        examples = HeaderTable().read(source, IssueLog("x", strict=True), ()).examples
    assert [example.labels for example in examples] == [{"hair": "pink"}, {"hair": "red"}]


@pytest.mark.parametrize("table", ["metadata.csv", "tags.csv", "dataset.json"])
def test_write_template_replaces_nothing(write_folder: Write, table: str) -> None:
    folder = write_folder({"0.png": b"", table: b"mine"})
    with pytest.raises(DataError, match="a folder without a table of labels; found"):
        write_template(folder, ["hair"])
    assert (folder / table).read_bytes() == b"mine"
    assert sorted(file.name for file in folder.iterdir()) == ["0.png", table]


def test_write_template_without_images_raises(write_folder: Write) -> None:
    with pytest.raises(DataError, match="expected a folder of images; found none"):
        write_template(write_folder({"notes.txt": b""}), ["hair"])


@pytest.mark.parametrize("columns", [["File Name"], ["hair", "hair"], [""]])
def test_write_template_invalid_columns_raise(write_folder: Write, columns: list[str]) -> None:
    folder = write_folder({"0.png": b""})
    with pytest.raises(DataError, match="--column: expected different names"):
        write_template(folder, columns)
    assert not (folder / "metadata.csv").exists()


def test_write_template_does_not_hide_text_files_of_tags(write_folder: Write) -> None:
    tags = ("smile, hat", "hat", "smile")
    files = {f"{i}.txt": text.encode() for i, text in enumerate(tags)}
    folder = write_folder(files | {f"{i}.png": b"" for i in range(3)})
    with pytest.raises(DataError, match="without labels; found images with text files of tags"):
        write_template(folder, ["hair"])
    assert not (folder / "metadata.csv").exists()


def test_write_template_for_images_with_captions(write_folder: Write) -> None:
    texts = {f"{i}.txt": f"a girl with a hat in field {i}".encode() for i in range(3)}
    folder = write_folder(texts | {f"{i}.png": b"" for i in range(3)})
    assert write_template(folder, ["hair"])[1] == 3
