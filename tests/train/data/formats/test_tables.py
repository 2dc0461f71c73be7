from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import OneHot
from ganport_train.data.formats import tables as module
from ganport_train.data.formats.tables import (
    Pictures,
    check_labels,
    read_json,
    read_table,
)
from ganport_train.data.issues import DataError, EntryError, IssueLog
from ganport_train.data.source import Source

Files = dict[str, bytes]
Packed = Callable[[Files], AbstractContextManager[Source]]
PICTURES: Files = {
    "1.png": b"",
    "set/2.JPG": b"",
    "a/3.webp": b"",
    "b/3.webp": b"",
    "note.txt": b"",
}


def taken(packed: Packed, *names: str, folders: tuple[str, ...] = ()) -> list[str]:
    with packed(PICTURES) as source:
        pictures = Pictures(source, folders)
        return [pictures.take(name) for name in names]


def test_a_picture_is_found_by_path_by_usual_folder_and_by_name(packed: Packed) -> None:
    assert taken(packed, "set/2.JPG", "1.png", "a/3.webp") == ["set/2.JPG", "1.png", "a/3.webp"]
    assert taken(packed, "2.JPG") == ["set/2.JPG"]
    assert taken(packed, "3.webp", folders=("images", "b")) == ["b/3.webp"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["9.png"], "expected one picture '9.png'; found none. Add the picture or remove its ent"),
        (["../1.png"], r"expected one picture '\.\./1\.png'; found none"),
        (["/etc/1.png"], "found none"),
        (["note.txt"], "found none"),
        (["a\n\x1b[31m.png"], r"expected one picture 'a\\n\\x1b\[31m\.png'; found none"),
        (["3.webp"], r"found a/3\.webp and b/3\.webp\. Remove all but one"),
        (["2.JPG", "set/2.JPG"], r"expected each picture once; found 'set/2\.JPG' again"),
    ],
)
def test_a_name_that_means_no_picture(packed: Packed, names: list[str], message: str) -> None:
    with pytest.raises(EntryError, match=message):
        taken(packed, *names)


def test_what_no_entry_names_is_a_warning(packed: Packed) -> None:
    issues = IssueLog("set", strict=True)
    with packed(PICTURES) as source:
        pictures = Pictures(source)
        for name in ("1.png", "a/3.webp", "b/3.webp"):
            pictures.take(name)
        pictures.report_left("list.json", issues)
    assert [issue.sentence("set") for issue in issues] == [
        "set/set/2.JPG: expected an entry in list.json; found none. "
        "Add the entry or remove the picture."
    ]
    assert [(issue.kind, issue.level) for issue in issues] == [("untagged", "warning")]


@given(st.lists(st.text(max_size=12), max_size=6))
def test_no_name_reaches_beyond_the_pictures(packed: Packed, names: list[str]) -> None:
    with packed(PICTURES) as source:
        pictures = Pictures(source)
        for name in names:
            try:
                assert pictures.take(name) in PICTURES
            except EntryError as fault:
                assert (fault.expected + fault.found).isprintable()


def test_a_table_is_read_without_its_byte_order_mark(packed: Packed) -> None:
    with packed({"a.json": b'\xef\xbb\xbf{"x": 1}'}) as source:
        assert read_table(source, "a.json") == b'{"x": 1}'
        assert read_json(source, "a.json") == {"x": 1}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"a\.json: expected a table of labels; found an empty file\. Put the table back"),
        (b" \n", "found an empty file"),
        (b"{", r"a\.json: expected valid JSON; found Expecting"),
        (b"[" * 5000, r"a\.json: expected valid JSON; found nesting deeper than 64"),
        (b"[" * 70 + b"]" * 70, "found nesting deeper than 64"),
        (b'{"a": 1, "a": 2}', "the name 'a' stands twice in one object"),
        (b"[NaN]", "NaN is no JSON number"),
        (b"[1" + b"0" * 5000 + b"]", "expected valid JSON; found"),
        (b"\xff", "expected valid JSON; found 'utf-8' codec"),
        (b"[1]" + b" " * 200, r"a\.json: expected at most 0 MiB"),
    ],
)
def test_a_table_that_is_no_json(
    packed: Packed, monkeypatch: pytest.MonkeyPatch, data: bytes, message: str
) -> None:
    monkeypatch.setattr(module, "MAX_JSON", 100 if len(data) == 203 else 10_000)
    with packed({"a.json": data}) as source, pytest.raises(DataError, match=message) as caught:
        read_json(source, "a.json")
    assert str(caught.value).startswith(f"{source}/a.json: ")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "set: expected 1 to 1024 labels of 'hair'; found 0. Check that these are labels"),
        ([str(i) for i in range(1025)], "expected 1 to 1024 labels of 'hair'; found 1025"),
        (["cat", "dog", "cat"], "labels of 'hair': each once; found 'cat' twice. Rename the label"),
        (
            ["cat", "cat "],
            "labels of 'hair': printable text without space at its ends; found 'cat '",
        ),
        (["c" * 101], "labels of 'hair': text of 1 to 100 characters; found 'ccc"),
        (["a\nb"], r"printable text without space at its ends; found 'a\\nb'"),
        ([""], "text of 1 to 100 characters; found ''"),
    ],
)
def test_labels_that_no_group_can_hold(labels: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        check_labels("hair", labels, "set")
    assert str(caught.value).isprintable()


@given(st.lists(st.text(max_size=3), min_size=1, max_size=4))
def test_labels_that_pass_are_those_a_group_takes(labels: list[str]) -> None:
    try:
        check_labels("hair", labels, "set")
    except DataError:
        with pytest.raises(ValueError, match="hair"):
            OneHot("hair", tuple(labels))
    else:
        assert OneHot("hair", tuple(labels)).labels == tuple(labels)
