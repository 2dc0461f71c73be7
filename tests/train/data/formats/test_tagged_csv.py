from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ganport_train.data.formats import base
from ganport_train.data.formats import tagged_csv as module
from ganport_train.data.formats.base import Contents, Example
from ganport_train.data.formats.registry import open_source
from ganport_train.data.formats.tagged_csv import TABLE, TaggedCsv
from ganport_train.data.issues import DataError, Issue, IssueLog

Files = dict[str, bytes]
Write = Callable[..., Path]
Read = Callable[[Files], tuple[list[Example], list[Issue]]]
ReadContents = Callable[[Files], tuple[Contents, list[Issue]]]


@pytest.fixture
def read_contents(write_folder: Write) -> ReadContents:
    def read(files: Files) -> tuple[Contents, list[Issue]]:
        path = write_folder(files)
        issues = IssueLog("faces", strict=False)
        with open_source(path) as source:
            return TaggedCsv().read(source, issues, ()), list(issues)

    return read


@pytest.fixture
def read(read_contents: ReadContents) -> Read:
    def read(files: Files) -> tuple[list[Example], list[Issue]]:
        contents, issues = read_contents(files)
        return contents.examples, issues

    return read


def tagged(lines: str, *images: str) -> Files:
    return {"tags.csv": lines.encode()} | {f"images/{name}": b"" for name in images}


def test_read_returns_examples_in_table_order(read_contents: ReadContents) -> None:
    lines = "b,pink hair black eyes\n\na.1,green eyes red hair\n"
    contents, issues = read_contents(tagged(lines, "a.1.JPG", "b.webp"))
    examples = contents.examples
    assert issues == []
    assert examples == [
        Example("b", "images/b.webp", "tags.csv", 1, {"hair": "pink", "eyes": "black"}),
        Example("a.1", "images/a.1.JPG", "tags.csv", 3, {"hair": "red", "eyes": "green"}),
    ]
    assert list(examples[1].labels) == ["hair", "eyes"]
    assert {group.name: group.labels for group in contents.vocabulary().groups} == {
        "hair": ("pink", "red"),
        "eyes": ("black", "green"),
    }


def test_read_ignores_byte_order_mark(read: Read) -> None:
    examples, issues = read(tagged("\ufeff1,pink hair", "1.png"))
    assert [example.id for example in examples] == ["1"]
    assert issues == []


@pytest.mark.parametrize(
    ("lines", "images", "location", "found"),
    [
        ("1,pink hair\n2,no pairs here\n", ["1.png", "2.png"], f"{TABLE}:2", "'no pairs here'"),
        ("1,pink hair\n\n1,red hair\n", ["1.png"], f"{TABLE}:3", "'1' again, after line 1"),
        ("1,pink hair\n2,red hair\n", ["1.png"], f"{TABLE}:2", "none"),
        ("1,pink hair\n", ["1.png", "1.jpg"], f"{TABLE}:1", "images/1.jpg and images/1.png"),
        (
            "1,pink hair black eyes\n2,pink hair\n",
            ["1.png", "2.png"],
            f"{TABLE}:2",
            "one for hair",
        ),
        ("1,pink hair\n", ["1.png", "2.png"], "images/2.png", "none"),
    ],
)
def test_read_bad_line_logs_issue_with_location(
    read: Read, lines: str, images: list[str], location: str, found: str
) -> None:
    _, issues = read(tagged(lines, *images))
    assert [(issue.location("faces"), issue.found) for issue in issues] == [
        (f"faces/{location}", found)
    ]


def test_read_unlabeled_image_is_warning(read: Read) -> None:
    examples, issues = read(tagged("1,pink hair\n3,red hair\n", "1.png", "2.png"))
    assert [(issue.kind, issue.level) for issue in issues] == [
        ("missing", "error"),
        ("unlabeled", "warning"),
    ]
    assert [example.id for example in examples] == ["1"]


def test_read_ignores_other_files(read: Read) -> None:
    files = tagged("1,pink hair\n", "1.png", "note.txt", "more/2.png")
    _, issues = read(files | {"README.md": b"", "3.png": b""})
    assert issues == []


@pytest.mark.parametrize("table", [b"", b" \n\r\n", b"\xef\xbb\xbf"])
def test_read_empty_table_raises(read: Read, table: bytes) -> None:
    with pytest.raises(DataError, match=r"tags\.csv: expected a table of labels; found an empty"):
        read({"tags.csv": table, "images/1.png": b""})


def test_read_table_over_limit_raises(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TABLE", 10)
    with pytest.raises(DataError, match=r"tags\.csv: expected at most 0 MiB"):
        read(tagged("1,pink hair\n", "1.png"))


def test_vocabulary_too_many_labels_raises(
    read_contents: ReadContents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MAX_LABELS", 2)
    contents, _ = read_contents(tagged("1,a hair\n2,b hair\n3,c hair\n", "1.png", "2.png", "3.png"))
    with pytest.raises(DataError, match=r"tags\.csv: expected 1 to 2 labels of 'hair'; found 3"):
        contents.vocabulary()


def labels(examples: Sequence[Example]) -> list[str]:
    return [" ".join(f"{v} {k}" for k, v in example.labels.items()) for example in examples]


PAIRS = ("pink hair black eyes", "red hair green eyes", "blue hair brown eyes")
LINES = "".join(f"{i},{text}\n" for i, text in enumerate(PAIRS))
IMAGES = ("0.png", "1.png", "2.png")


def test_read_odd_first_line_condemns_itself_alone(read: Read) -> None:
    table = "3,pink Hair black eyes\n" + LINES
    examples, (issue,) = read(tagged(table, *IMAGES, "3.png"))
    assert labels(examples) == list(PAIRS)
    assert issue.location("faces") == "faces/tags.csv:1"
    assert issue.found == "one for Hair, eyes"
    assert issue.fix == "Write hair, not Hair."


@pytest.mark.parametrize(
    ("separator", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")]
)
def test_read_other_separator_is_one_warning(read: Read, separator: str, name: str) -> None:
    examples, (issue,) = read(tagged(LINES.replace(",", separator), *IMAGES))
    assert labels(examples) == list(PAIRS)
    assert (issue.level, issue.found, issue.line) == ("warning", name, None)


def test_read_lines_of_an_old_mac(read: Read) -> None:
    examples, issues = read(tagged(LINES.replace("\n", "\r"), *IMAGES))
    assert labels(examples) == list(PAIRS)
    assert issues == []


def test_read_header_line_is_skipped_with_a_warning(read: Read) -> None:
    examples, (issue,) = read(tagged("ID,Tags\n" + LINES, *IMAGES))
    assert labels(examples) == list(PAIRS)
    assert (issue.level, issue.found) == ("warning", "'ID,Tags'")


def test_read_names_of_files_and_images_next_to_the_table(read: Read) -> None:
    table = "0.PNG,pink hair\nmy image (2),red hair\nC:\\faces\\2.jpg,red hair\n"
    files = {"tags.csv": table.encode(), "0.png": b"", "my image (2).webp": b"", "2.jpg": b""}
    examples, issues = read(files)
    assert issues == []
    assert [example.image for example in examples] == ["0.png", "my image (2).webp", "2.jpg"]


def test_read_unlisted_image_next_to_the_table_warns(read: Read) -> None:
    _, issues = read({"tags.csv": b"0,pink hair\n", "0.png": b"", "1.png": b""})
    assert [(issue.file, issue.level) for issue in issues] == [("1.png", "warning")]


def test_read_labels_of_several_words(read: Read) -> None:
    table = LINES.replace("pink", "very light blue").replace("green", "dark green")
    examples, issues = read(tagged(table, *IMAGES))
    assert issues == []
    assert examples[0].labels == {"hair": "very light blue", "eyes": "black"}
    assert examples[1].labels == {"hair": "red", "eyes": "dark green"}


@pytest.mark.parametrize(
    ("encoding", "assumed"), [("utf-16", "UTF-16"), ("cp1252", "Windows-1252"), ("cp932", "Shift")]
)
def test_read_other_encoding_is_said(read: Read, encoding: str, assumed: str) -> None:
    label = "猫" if encoding == "cp932" else "café"
    table = f"0,{label} hair\n1,red hair\n".encode(encoding)
    examples, (issue,) = read({"tags.csv": table, "images/0.png": b"", "images/1.png": b""})
    assert labels(examples) == [f"{label} hair", "red hair"]
    assert assumed in issue.found
    assert issue.level == "warning"


def test_read_unknown_encoding_fails_line_by_line(read: Read) -> None:
    table = b"0,pink hair\n1,\x81\xff hair\n"
    examples, (issue,) = read({"tags.csv": table, "images/0.png": b"", "images/1.png": b""})
    assert labels(examples) == ["pink hair"]
    assert "byte 0x81" in issue.found


def test_read_composes_names_and_labels(read: Read) -> None:
    composed, decomposed = "ガ", "カ\u3099"
    table = f"{composed}0,{decomposed} hair\n".encode()
    examples, issues = read({"tags.csv": table, f"images/{decomposed}0.png": b""})
    assert issues == []
    assert labels(examples) == [f"{composed} hair"]


def test_vocabulary_of_too_many_groups_names_the_table(read_contents: ReadContents) -> None:
    tags = " ".join(f"a{i} g{i}" for i in range(300))
    contents, _ = read_contents(tagged(f"0,{tags}\n", "0.png"))
    with pytest.raises(DataError, match=r"tags\.csv: expected at most 256 condition groups; fo"):
        contents.vocabulary()
