from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import OneHot
from ganport_train.data.formats import base as module
from ganport_train.data.formats.base import (
    ImageIndex,
    check_labels,
    read_json,
    read_table,
)
from ganport_train.data.issues import DataError, EntryError, IssueLog
from ganport_train.data.source import Source

Files = dict[str, bytes]
OpenZip = Callable[[Files], AbstractContextManager[Source]]
PICTURES: Files = {
    "1.png": b"",
    "set/2.JPG": b"",
    "a/3.webp": b"",
    "b/3.webp": b"",
    "note.txt": b"",
}


def taken(open_zip: OpenZip, *names: str, folders: tuple[str, ...] = ()) -> list[str]:
    with open_zip(PICTURES) as source:
        images = ImageIndex(source, folders)
        return [images.take(name) for name in names]


def test_image_index_finds_path_folder_and_base_name(open_zip: OpenZip) -> None:
    assert taken(open_zip, "set/2.JPG", "1.png", "a/3.webp") == ["set/2.JPG", "1.png", "a/3.webp"]
    assert taken(open_zip, "2.JPG") == ["set/2.JPG"]
    assert taken(open_zip, "3.webp", folders=("images", "b")) == ["b/3.webp"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["9.png"], "expected one image '9.png'; found none. Add the image or remove its ent"),
        (["../1.png"], r"expected one image '\.\./1\.png'; found none"),
        (["/etc/1.png"], "found none"),
        (["note.txt"], "found none"),
        (["a\n\x1b[31m.png"], r"expected one image 'a\\n\\x1b\[31m\.png'; found none"),
        (["3.webp"], r"found a/3\.webp and b/3\.webp\. Remove all but one"),
        (["2.JPG", "set/2.JPG"], r"expected each image once; found 'set/2\.JPG' again"),
    ],
)
def test_image_index_unusable_name_raises(
    open_zip: OpenZip, names: list[str], message: str
) -> None:
    with pytest.raises(EntryError, match=message):
        taken(open_zip, *names)


def test_image_index_unused_image_warns(open_zip: OpenZip) -> None:
    issues = IssueLog("set", strict=True)
    with open_zip(PICTURES) as source:
        images = ImageIndex(source)
        for name in ("1.png", "a/3.webp", "b/3.webp"):
            images.take(name)
        images.report_unused("list.json", issues)
    assert [(issue.file, issue.kind, issue.level) for issue in issues] == [
        ("set/2.JPG", "unlabeled", "warning")
    ]


@given(st.lists(st.text(max_size=12), max_size=6))
def test_image_index_any_name_stays_inside_source(open_zip: OpenZip, names: list[str]) -> None:
    with open_zip(PICTURES) as source:
        images = ImageIndex(source)
        for name in names:
            try:
                assert images.take(name) in PICTURES
            except EntryError as error:
                assert (error.expected + error.found).isprintable()


def test_read_table_strips_byte_order_mark(open_zip: OpenZip) -> None:
    with open_zip({"a.json": b'\xef\xbb\xbf{"x": 1}'}) as source:
        assert read_table(source, "a.json") == b'{"x": 1}'
        assert read_json(source, "a.json") == {"x": 1}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"a\.json: expected a table of labels; found an empty file\. Restore the table"),
        (b" \n", "found an empty file"),
        (b"{", r"a\.json: expected valid JSON; found Expecting"),
        (b"[" * 5000, r"a\.json: expected valid JSON; found nesting deeper than 64"),
        (b"[" * 70 + b"]" * 70, "found nesting deeper than 64"),
        (b'{"a": 1, "a": 2}', "the name 'a' twice in one object"),
        (b"[NaN]", "NaN is not a JSON number"),
        (b"[1" + b"0" * 5000 + b"]", "expected valid JSON; found"),
        (b"\xff", "expected valid JSON; found 'utf-8' codec"),
        (b"[1]" + b" " * 200, r"a\.json: expected at most 0 MiB"),
    ],
)
def test_read_json_invalid_raises(
    open_zip: OpenZip, monkeypatch: pytest.MonkeyPatch, data: bytes, message: str
) -> None:
    monkeypatch.setattr(module, "MAX_JSON", 100 if len(data) == 203 else 10_000)
    with open_zip({"a.json": data}) as source, pytest.raises(DataError, match=message) as caught:
        read_json(source, "a.json")
    assert str(caught.value).startswith(f"{source}/a.json: ")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "set: expected 1 to 1024 labels of 'hair'; found 0"),
        ([str(i) for i in range(1025)], "expected 1 to 1024 labels of 'hair'; found 1025"),
        (["cat", "dog", "cat"], "labels of 'hair': each once; found 'cat' twice. Rename the label"),
        (
            ["cat", "cat "],
            "found 'cat '",
        ),
        (["c" * 101], "labels of 'hair': text of 1 to 100 characters; found 'ccc"),
        (["a\nb"], r"found 'a\\nb'"),
        ([""], "text of 1 to 100 characters; found ''"),
    ],
)
def test_check_labels_invalid_raises(labels: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        check_labels("hair", labels, "set")
    assert str(caught.value).isprintable()


@given(st.lists(st.text(max_size=3), min_size=1, max_size=4))
def test_check_labels_agrees_with_one_hot(labels: list[str]) -> None:
    try:
        check_labels("hair", labels, "set")
    except DataError:
        with pytest.raises(ValueError, match="hair"):
            OneHot("hair", tuple(labels))
    else:
        assert OneHot("hair", tuple(labels)).labels == tuple(labels)
