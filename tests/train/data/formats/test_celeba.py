from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import Conditions, SignedMultiHot
from ganport_train.data.formats import celeba as module
from ganport_train.data.formats.celeba import CelebA
from ganport_train.data.formats.reader import Example
from ganport_train.data.issues import DataError, Issue, IssueLog
from ganport_train.data.source import Source

Files = dict[str, bytes]
Packed = Callable[[Files], AbstractContextManager[Source]]
Reading = tuple[list[Example], list[Issue], Conditions]
Read = Callable[..., Reading]
NAMES = "Bald Smiling Young"
ROWS = ("1.jpg -1  1 -1", "2.jpg  1 +1 -1")


@pytest.fixture(scope="session")
def read(packed: Packed) -> Read:
    def read(files: Files, attributes: Sequence[str] = ()) -> Reading:
        issues = IssueLog("faces", strict=False)
        with packed(files) as source:
            examples = CelebA().read(source, issues, attributes)
            conditions = CelebA().vocabulary(source, examples, attributes)
        return examples, list(issues), conditions

    return read


def celeba(*rows: str, names: str = NAMES, count: str | None = None, pictures: int = 2) -> Files:
    lines = [str(len(rows)) if count is None else count, names, *rows]
    files = {f"img_align_celeba/{i}.jpg": b"" for i in range(1, pictures + 1)}
    return files | {"list_attr_celeba.txt": ("\r\n".join(lines) + "\r\n").encode()}


def test_examples_of_all_attributes(read: Read) -> None:
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
    assert conditions.encode(examples[0].request).tolist() == [-1, 1, -1]


def test_chosen_attributes_stand_in_the_order_of_the_choice(read: Read) -> None:
    examples, issues, conditions = read(celeba(*ROWS), ["Smiling", "Bald", "Smiling"])
    assert issues == []
    assert conditions == Conditions((SignedMultiHot("attributes", ("Smiling", "Bald")),))
    vectors = [conditions.encode(example.request).tolist() for example in examples]
    assert vectors == [[1, -1], [1, 1]]


def test_an_attribute_that_is_none_names_the_nearest(read: Read) -> None:
    with pytest.raises(DataError) as caught:
        read(celeba(*ROWS), ["Bald", "smilling"])
    assert str(caught.value).endswith(
        "/list_attr_celeba.txt:2: expected the attribute 'smilling'; found 3 others. "
        "Did you mean 'Smiling'?"
    )


@pytest.mark.parametrize(
    ("files", "kind", "message"),
    [
        (
            celeba(*ROWS, "3.jpg 1 1 1"),
            "missing",
            "faces/list_attr_celeba.txt:5: expected one picture '3.jpg'; found none. Add the "
            "picture or remove its entry.",
        ),
        (
            celeba(*ROWS, "../2.jpg 1 1 1"),
            "missing",
            "faces/list_attr_celeba.txt:5: expected one picture '../2.jpg'; found none. Add the "
            "picture or remove its entry.",
        ),
        (
            celeba(*ROWS, "1.jpg 1 1 1"),
            "tags",
            "faces/list_attr_celeba.txt:5: expected each picture once; found "
            "'img_align_celeba/1.jpg' again. Remove one of the two entries.",
        ),
        (
            celeba(ROWS[0], "2.jpg 1 0 1"),
            "tags",
            "faces/list_attr_celeba.txt:4: expected 3 attributes, each -1 or 1; found '0'. Mend "
            "the line or remove it.",
        ),
        (
            celeba(ROWS[0], "2.jpg 1 1"),
            "tags",
            "faces/list_attr_celeba.txt:4: expected 3 attributes, each -1 or 1; found 2. Mend the "
            "line or remove it.",
        ),
        (
            celeba(*ROWS, count="9"),
            "tags",
            "faces/list_attr_celeba.txt:1: expected 9 lines of pictures, as it says; found 2. Get "
            "the whole table, or write 2 on its first line.",
        ),
        (
            celeba(*ROWS, pictures=3),
            "untagged",
            "faces/img_align_celeba/3.jpg: expected an entry in list_attr_celeba.txt; found none. "
            "Add the entry or remove the picture.",
        ),
    ],
)
def test_faults_name_the_line(read: Read, files: Files, kind: str, message: str) -> None:
    examples, issues, _ = read(files)
    assert [issue.sentence("faces") for issue in issues] == [message]
    assert [issue.kind for issue in issues] == [kind]
    assert issues[0].level == ("warning" if kind == "untagged" else "error")
    assert examples[0].id == "1.jpg"


def test_a_strict_reading_ends_with_the_first_error(packed: Packed) -> None:
    with (
        packed(celeba(ROWS[0], "2.jpg 1 1")) as source,
        pytest.raises(DataError, match=r"list_attr_celeba\.txt:4: expected 3 attributes"),
    ):
        CelebA().read(source, IssueLog("faces", strict=True))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            celeba(*ROWS, count=NAMES),
            r":1: expected the number of pictures; found 'Bald Smil.* Put",
        ),
        (celeba(*ROWS, count="-2"), ":1: expected the number of pictures; found '-2'"),
        (celeba(*ROWS, count="9" * 5000), r":1: expected the number of pictures; found '999"),
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
def test_a_table_that_is_none(read: Read, files: Files, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(files)
    assert str(caught.value).isprintable()


def test_a_table_of_too_many_lines(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    with pytest.raises(DataError, match=r"celeba\.txt: expected at most 3 lines; found 4"):
        read(celeba(*ROWS))


def test_blank_lines_are_no_pictures(read: Read) -> None:
    examples, issues, _ = read(celeba(ROWS[0], "", ROWS[1], " ", count="2"))
    assert [(example.line, example.id) for example in examples] == [(3, "1.jpg"), (5, "2.jpg")]
    assert issues == []


SIGNS = st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=8)


@given(SIGNS)
def test_every_sign_arrives_where_it_belongs(read: Read, signs: list[list[bool]]) -> None:
    rows = [
        f"{i}.jpg " + " ".join("1" if on else "-1" for on in row) for i, row in enumerate(signs, 1)
    ]
    examples, issues, conditions = read(celeba(*rows, pictures=len(rows)))
    assert issues == []
    vectors = conditions.encode_many([example.request for example in examples])
    assert vectors.tolist() == [[1.0 if on else -1.0 for on in row] for row in signs]


@given(st.binary(max_size=60), st.binary(max_size=40))
def test_any_bytes_end_in_examples_problems_or_one_plain_error(
    read: Read, head: bytes, tail: bytes
) -> None:
    for table in (head, b"2\nBald Smiling\n" + tail, b"1\n" + head + b"\n1.jpg 1 " + tail):
        try:
            examples, issues, _ = read(celeba() | {"list_attr_celeba.txt": table})
        except DataError as error:
            assert str(error).isprintable()
        else:
            assert len({example.picture for example in examples}) == len(examples)
            assert all(issue.sentence("faces").isprintable() for issue in issues)
