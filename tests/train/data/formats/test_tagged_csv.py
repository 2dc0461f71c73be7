from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ganport_runtime.conditions import Conditions
from ganport_train.data.folder_source import Folder
from ganport_train.data.formats import tables
from ganport_train.data.formats import tagged_csv as module
from ganport_train.data.formats.reader import Example
from ganport_train.data.formats.registry import open_source
from ganport_train.data.formats.tagged_csv import TaggedFaces
from ganport_train.data.issues import DataError, Issue, IssueLog

Files = dict[str, bytes]
Write = Callable[..., Path]
Read = Callable[[Files], tuple[list[Example], list[Issue]]]


@pytest.fixture
def read(folder: Write) -> Read:
    def read(files: Files) -> tuple[list[Example], list[Issue]]:
        path = folder(files)
        issues = IssueLog("faces", strict=False)
        with open_source(path) as source:
            return TaggedFaces().read(source, issues), list(issues)

    return read


def vocabulary(examples: Sequence[Example]) -> Conditions:
    # The vocabulary of tagged faces is in their examples: no source is read for it.
    return TaggedFaces().vocabulary(Folder(Path()), examples)


def tagged(lines: str, *pictures: str) -> Files:
    return {"tags.csv": lines.encode()} | {f"images/{name}": b"" for name in pictures}


def test_examples_in_the_order_of_the_table(read: Read) -> None:
    lines = "b,pink hair black eyes\n\na.1,green eyes red hair\n"
    examples, issues = read(tagged(lines, "a.1.JPG", "b.webp"))
    assert issues == []
    assert examples == [
        Example("b", "images/b.webp", "tags.csv", 1, {"hair": "pink", "eyes": "black"}),
        Example("a.1", "images/a.1.JPG", "tags.csv", 3, {"hair": "red", "eyes": "green"}),
    ]
    assert list(examples[1].request) == ["hair", "eyes"]
    conditions = vocabulary(examples)
    assert {group.name: group.labels for group in conditions.groups} == {
        "hair": ("pink", "red"),
        "eyes": ("black", "green"),
    }


def test_a_byte_order_mark_is_no_part_of_the_first_id(read: Read) -> None:
    examples, issues = read(tagged("\ufeff1,pink hair", "1.png"))
    assert [example.id for example in examples] == ["1"]
    assert issues == []


@pytest.mark.parametrize(
    ("lines", "pictures", "message"),
    [
        (
            "1,pink hair\n2,no pairs here\n",
            ["1.png", "2.png"],
            "faces/tags.csv:2: expected pairs of a label and its group, such as `pink hair black "
            "eyes`; found 'no pairs here'. Write each tag as `label group`; a table of tags has no "
            "header line.",
        ),
        (
            "1,pink hair\n\n1,red hair\n",
            ["1.png"],
            "faces/tags.csv:3: expected each ID once; found '1' again, after line 1. "
            "Remove one of the two lines.",
        ),
        (
            "1,pink hair\n2,red hair\n",
            ["1.png"],
            "faces/tags.csv:2: expected one picture images/2.jpg, .jpeg, .png or .webp; found "
            "none. Add the picture or remove the line.",
        ),
        (
            "1,pink hair\n",
            ["1.png", "1.jpg"],
            "faces/tags.csv:1: expected one picture images/1.jpg, .jpeg, .png or .webp; found "
            "images/1.jpg and images/1.png. Remove all but one.",
        ),
        (
            "1,pink hair black eyes\n2,pink hair\n",
            ["1.png", "2.png"],
            "faces/tags.csv:2: expected a label for hair, eyes, as on line 1; found one for hair. "
            "Give every picture a label of every group.",
        ),
        (
            "1,pink hair\n",
            ["1.png", "2.png"],
            "faces/images/2.png: expected a line for '2' in tags.csv; found none. Add the line or "
            "remove the picture.",
        ),
    ],
)
def test_faults_name_the_line(read: Read, lines: str, pictures: list[str], message: str) -> None:
    _, issues = read(tagged(lines, *pictures))
    assert [issue.sentence("faces") for issue in issues] == [message]


def test_only_an_untagged_picture_is_a_warning(read: Read) -> None:
    examples, issues = read(tagged("1,pink hair\n3,red hair\n", "1.png", "2.png"))
    assert [(issue.kind, issue.level) for issue in issues] == [
        ("missing", "error"),
        ("untagged", "warning"),
    ]
    assert [example.id for example in examples] == ["1"]


def test_files_that_are_no_picture_of_the_set_are_left_alone(read: Read) -> None:
    files = tagged("1,pink hair\n", "1.png", "note.txt", "more/2.png")
    _, issues = read(files | {"README.md": b"", "3.png": b""})
    assert issues == []


@pytest.mark.parametrize("table", [b"", b" \n\r\n", b"\xef\xbb\xbf"])
def test_an_empty_table(read: Read, table: bytes) -> None:
    with pytest.raises(DataError, match=r"tags\.csv: expected lines such as .* found an empty"):
        read({"tags.csv": table, "images/1.png": b""})


def test_a_table_too_long_to_be_one(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TABLE", 10)
    with pytest.raises(DataError, match=r"tags\.csv: expected at most 0 MiB"):
        read(tagged("1,pink hair\n", "1.png"))


def test_more_labels_than_a_vocabulary_has(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_LABELS", 2)
    examples, _ = read(tagged("1,a hair\n2,b hair\n3,c hair\n", "1.png", "2.png", "3.png"))
    with pytest.raises(DataError, match=r"tags\.csv: expected 1 to 2 labels of 'hair'; found 3"):
        vocabulary(examples)
