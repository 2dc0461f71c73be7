"""Text and tables of a report: numbers, intervals, configurations, and the order of rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

Json = Mapping[str, Any]
MISSING = "–"  # noqa: RUF001  (a dash, not a minus)
_PERCENT = "%"
_MAX_NUMBER = 1e100
# Keys of a report with their own part of the page; all others tell how the report was made.
_SHOWN = (
    *("metrics", "headline", "warnings", "notes"),
    *("accuracy", "prompt_lists", "labels", "misclassified"),
)
_LABEL_COLUMNS = {
    "kernel": ("kernel distance x 1000", ""),
    "density": ("density", ""),
    "coverage": ("coverage", "%"),
    "spread": ("spread, relative to real", "%"),
}


def as_number(value: object) -> float | None:
    """Return a number of moderate size as a float, and None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _MAX_NUMBER else None  # false for NaN


def format_number(value: object, unit: str = "") -> str:
    """Return a number with about three significant digits; unit "%" formats a fraction."""
    number = as_number(value)
    if number is None:
        return MISSING
    if unit == _PERCENT:
        return f"{number:.1%}"
    size = abs(number)
    digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 3
    text = f"{number:,.{digits}f}"
    return f"{text} {unit}" if unit else text


def format_interval(metric: Json) -> str:
    """Return the interval of a metric or fraction, or "" if it has none."""
    unit = metric.get("unit", _PERCENT)
    if as_number(metric.get("low")) is None or as_number(metric.get("high")) is None:
        return ""
    return f"{format_number(metric['low'], unit)} to {format_number(metric['high'], unit)}"


def report_title(report: Json) -> str:
    """Return the title or else the name of a report's bundle, or ""."""
    bundle = report.get("bundle")
    fields = bundle if isinstance(bundle, Mapping) else {}
    return str(fields.get("title") or fields.get("name") or "")


def flatten(tables: Json, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the dotted name and text of every value of nested tables, without empty values."""
    for name, value in tables.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        elif _is_rows(value):
            for number, row in enumerate(value, 1):
                yield from flatten(row, f"{prefix}{name} {number}.")
        elif value not in (None, "", [], ()):
            yield prefix + str(name), format_value(value)


def format_value(value: object) -> str:
    """Return a value of a configuration as text for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(format_value(entry) for entry in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def headline_metrics(report: Json) -> dict[str, Json]:
    """Return the metrics of the headline by key, in the report's order."""
    metrics = report.get("metrics", {})
    return {key: metrics[key] for key in report.get("headline", ()) if key in metrics}


def metric_sections(report: Json) -> list[tuple[str, list[Json]]]:
    """Return the metrics by section, sections in the order of their first metric."""
    metrics = list(report.get("metrics", {}).values())
    order = list(dict.fromkeys(metric["section"] for metric in metrics))
    metrics.sort(key=lambda metric: order.index(metric["section"]))
    return [(title, list(rows)) for title, rows in groupby(metrics, lambda row: row["section"])]


def label_accuracies(part: Json) -> list[tuple[str, Json]]:
    """Return the labels of a group's accuracy, the least accurate first."""
    rows = part.get("labels", {}).items()
    return sorted(rows, key=lambda row: as_number(row[1]["generated"]["value"]) or 0.0)


def label_table(report: Json) -> tuple[list[tuple[str, str, str]], list[Json]]:
    """Return the columns (key, title, unit) and the rows of the table by label, the worst first.

    Rows without values come last.
    """
    rows = list(report.get("labels", ()))
    keys = dict.fromkeys(key for row in rows for key in row["metrics"])
    known = [key for key in _LABEL_COLUMNS if key in keys]
    order = [*known, *sorted(keys.keys() - _LABEL_COLUMNS.keys())]
    columns = [(key, *_LABEL_COLUMNS.get(key, (key, ""))) for key in order]
    return columns, sorted(rows, key=_kernel_distance, reverse=True)


def provenance_tables(report: Json) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return every part of a report that the page shows nowhere else, value by value."""
    rest = {key: value for key, value in report.items() if key not in _SHOWN}
    tables = {key: value for key, value in rest.items() if isinstance(value, Mapping | list)}
    scalars = {key: value for key, value in rest.items() if key not in tables}
    parts = {"report": scalars} | {key: _as_table(value) for key, value in tables.items()}
    rows = {key: list(flatten(part)) for key, part in parts.items()}
    return [(key, found) for key, found in rows.items() if found]


def _kernel_distance(row: Json) -> float:
    kernel = as_number(row["metrics"].get("kernel"))
    return -math.inf if kernel is None else kernel


def _as_table(value: Json | list[Any]) -> Json:
    if isinstance(value, Mapping):
        return value
    return {str(number): entry for number, entry in enumerate(value, 1)}


def _is_rows(value: object) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) > 0
        and all(isinstance(entry, Mapping) for entry in value)
    )
