import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import Conditions, MultiHot, Scalar
from ganport_train.data.formats.base import Example
from ganport_train.data.formats.stylegan_json import MAX_MAGNITUDE, StyleGanJson
from ganport_train.data.issues import DataError, Issue

Files = dict[str, bytes]
Read = Callable[..., tuple[list[Example], list[Issue], Conditions]]


@pytest.fixture(scope="session")
def read(read_with: Read) -> Read:
    return partial(read_with, StyleGanJson())


def indexed(*labels: Any, images: int | None = None) -> Files:
    """Return images 00000/0.png, 00000/1.png, ... and a label for each."""
    names = [f"00000/{i}.png" for i in range(len(labels))]
    table = {"labels": [[name, label] for name, label in zip(names, labels, strict=True)]}
    files = {f"00000/{i}.png": b"" for i in range(len(labels) if images is None else images)}
    return files | {"dataset.json": json.dumps(table).encode()}


def table(value: Any) -> Files:
    return {"0.png": b"", "dataset.json": json.dumps(value).encode()}


def test_read_integers_are_classes(read: Read) -> None:
    examples, issues, conditions = read(indexed(10, 2, 10))
    assert issues == []
    assert examples[0] == Example(
        "00000/0.png", "00000/0.png", "dataset.json", None, {"class": "10"}
    )
    assert conditions == Conditions.one_hots({"class": ["2", "10"]})
    assert conditions.encode(examples[0].labels).tolist() == [0, 1]


@pytest.mark.parametrize("one", [1, 1.0])
def test_read_zero_one_lists_are_flags(read: Read, one: float) -> None:
    examples, issues, conditions = read(indexed([0, one, one], [0, 0, 0]))
    assert issues == []
    assert [example.labels for example in examples] == [{"labels": ["1", "2"]}, {"labels": []}]
    assert conditions == Conditions((MultiHot("labels", ("0", "1", "2")),))
    assert conditions.encode(examples[0].labels).tolist() == [0, 1, 1]


def test_read_number_lists_are_scalars(read: Read) -> None:
    examples, issues, conditions = read(indexed([0.5, 3], [-1.5, 3], [1, 3]))
    assert issues == []
    assert examples[1].labels == {"value_0": -1.5, "value_1": 3.0}
    assert conditions == Conditions(
        (Scalar("value_0", 0.0, -1.5, 1.0), Scalar("value_1", 3.0, 1.5, 4.5))
    )


def test_read_null_labels_is_unconditional(read: Read) -> None:
    examples, issues, conditions = read(table({"labels": None}))
    assert (issues, conditions) == ([], Conditions())
    assert examples == [Example("0.png", "0.png", "dataset.json", None, {})]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ((1, "one"), "expected a class number from 0 to 2147483647; found 'one'"),
        ((1, -1), "expected a class number from 0 to 2147483647; found -1"),
        ((1, 2**31), "expected a class number from 0 to 2147483647; found 2147483648"),
        ((1, True), "expected a class number from 0 to 2147483647; found True"),
        ((1, [1]), r"expected a class number from 0 to 2147483647; found [1]"),
        (([1, 0], None), "expected 2 numbers; found None"),
        (([1, 0], [1]), "expected 2 numbers; found [1]"),
        (([1, 0], [1, 0, 1]), "expected 2 numbers; found [1, 0, 1]"),
        (([1, 0], [True, False]), "expected 2 numbers; found [True, False]"),
        (([0.5, 0], ["a", 1]), "expected 2 numbers; found ['a', 1]"),
        (([0.5, 0], [1e39, 1]), "expected 2 numbers; found [1e+39, 1]"),
        (([0.5, 0], [1, int(MAX_MAGNITUDE) * 2]), "expected 2 numbers; found [1, 680564693277057"),
    ],
)
def test_read_label_of_other_type_logs_issue(
    read: Read, labels: tuple[Any, ...], message: str
) -> None:
    examples, issues, conditions = read(indexed(*labels))
    assert [example.id for example in examples] == ["00000/0.png"]
    (issue,) = issues
    assert issue.message("set").startswith(f"set/dataset.json (labels[1]): {message}")
    assert conditions.encode(examples[0].labels).shape == (conditions.size,)


@pytest.mark.parametrize(
    ("entry", "kind", "message"),
    [
        (["../0.png", 1], "missing", "expected one image '../0.png'; found none. Add the image"),
        (["0.png", 1], "labels", "expected each image once; found '00000/0.png' again. Remove on"),
        ("0.png", "labels", "expected [name, label]; found '0.png'. Fix or remove the entry."),
        ([0, 1], "labels", "expected [name, label]; found [0, 1]. Fix or remove the entry."),
        (["0.png"], "labels", "expected [name, label]; found ['0.png']. Fix or remove the entr"),
    ],
)
def test_read_invalid_entry_logs_issue(read: Read, entry: Any, kind: str, message: str) -> None:
    entries = [["00000/0.png", 3], entry]
    files = indexed(3) | {"dataset.json": json.dumps({"labels": entries}).encode()}
    examples, issues, _ = read(files)
    assert [example.labels for example in examples] == [{"class": "3"}]
    assert [issue.kind for issue in issues] == [kind]
    assert issues[0].message("set").startswith(f"set/dataset.json (labels[1]): {message}")


def test_read_image_without_entry_warns(read: Read) -> None:
    _, issues, _ = read(indexed(1, images=2))
    assert [(issue.file, issue.level) for issue in issues] == [("00000/1.png", "warning")]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (table([1]), r'expected an object with "labels"; found \[1\]\. Restore the table'),
        (table({}), r'expected an object with "labels"; found {}'),
        (table({"labels": []}), r'expected "labels" to be a list of \[name, label\]; found \[\]'),
        (table({"labels": {"0.png": 1}}), r'expected "labels" to be a list of \[name, label\]; fo'),
        (table({"labels": ["0.png"]}), r"labels\[0\]: expected a class number, a list of 1 to 256"),
        (indexed(None), r"labels\[0\]: expected a class number.*; found None"),
        (indexed(0.5), r"labels\[0\]: expected a class number.*; found 0\.5"),
        (indexed([]), r"labels\[0\]: expected a class number.*; found \[\]"),
        (indexed(["a"]), r"labels\[0\]: expected a class number.*; found \['a'\]"),
        (indexed([0.5] * 257), r"labels\[0\]: expected a class number.*; found \[0\.5, 0\.5"),
        (indexed([1] * 1025), r"labels\[0\]: expected a class number.*; found \[1, 1"),
        (indexed(*range(1025)), "expected 1 to 1024 labels of 'class'; found 1025"),
        ({"dataset.json": b'{"labels": [[' + b"[" * 900}, "expected valid JSON"),
    ],
)
def test_read_invalid_table_raises(read: Read, files: Files, message: str) -> None:
    with pytest.raises(DataError, match=rf"/dataset\.json: {message}"):
        read(files)


def test_read_accepts_maximum_label_size(read: Read) -> None:
    assert read(indexed([1] * 1024))[2].size == 1024
    assert read(indexed([0.5] * 256))[2].size == 256


FLOATS = st.floats(-MAX_MAGNITUDE, MAX_MAGNITUDE, width=32)


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(FLOATS, min_size=n, max_size=n))))
def test_numbers_reach_condition_vectors(read: Read, rows: list[list[float]]) -> None:
    if all(number in (0, 1) for row in rows for number in row):
        rows = [*rows, [0.5] * len(rows[0])] if rows else [[0.5]]
    examples, issues, conditions = read(indexed(*rows))
    assert issues == []
    vectors = conditions.encode_many([example.labels for example in examples])
    np.testing.assert_array_equal(vectors, np.array(rows, np.float32))
    # A checkpoint stores the conditions as JSON.
    assert Conditions.from_json(conditions.to_json(), "conditions") == conditions


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
LABELS = st.integers(-1, 3) | st.lists(st.integers(0, 2), max_size=3) | JSON
NAMES = st.sampled_from(["0.png", "1.png", "../2.png"]) | JSON


@given(st.lists(st.lists(NAMES | LABELS, max_size=3) | st.tuples(NAMES, LABELS)) | JSON)
def test_read_any_json_gives_examples_or_error(read: Read, labels: Any) -> None:
    try:
        examples, issues, conditions = read(table({"labels": labels}) | {"1.png": b""})
    except DataError as error:
        assert str(error).isprintable()
        return
    assert len({example.image for example in examples}) == len(examples)
    assert all(issue.message("set").isprintable() for issue in issues)
    if examples:
        vectors = conditions.encode_many([example.labels for example in examples])
        assert np.isfinite(vectors).all()
