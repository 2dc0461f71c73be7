"""Figures as words: how a page and a terminal write numbers, intervals and whole tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

NOTHING = "–"  # noqa: RUF001  (a dash, not a minus)
_PERCENT = "%"
_LARGEST = 1e100


def number(value: object) -> float | None:
    """A number small enough to be drawn as a float, anything else as None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _LARGEST else None  # NaN is less than nothing


def measure(value: object, unit: str = "") -> str:
    """A number with three or so digits that count; a share in 0..1 under the unit "%"."""
    found = number(value)
    if found is None:
        return NOTHING
    if unit == _PERCENT:
        return f"{found:.1%}"
    size = abs(found)
    digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 3
    text = f"{found:,.{digits}f}"
    return f"{text} {unit}" if unit else text


def interval(figure: Mapping[str, Any]) -> str:
    """The bounds of a figure or share, "" where it has none."""
    unit = figure.get("unit", _PERCENT)
    if number(figure.get("low")) is None or number(figure.get("high")) is None:
        return ""
    return f"{measure(figure['low'], unit)} to {measure(figure['high'], unit)}"


def name_of(report: Mapping[str, Any]) -> str:
    """The title of the bundle that a report is of, else its name, else ""."""
    bundle = report.get("bundle")
    found = bundle if isinstance(bundle, Mapping) else {}
    return str(found.get("title") or found.get("name") or "")


def flat(tables: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every value of nested tables under its dotted name, as text; what is empty is left out."""
    for name, value in tables.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif _is_rows(value):
            for place, row in enumerate(value, 1):
                yield from flat(row, f"{prefix}{name} {place}.")
        elif value not in (None, "", [], ()):
            yield prefix + str(name), plain(value)


def plain(value: object) -> str:
    """A value of a configuration as a person would write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(plain(entry) for entry in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _is_rows(value: object) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) > 0
        and all(isinstance(entry, Mapping) for entry in value)
    )
