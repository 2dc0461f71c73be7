"""Numbers, intervals and tables as words."""

import math

import pytest

from ganport_train.evaluation.report.formatting import (
    NOTHING,
    flat,
    interval,
    measure,
    name_of,
    number,
)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.12345, "%", "12.3%"),
        (1, "%", "100.0%"),
        (0.12345, "", "0.123"),
        (31.2549, "", "31.25"),
        (131.25, "", "131.2"),
        (-12345.6, "", "-12,346"),
        (2.5, "bits", "2.50 bits"),
        (None, "%", NOTHING),
        (math.nan, "", NOTHING),
    ],
)
def test_a_measure_has_the_digits_that_count(value: object, unit: str, text: str) -> None:
    assert measure(value, unit) == text


@pytest.mark.parametrize("value", [None, "1", True, math.nan, math.inf, -math.inf, 10**400, [1]])
def test_what_cannot_be_drawn_is_no_number(value: object) -> None:
    assert number(value) is None


def test_an_interval_is_in_the_unit_of_its_figure() -> None:
    assert interval({"low": 0.5, "high": 0.75}) == "50.0% to 75.0%"
    assert interval({"low": 1, "high": 2.5, "unit": ""}) == "1.00 to 2.50"
    assert interval({"low": None, "high": None, "unit": ""}) == ""
    assert interval({}) == ""


def test_tables_become_lines_with_dotted_names() -> None:
    tables = {
        "a": {"b": {"c": True, "d": 0.0002}, "empty": {}, "none": None},
        "labels": ["pink", "blue"],
        "rows": [{"name": "x"}, {"name": "y"}],
        "zero": 0,
    }
    assert list(flat(tables)) == [
        ("a.b.c", "yes"),
        ("a.b.d", "0.0002"),
        ("labels", "pink, blue"),
        ("rows 1.name", "x"),
        ("rows 2.name", "y"),
        ("zero", "0"),
    ]


def test_a_report_has_the_name_of_its_bundle() -> None:
    assert name_of({"bundle": {"name": "faces.ganport", "title": "Faces"}}) == "Faces"
    assert name_of({"bundle": {"name": "faces.ganport"}}) == "faces.ganport"
    assert name_of({"bundle": "faces"}) == name_of({}) == ""
