from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import Conditions, MultiHot, Scalar
from ganport_train.data.formats.base import Example
from ganport_train.data.formats.columns import Column, find_column
from ganport_train.data.formats.header_table import HeaderTable
from ganport_train.data.issues import Issue
from ganport_train.data.source import Source

Files = dict[str, bytes]
OpenZip = Callable[[Files], AbstractContextManager[Source]]
Read = Callable[..., tuple[list[Example], list[Issue], Conditions]]


@pytest.fixture(scope="session")
def read(read_with: Read) -> Read:
    return partial(read_with, HeaderTable())


def files_of(name: str, cells: list[str], separator: str = ";") -> Files:
    rows = [f"{i}.png{separator}{cell}\n" for i, cell in enumerate(cells)]
    table = f"file_name{separator}{name}\n{''.join(rows)}"
    return {"metadata.csv": table.encode()} | {f"{i}.png": b"" for i in range(len(cells))}


def column_of(name: str, cells: list[Any], separator: str = ",") -> Column:
    column = find_column(name, cells, separator)
    assert isinstance(column, Column)
    return column


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_read_decimal_commas_are_numbers_with_a_warning(read: Read, separator: str) -> None:
    files = files_of("age", ["0,5", "1,5", "2", "-3,25"], separator)
    examples, issues, conditions = read(files)
    assert [example.labels["age"] for example in examples] == [0.5, 1.5, 2.0, -3.25]
    assert conditions.groups == (Scalar("age", 0.1875, -3.25, 2.0),)
    assert [issue.message("set") for issue in issues][1] == (
        "set/metadata.csv: expected decimal points; found decimal commas in 'age', such as '0,5'. "
        "The cells of 'age' are read as numbers."
    )


def test_read_point_among_decimal_commas_is_an_issue(read: Read) -> None:
    examples, issues, _ = read(files_of("age", ["0,5"] * 20 + ["1.234"]))
    (error,) = [issue for issue in issues if issue.level == "error"]
    assert (len(examples), error.line, error.found) == (20, 22, "'1.234'")
    assert error.expected == "a number with a decimal comma"


def test_read_comma_among_decimal_points_is_an_issue(read: Read) -> None:
    _, issues, _ = read(files_of("age", ["0.5"] * 20 + ["1,5"]))
    assert [issue.found for issue in issues if issue.level == "error"] == ["'1,5'"]


@given(st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 4)), min_size=1, max_size=30))
def test_find_column_of_decimal_commas_keeps_numbers_or_says_why_not(numbers: list[float]) -> None:
    cells = [f"{x:.4f}".replace(".", ",") for x in numbers]
    column = column_of("age", cells, ";")
    assert [column.parse(cell) for cell in cells] == numbers
    assert [doubt.expected for doubt in column.doubts] == ["decimal points"]


@pytest.mark.parametrize(
    ("cells", "separator", "reason"),
    [
        (["1,234", "12,345", "999"], ";", "its commas may stand for points or between thousands"),
        (["1,234"] * 20 + ["a, b"], ";", "its commas may stand for points or between thousands"),
        (["0,5", "1,5", "2"], ",", "its cells may be numbers or lists, such as '0,5'"),
    ],
)
def test_find_column_of_uncertain_commas_conditions_nothing(
    cells: list[str], separator: str, reason: str
) -> None:
    found = find_column("age", cells, separator)
    assert isinstance(found, str)
    assert found.startswith(reason)
    requested = find_column("age", cells, separator, is_requested=True)
    assert isinstance(requested, Column)
    assert requested.parse(cells[0]) == cells[0]


def test_read_lists_with_commas(read: Read) -> None:
    cells = ['"sword, shield"', "staff", "bow", '"sword,staff"', ""]
    examples, (issue,), conditions = read(files_of("weapons", cells, ","))
    first, *others = [example.labels["weapons"] for example in examples]
    assert first == ["sword", "shield"]
    assert others == [["staff"], ["bow"], ["sword", "staff"], []]
    labels = ("bow", "shield", "staff", "sword")
    assert conditions.groups == (MultiHot("weapons", labels, (), 2),)
    assert issue.found == "commas in 'weapons', such as 'sword, shield'"
    assert issue.level == "warning"


ITEMS = st.lists(st.sampled_from(["sword", "bow", "long axe"]), min_size=1, max_size=3, unique=True)


@given(st.lists(ITEMS, max_size=10))
def test_find_column_of_lists_reads_their_labels(lists: list[list[str]]) -> None:
    lists = [["sword"], ["bow"], ["long axe"], ["sword", "bow"], ["long axe", "bow"], *lists]
    cells = [", ".join(items) for items in lists]
    for separator in ",;":
        column = column_of("weapons", cells, separator)
        assert [column.parse(cell) for cell in cells] == lists


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("name", ["Doe, Jane", "Roe, Jim"] * 4),
        ("label", ["Paris, France", "Nice, France", "France"]),
    ],
)
def test_find_column_of_other_commas_are_labels_with_a_warning(name: str, cells: list[str]) -> None:
    column = column_of(name, cells)
    assert column.parse(cells[0]) == cells[0]
    (doubt,) = column.doubts
    assert doubt.expected == "labels without commas"
    assert quoted(cells[0]) in doubt.found
    assert "Write | between" in doubt.fix


def test_find_column_of_sentences_with_commas_conditions_nothing() -> None:
    cells = [f"A picture, number {i}, of a girl who stands in a field" for i in range(30)]
    assert find_column("text", cells, ",") == "most of its texts occur once"


@pytest.mark.parametrize(
    ("cells", "expected", "found"),
    [
        (["#f00", "#0f0", "#f00"], "colors such as #ff88cc", "'#f00'"),
        (["red", "#00ff00", "#0000ff"], "colors such as #ff88cc", "'red'"),
        (["#00ff00aa", "#0000ff"], "colors such as #ff88cc", "'#00ff00aa'"),
        (["12", "13", "n/a", "20 years"], "numbers", "'n/a'"),
        (["0.5", "0,5", "old"], "labels without commas", "'0,5'"),
    ],
)
def test_find_column_of_mixed_cells_are_labels_with_a_warning(
    cells: list[str], expected: str, found: str
) -> None:
    column = column_of("kind", cells)
    assert [column.parse(cell) for cell in cells] == cells
    assert column.doubts[0].expected == expected
    assert column.doubts[0].found.endswith(found)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("hair", ["pink", "blue", "light blue"]),
        ("label", ["1", "2", "3", "other"]),
        ("size", ["S", "M", "42"]),
        ("cape", ["#00ff00", "#0000ff"]),
    ],
)
def test_find_column_of_plain_cells_has_no_doubts(name: str, cells: list[str]) -> None:
    assert column_of(name, cells).doubts == ()


def quoted(text: str) -> str:
    return f"'{text}'"
