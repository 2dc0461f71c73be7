import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import Conditions
from ganport_train.data.formats.tags import parse_line, parse_tags
from ganport_train.data.issues import EntryError

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
def test_a_line(line: bytes) -> None:
    assert parse_line(line) == ("7", {"hair": "pink", "eyes": "black"})


@pytest.mark.parametrize("line", [b"", b"\n", b"  \r\n"])
def test_a_blank_line_is_none(line: bytes) -> None:
    assert parse_line(line) is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"7", "expected two fields, `ID,tags`; found 1 in '7'"),
        (b"7;pink hair", "found 1 in '7;pink hair'"),
        (b"7,pink hair,black eyes", "found 3 in"),
        (b"7,", "expected pairs of a label and its group"),
        (b"7,pink", "found 'pink'"),
        (b"id,tags", "a table of tags has no header line"),
        (b"7,pink hair black", "found 'pink hair black'"),
        (b"7,pink hair! black eyes", "expected pairs"),
        (b"7,pink hair red hair", "found two labels for 'hair': 'pink' and 'red'"),
        (b",pink hair", "expected an ID that is a plain name"),
        (b"../7,pink hair", "expected an ID that is a plain name"),
        (b"images/7,pink hair", "found 'images/7'"),
        (b".7,pink hair", "expected an ID that is a plain name"),
        (b"7,pink\x1b[2J hair", r"found 'pink\\x1b\[2J hair'"),
        (b"7,\xff\xfe hair", "expected UTF-8 text; found byte 0xff at place 3 of the line"),
        (b'7,"pink hair', "Close the quotes on this line"),
        (b'7,"pink" hair', "Close the quotes on this line"),
        (b"7," + b"pink hair " * 500, "expected lines of at most 4096 bytes"),
    ],
)
def test_faults(line: bytes, message: str) -> None:
    with pytest.raises(EntryError, match=message):
        parse_line(line)


@given(TAGS, st.sampled_from([" ", "  ", "\t"]))
def test_what_is_written_is_read(tags: dict[str, str], space: str) -> None:
    text = space.join(f"{label}{space}{group}" for group, label in tags.items())
    assert parse_tags(text) == tags
    assert parse_line(f"7,{text}\n".encode()) == ("7", tags)
    assert parse_line(f'"7","{text}"\n'.encode()) == ("7", tags)


@given(TAGS)
def test_a_caption_of_the_runtime_is_a_line_of_tags(tags: dict[str, str]) -> None:
    conditions = Conditions.one_hots({group: [label] for group, label in tags.items()})
    assert parse_tags(conditions.caption(tags)) == tags


@given(st.binary(max_size=60) | st.text('a1 ,"\n;', max_size=20).map(str.encode))
def test_any_line_is_read_or_a_fault(line: bytes) -> None:
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
