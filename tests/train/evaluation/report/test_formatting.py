import math
from typing import Any

import pytest

from ganport_train.evaluation.report.formatting import (
    MISSING,
    as_number,
    flatten,
    format_interval,
    format_number,
    headline_metrics,
    label_accuracies,
    label_table,
    metric_sections,
    provenance_tables,
    report_title,
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
        (None, "%", MISSING),
        (math.nan, "", MISSING),
    ],
)
def test_format_number_rounds_by_size(value: object, unit: str, text: str) -> None:
    assert format_number(value, unit) == text


@pytest.mark.parametrize("value", [None, "1", True, math.nan, math.inf, -math.inf, 10**400, [1]])
def test_as_number_of_other_values_is_none(value: object) -> None:
    assert as_number(value) is None


def test_format_interval_uses_the_unit() -> None:
    assert format_interval({"low": 0.5, "high": 0.75}) == "50.0% to 75.0%"
    assert format_interval({"low": 1, "high": 2.5, "unit": ""}) == "1.00 to 2.50"
    assert format_interval({"low": None, "high": None, "unit": ""}) == ""
    assert format_interval({}) == ""


def test_flatten_yields_dotted_names() -> None:
    tables = {
        "a": {"b": {"c": True, "d": 0.0002}, "empty": {}, "none": None},
        "labels": ["pink", "blue"],
        "rows": [{"name": "x"}, {"name": "y"}],
        "zero": 0,
    }
    assert list(flatten(tables)) == [
        ("a.b.c", "yes"),
        ("a.b.d", "0.0002"),
        ("labels", "pink, blue"),
        ("rows 1.name", "x"),
        ("rows 2.name", "y"),
        ("zero", "0"),
    ]


def test_report_title_is_that_of_the_bundle() -> None:
    assert report_title({"bundle": {"name": "faces.ganport", "title": "Faces"}}) == "Faces"
    assert report_title({"bundle": {"name": "faces.ganport"}}) == "faces.ganport"
    assert report_title({"bundle": "faces"}) == report_title({}) == ""


def test_headline_metrics_skip_unknown_keys(report: dict[str, Any]) -> None:
    titles = [metric["title"] for metric in headline_metrics(report).values()]
    assert titles == ["accuracy of hair", "kernel distance x 1000"]
    assert headline_metrics({}) == {}


def test_metric_sections_group_by_section(report: dict[str, Any]) -> None:
    found = {title: [row["title"] for row in rows] for title, rows in metric_sections(report)}
    assert found == {
        "Conditions": ["accuracy of hair", "accuracy of eyes"],
        "Quality": ["kernel distance x 1000"],
        "Diversity": ["spread"],
    }


def test_label_tables_start_with_the_worst(report: dict[str, Any]) -> None:
    assert [label for label, _ in label_accuracies(report["accuracy"]["hair"])] == ["blue", "pink"]
    columns, rows = label_table(report)
    assert [row["label"] for row in rows] == ["blue", "pink", "rare"]
    assert columns[0] == ("kernel", "kernel distance x 1000", "")
    assert columns[2] == ("coverage", "coverage", "%")


def test_provenance_tables_hold_all_other_fields(report: dict[str, Any]) -> None:
    assert provenance_tables(report) == [
        ("report", [("schema_version", "2"), ("kind", "score")]),
        (
            "bundle",
            [
                ("name", "faces.ganport"),
                ("title", "Faces"),
                ("digest", "ab12"),
                ("provenance.step", "1200"),
            ],
        ),
        ("options", [("count", "2000"), ("seed", "0")]),
        ("extractors", [("1.name", "judge"), ("1.digest", "cd34")]),
    ]
