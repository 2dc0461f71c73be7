from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import Conditions, SignedMultiHot
from ganport_train.data.formats import celeba as module
from ganport_train.data.formats.base import Example
from ganport_train.data.formats.celeba import TABLE, CelebA
from ganport_train.data.issues import DataError, Issue, IssueLog
from ganport_train.data.source import Source

Files = dict[str, bytes]
OpenZip = Callable[[Files], AbstractContextManager[Source]]
Read = Callable[..., tuple[list[Example], list[Issue], Conditions]]
NAMES = "Bald Smiling Young"
ROWS = ("1.jpg -1  1 -1", "2.jpg  1 +1 -1")


@pytest.fixture(scope="session")
def read(read_with: Read) -> Read:
    return partial(read_with, CelebA())


def celeba(*rows: str, names: str = NAMES, count: str | None = None, images: int = 2) -> Files:
    lines = [str(len(rows)) if count is None else count, names, *rows]
    files = {f"img_align_celeba/{i}.jpg": b"" for i in range(1, images + 1)}
    return files | {"list_attr_celeba.txt": ("\r\n".join(lines) + "\r\n").encode()}


def test_read_returns_all_attributes(read: Read) -> None:
    examples, issues, conditions = read(celeba(*ROWS))
    assert issues == []
    assert examples == [
        Example(
            "1.jpg",
            "img_align_celeba/1.jpg",
            "list_attr_celeba.txt",
            3,
            {"attributes": ["Smiling"]},
        ),
        Example(
            "2.jpg",
            "img_align_celeba/2.jpg",
            "list_attr_celeba.txt",
            4,
            {"attributes": ["Bald", "Smiling"]},
        ),
    ]
    assert conditions == Conditions((SignedMultiHot("attributes", ("Bald", "Smiling", "Young")),))
    assert conditions.encode(examples[0].labels).tolist() == [-1, 1, -1]


def test_read_selected_attributes_keep_given_order(read: Read) -> None:
    examples, issues, conditions = read(celeba(*ROWS), ["Smiling", "Bald", "Smiling"])
    assert issues == []
    assert conditions == Conditions((SignedMultiHot("attributes", ("Smiling", "Bald")),))
    vectors = [conditions.encode(example.labels).tolist() for example in examples]
    assert vectors == [[1, -1], [1, 1]]


def test_read_unknown_attribute_suggests_nearest(read: Read) -> None:
    with pytest.raises(DataError) as caught:
        read(celeba(*ROWS), ["Bald", "smilling"])
    assert caught.value.place.endswith("/list_attr_celeba.txt:2")
    assert "'smilling'" in caught.value.expected
    assert "'Smiling'" in caught.value.fix


@pytest.mark.parametrize(
    ("files", "kind", "location", "found"),
    [
        (celeba(*ROWS, "3.jpg 1 1 1"), "missing", f"{TABLE}:5", "none"),
        (celeba(*ROWS, "../2.jpg 1 1 1"), "missing", f"{TABLE}:5", "none"),
        (celeba(*ROWS, "1.jpg 1 1 1"), "labels", f"{TABLE}:5", "'img_align_celeba/1.jpg' again"),
        (celeba(ROWS[0], "2.jpg 1 0 1"), "labels", f"{TABLE}:4", "'0'"),
        (celeba(ROWS[0], "2.jpg 1 1"), "labels", f"{TABLE}:4", "2"),
        (celeba(*ROWS, count="9"), "labels", f"{TABLE}:1", "2"),
        (celeba(*ROWS, images=3), "unlabeled", "img_align_celeba/3.jpg", "none"),
    ],
)
def test_read_bad_row_logs_issue_with_line(
    read: Read, files: Files, kind: str, location: str, found: str
) -> None:
    examples, issues, _ = read(files)
    assert [(issue.kind, issue.location("faces"), issue.found) for issue in issues] == [
        (kind, f"faces/{location}", found)
    ]
    assert issues[0].level == ("warning" if kind == "unlabeled" else "error")
    assert examples[0].id == "1.jpg"


def test_read_strict_raises_on_first_error(open_zip: OpenZip) -> None:
    with (
        open_zip(celeba(ROWS[0], "2.jpg 1 1")) as source,
        pytest.raises(DataError, match=r"list_attr_celeba\.txt:4: expected 3 attributes"),
    ):
        CelebA().read(source, IssueLog("faces", strict=True), ())


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            celeba(*ROWS, count=NAMES),
            r":1: expected the number of images; found 'Bald Smil",
        ),
        (celeba(*ROWS, count="-2"), ":1: expected the number of images; found '-2'"),
        (celeba(*ROWS, count="9" * 5000), r":1: expected the number of images; found '999"),
        (celeba(*ROWS, names=""), ":2: expected 1 to 1024 labels of 'attributes'; found 0"),
        (celeba(*ROWS, names="a b a"), ":2: expected labels .* each once; found 'a' twice"),
        (celeba(*ROWS, names="a " + "b" * 101), "text of 1 to 100 characters; found 'bbb"),
        (celeba(*ROWS, names="a \x01"), r"printable text .* found '\\x01'"),
        (celeba(*ROWS, names="a " * 1025), "expected 1 to 1024 labels of 'attributes'; found 1025"),
        ({"list_attr_celeba.txt": b"2\n\xff\xfe\n"}, ":2: expected UTF-8 text; found other bytes"),
        ({"list_attr_celeba.txt": b"2"}, ":2: expected 1 to 1024 labels of 'attributes'; found 0"),
        ({"list_attr_celeba.txt": b""}, r"celeba\.txt: expected a table of labels; found an empty"),
        (celeba("a" * 200_000), r"expected lines of at most 131,072 bytes; found one of 200,000"),
    ],
)
def test_read_invalid_table_raises(read: Read, files: Files, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(files)
    assert str(caught.value).isprintable()


def test_read_too_many_lines_raises(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 3)
    with pytest.raises(DataError, match=r"celeba\.txt: expected at most 3 lines; found 4"):
        read(celeba(*ROWS))


def test_read_skips_blank_lines(read: Read) -> None:
    examples, issues, _ = read(celeba(ROWS[0], "", ROWS[1], " ", count="2"))
    assert [(example.line, example.id) for example in examples] == [(3, "1.jpg"), (5, "2.jpg")]
    assert issues == []


SIGNS = st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=8)


@given(SIGNS)
def test_signs_reach_condition_vectors(read: Read, signs: list[list[bool]]) -> None:
    rows = [
        f"{i}.jpg " + " ".join("1" if on else "-1" for on in row) for i, row in enumerate(signs, 1)
    ]
    examples, issues, conditions = read(celeba(*rows, images=len(rows)))
    assert issues == []
    vectors = conditions.encode_many([example.labels for example in examples])
    assert vectors.tolist() == [[1.0 if on else -1.0 for on in row] for row in signs]


@given(st.binary(max_size=60), st.binary(max_size=40))
def test_read_any_bytes_give_examples_or_error(read: Read, head: bytes, tail: bytes) -> None:
    for table in (head, b"2\nBald Smiling\n" + tail, b"1\n" + head + b"\n1.jpg 1 " + tail):
        try:
            examples, issues, _ = read(celeba() | {"list_attr_celeba.txt": table})
        except DataError as error:
            assert str(error).isprintable()
        else:
            assert len({example.image for example in examples}) == len(examples)
            assert all(issue.message("faces").isprintable() for issue in issues)
