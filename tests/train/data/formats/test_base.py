from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import OneHot
from ganport_train.data.formats import base as module
from ganport_train.data.formats.base import (
    check_labels,
    read_json,
    read_table,
)
from ganport_train.data.issues import DataError
from ganport_train.data.source import Source

Files = dict[str, bytes]
OpenZip = Callable[[Files], AbstractContextManager[Source]]


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
