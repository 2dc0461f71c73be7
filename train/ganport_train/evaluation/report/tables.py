"""The tables of a score's page: what of report.json stands where, and in which order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ganport_train.evaluation.report.formatting import flat, number

Json = Mapping[str, Any]

# What has a part of its own on the page; whatever else the report holds says how it was made.
_SHOWN = (
    *("figures", "headline", "warnings", "notes"),
    *("accuracy", "trials", "conditions", "worst"),
)
_PER_LABEL = {
    "kernel": ("kernel distance x 1000", ""),
    "density": ("density", ""),
    "coverage": ("coverage", "%"),
    "spread": ("spread, of the real one", "%"),
}
_LEGIBLE = 0.55  # the share from which a cell is dark enough to want white text


@dataclass(frozen=True)
class Cell:
    """A cell of a confusion matrix: its count, and its share of its row in 0..1."""

    count: int
    share: float

    @property
    def deep(self) -> bool:
        """Whether its ground is strongly coloured."""
        return self.share >= _LEGIBLE


def headline(report: Json) -> list[Json]:
    """The figures to show large, in the report's order."""
    figures = report.get("figures", {})
    return [figures[key] for key in report.get("headline", ()) if key in figures]


def sections(report: Json) -> list[tuple[str, list[Json]]]:
    """Every figure under the title of its section, sections in the order they come."""
    figures = list(report.get("figures", {}).values())
    order = list(dict.fromkeys(figure["section"] for figure in figures))
    figures.sort(key=lambda figure: order.index(figure["section"]))
    return [(title, list(rows)) for title, rows in groupby(figures, lambda row: row["section"])]


def labels(part: Json) -> list[tuple[str, Json]]:
    """The labels of a group's accuracy, the least accurate of the drawn ones first."""
    rows = part.get("labels", {}).items()
    return sorted(rows, key=lambda row: number(row[1]["generated"]["value"]) or 0.0)


def heat(counts: Sequence[Sequence[int]]) -> list[list[Cell]]:
    """The cells of a confusion matrix, asked for by judged."""
    return [[Cell(count, count / max(1, sum(row))) for count in row] for row in counts]


def per_label(report: Json) -> tuple[list[tuple[str, str, str]], list[Json]]:
    """The columns (key, title, unit) and rows of the table by label, the worst label first.

    Rows without figures, of labels with too few pictures, come last.
    """
    rows = list(report.get("conditions", ()))
    keys = dict.fromkeys(key for row in rows for key in row["figures"])
    order = [*(key for key in _PER_LABEL if key in keys), *sorted(keys.keys() - _PER_LABEL.keys())]
    columns = [(key, *_PER_LABEL.get(key, (key, ""))) for key in order]
    return columns, sorted(rows, key=_badness, reverse=True)


def made_of(report: Json) -> list[tuple[str, list[tuple[str, str]]]]:
    """How the report was made: every section that is shown nowhere else, value by value."""
    rest = {key: value for key, value in report.items() if key not in _SHOWN}
    tables = {key: value for key, value in rest.items() if isinstance(value, Mapping | list)}
    alone = {key: value for key, value in rest.items() if key not in tables}
    parts = {key: list(flat(_table(value))) for key, value in tables.items()}
    return [(key, rows) for key, rows in ({"report": list(flat(alone))} | parts).items() if rows]


def _badness(row: Json) -> float:
    kernel = number(row["figures"].get("kernel"))
    return -math.inf if kernel is None else kernel


def _table(value: Json | list[Any]) -> Json:
    if isinstance(value, Mapping):
        return value
    return {str(place): entry for place, entry in enumerate(value, 1)}
