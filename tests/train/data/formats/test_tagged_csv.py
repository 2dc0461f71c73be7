from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import Conditions
from ganport_train.data.formats import base
from ganport_train.data.formats import tagged_csv as module
from ganport_train.data.formats.base import Example
from ganport_train.data.formats.registry import open_source
from ganport_train.data.formats.tagged_csv import TABLE, TaggedCsv, parse_line, parse_tags
from ganport_train.data.issues import DataError, EntryError, Issue, IssueLog
from ganport_train.data.source import FolderSource

Files = dict[str, bytes]
Write = Callable[..., Path]
Read = Callable[[Files], tuple[list[Example], list[Issue]]]


@pytest.fixture
def read(write_folder: Write) -> Read:
    def read(files: Files) -> tuple[list[Example], list[Issue]]:
        path = write_folder(files)
        issues = IssueLog("faces", strict=False)
        with open_source(path) as source:
            return TaggedCsv().read(source, issues), list(issues)

    return read


def vocabulary(examples: Sequence[Example]) -> Conditions:
    # The vocabulary comes from the examples, so the source is not read.
    return TaggedCsv().vocabulary(FolderSource(Path()), examples)


def tagged(lines: str, *images: str) -> Files:
    return {"tags.csv": lines.encode()} | {f"images/{name}": b"" for name in images}


def test_read_returns_examples_in_table_order(read: Read) -> None:
    lines = "b,pink hair black eyes\n\na.1,green eyes red hair\n"
    examples, issues = read(tagged(lines, "a.1.JPG", "b.webp"))
    assert issues == []
    assert examples == [
        Example("b", "images/b.webp", "tags.csv", 1, {"hair": "pink", "eyes": "black"}),
        Example("a.1", "images/a.1.JPG", "tags.csv", 3, {"hair": "red", "eyes": "green"}),
    ]
    assert list(examples[1].labels) == ["hair", "eyes"]
    conditions = vocabulary(examples)
    assert {group.name: group.labels for group in conditions.groups} == {
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


def test_vocabulary_too_many_labels_raises(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MAX_LABELS", 2)
    examples, _ = read(tagged("1,a hair\n2,b hair\n3,c hair\n", "1.png", "2.png", "3.png"))
    with pytest.raises(DataError, match=r"tags\.csv: expected 1 to 2 labels of 'hair'; found 3"):
        vocabulary(examples)


WORDS = st.from_regex(r"\w[\w-]{0,10}", fullmatch=True)
TAGS = st.dictionaries(WORDS, WORDS, min_size=1, max_size=5)


@pytest.mark.parametrize(
    "line",
    [
        b"7,pink hair black eyes\n",
        b"7,pink hair black eyes",
        b"7,pink hair black eyes\r\n",
        b" 7 ,  pink hair   black eyes ",
        b'"7","pink hair black eyes"',
        b'7,"pink hair black eyes"',
    ],
)
def test_parse_line_accepts_spacing_and_quotes(line: bytes) -> None:
    assert parse_line(line) == ("7", {"hair": "pink", "eyes": "black"})


@pytest.mark.parametrize("line", [b"", b"\n", b"  \r\n"])
def test_parse_line_blank_returns_none(line: bytes) -> None:
    assert parse_line(line) is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"7", "expected two fields, `ID,tags`; found 1 in '7'"),
        (b"7;pink hair", "found 1 in '7;pink hair'"),
        (b"7,pink hair,black eyes", "found 3 in"),
        (b"7,", "expected pairs of a label and its group"),
        (b"7,pink", "found 'pink'"),
        (b"id,tags", "`tags.csv` has no header line"),
        (b"7,pink hair black", "found 'pink hair black'"),
        (b"7,pink hair! black eyes", "expected pairs"),
        (b"7,pink hair red hair", "found two labels for 'hair': 'pink' and 'red'"),
        (b",pink hair", "expected an ID of letters"),
        (b"../7,pink hair", "expected an ID of letters"),
        (b"images/7,pink hair", "found 'images/7'"),
        (b".7,pink hair", "expected an ID of letters"),
        (b"7,pink\x1b[2J hair", r"found 'pink\\x1b\[2J hair'"),
        (b"7,\xff\xfe hair", "expected UTF-8 text; found byte 0xff at position 3 of the line"),
        (b'7,"pink hair', "Close the quotes on this line"),
        (b'7,"pink" hair', "Close the quotes on this line"),
        (b"7," + b"pink hair " * 500, "expected lines of at most 4096 bytes"),
    ],
)
def test_parse_line_outside_grammar_raises(line: bytes, message: str) -> None:
    with pytest.raises(EntryError, match=message):
        parse_line(line)


@given(TAGS, st.sampled_from([" ", "  ", "\t"]))
def test_parse_tags_round_trip(tags: dict[str, str], space: str) -> None:
    text = space.join(f"{label}{space}{group}" for group, label in tags.items())
    assert parse_tags(text) == tags
    assert parse_line(f"7,{text}\n".encode()) == ("7", tags)
    assert parse_line(f'"7","{text}"\n'.encode()) == ("7", tags)


@given(TAGS)
def test_parse_tags_reads_runtime_captions(tags: dict[str, str]) -> None:
    conditions = Conditions.one_hots({group: [label] for group, label in tags.items()})
    assert parse_tags(conditions.caption(tags)) == tags


@given(st.binary(max_size=60) | st.text('a1 ,"\n;', max_size=20).map(str.encode))
def test_parse_line_any_bytes_parse_or_raise(line: bytes) -> None:
    try:
        parsed = parse_line(line)
    except EntryError:
        return
    if parsed is None:
        assert not line.decode().strip()
    else:
        identity, tags = parsed
        assert identity
        assert tags
        assert "/" not in identity
