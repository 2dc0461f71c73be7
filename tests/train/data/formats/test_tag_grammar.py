import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import Conditions
from ganport_train.data.formats.tag_grammar import (
    choose_groups,
    find_separator,
    parse_tags,
    split_line,
)
from ganport_train.data.issues import EntryError

WORDS = st.from_regex(r"\w[\w-]{0,10}", fullmatch=True)
TAGS = st.dictionaries(WORDS, WORDS, min_size=1, max_size=5)
TEXT = "pink hair black eyes"


@pytest.mark.parametrize(
    "line",
    [
        b"7,pink hair black eyes\n",
        b"7,pink hair black eyes",
        b"7,pink hair black eyes\r\n",
        b" 7 ,  pink hair black eyes ",
        b'"7","pink hair black eyes"',
        b'7,"pink hair black eyes"',
        b"7,pink hair,black eyes",
        b'7,"pink hair",black eyes\n',
    ],
)
def test_split_line_accepts_spacing_quotes_and_commas(line: bytes) -> None:
    assert split_line(line) == ("7", TEXT)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_split_line_accepts_other_separators(separator: str) -> None:
    assert split_line(f"7{separator}{TEXT}\n".encode(), separator) == ("7", TEXT)
    assert split_line(f'"7"{separator}"{TEXT}"'.encode(), separator) == ("7", TEXT)


@pytest.mark.parametrize("line", [b"", b"\n", b"  \r\n"])
def test_split_line_blank_returns_none(line: bytes) -> None:
    assert split_line(line) is None


@pytest.mark.parametrize("image_id", ["1.png", "my image (2)", "images/7", "images\\7.png", "é~"])
def test_split_line_accepts_names_of_files(image_id: str) -> None:
    assert split_line(f"{image_id},pink hair".encode()) == (image_id, "pink hair")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"7", "expected two fields, `ID,tags`; found 1 in '7'. Put one comma between"),
        (b"7;pink hair", "found 1 in '7;pink hair'"),
        (b",pink hair", "expected an ID of 1 to 200 printable characters"),
        (b"../7,pink hair", "without a dot at its start; found '../7'"),
        (b".7,pink hair", "without a dot at its start"),
        (b"7" * 201 + b",pink hair", "1 to 200 printable"),
        (b"7\x1b,pink hair", r"found '7\\x1b'"),
        (b"7,\xff\xfe hair", "expected UTF-8 text; found byte 0xff at position 3 of the line"),
        (b'7,"pink hair', "Close the quotes on this line"),
        (b'7,"pink" hair', "Close the quotes on this line"),
        (b"7," + b"pink hair " * 500, "expected lines of at most 4096 bytes"),
    ],
)
def test_split_line_outside_grammar_raises(line: bytes, message: str) -> None:
    with pytest.raises(EntryError, match=message):
        split_line(line)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected pairs of a label and its group"),
        ("pink", "found 'pink'"),
        ("tags", "`tags.csv` has no header line"),
        ("pink hair black", "found 'pink hair black'"),
        ("pink hair! black eyes", "expected pairs"),
        ("pink hair red hair", "found two labels for 'hair': 'pink' and 'red'"),
        ("pink\x1b[2J hair", r"found 'pink\\x1b\[2J hair'"),
    ],
)
def test_parse_tags_outside_grammar_raises(text: str, message: str) -> None:
    with pytest.raises(EntryError, match=message):
        parse_tags(text, ("hair", "eyes"))


@pytest.mark.parametrize(
    ("text", "hair", "eyes"),
    [
        ("light blue hair black eyes", "light blue", "black"),
        ("very light blue hair dark brown eyes", "very light blue", "dark brown"),
        ("brown eyes pink hair", "pink", "brown"),
        ("hair hair black eyes", "hair", "black"),
        ("pink hair eyes eyes", "pink", "eyes"),
    ],
)
def test_parse_tags_with_groups_reads_labels_of_several_words(
    text: str, hair: str, eyes: str
) -> None:
    assert parse_tags(text, ("hair", "eyes")) == {"hair": hair, "eyes": eyes}


@pytest.mark.parametrize(
    "text",
    [
        "pink hair red hair black eyes",
        "light blue hair eyes",
        "light blue hair",
        "black eyes pink",
        "hair black eyes",
    ],
)
def test_parse_tags_with_groups_misreads_nothing(text: str) -> None:
    with pytest.raises(EntryError):
        parse_tags(text, ("hair", "eyes"))


@given(TAGS, st.sampled_from([" ", "  ", "\t"]))
def test_parse_tags_round_trip(tags: dict[str, str], space: str) -> None:
    text = space.join(f"{label}{space}{group}" for group, label in tags.items())
    assert parse_tags(text, tags) == tags


@given(TAGS)
def test_parse_tags_reads_runtime_captions(tags: dict[str, str]) -> None:
    conditions = Conditions.one_hots({group: [label] for group, label in tags.items()})
    assert parse_tags(conditions.caption(tags), tags) == tags


LABELS = st.lists(st.sampled_from(["light", "dark", "pale"]), max_size=2).flatmap(
    lambda adjectives: st.sampled_from(["red", "blue"]).map(lambda c: " ".join([*adjectives, c]))
)


@given(st.lists(st.tuples(LABELS, LABELS), min_size=3, max_size=30))
def test_choose_groups_of_labels_of_several_words(labels: list[tuple[str, str]]) -> None:
    texts = [f"{hair} hair {eyes} eyes" for hair, eyes in labels]
    # As many plain lines as others, so that no adjective is in most of them.
    groups = choose_groups(["red hair blue eyes", "blue hair red eyes"] * len(texts) + texts)
    assert groups == ("hair", "eyes")
    read = [parse_tags(text, groups) for text in texts]
    assert [(tags["hair"], tags["eyes"]) for tags in read] == labels


@pytest.mark.parametrize(
    ("texts", "groups"),
    [
        ([], ()),
        (["nothing"], ()),
        (["pink hair", *["red hair black eyes"] * 2], ("hair", "eyes")),
        (["black eyes red hair", "red hair black eyes"], ("eyes", "hair")),
        (["light blue hair", "dark red hair", "red hair"], ("hair",)),
        (["light blue hair dark eyes", "red hair light brown eyes"], ("hair", "eyes")),
        (["very light blue hair", "very dark red hair", "a hair"], ("hair",)),
    ],
)
def test_choose_groups_takes_those_of_most_lines(texts: list[str], groups: tuple[str, ...]) -> None:
    assert choose_groups(texts) == groups


@given(TAGS)
def test_choose_groups_of_equal_pairs_are_theirs(tags: dict[str, str]) -> None:
    text = " ".join(f"{label} {group}" for group, label in tags.items())
    assert choose_groups([text] * 5) == tuple(tags)


@pytest.mark.parametrize(
    ("lines", "separator"),
    [
        ([], ","),
        ([b"1,a b", b"2;a b", b"3,a b"], ","),
        ([b"1;a b", b"2,a b", b"3;a b"], ";"),
        ([b"1\ta b"], "\t"),
        ([b"1,a b; c d"], ","),
    ],
)
def test_find_separator_is_that_of_most_lines(lines: list[bytes], separator: str) -> None:
    assert find_separator(lines) == separator


@given(st.binary(max_size=60) | st.text('a1 ,"\n;', max_size=20).map(str.encode))
def test_split_line_any_bytes_parse_or_raise(line: bytes) -> None:
    try:
        parsed = split_line(line)
    except EntryError:
        return
    if parsed is None:
        assert not line.decode().strip()
    else:
        identity, _ = parsed
        assert identity.isprintable()
        assert not identity.startswith(".")


@given(st.lists(st.text(max_size=30), max_size=8))
def test_any_texts_parse_or_raise(texts: list[str]) -> None:
    groups = choose_groups(texts)
    for text in texts:
        try:
            tags = parse_tags(text, groups)
        except EntryError as error:
            assert (error.expected + error.found).isprintable()
        else:
            assert all(label and group for group, label in tags.items())
