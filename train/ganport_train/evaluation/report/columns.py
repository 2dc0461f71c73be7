"""The columns of a comparison, the best value of each marked, and what must be known with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ganport_train.evaluation.report.formatting import flat, measure, number
from ganport_train.evaluation.scores.comparison import Entry, differing

# What two reports must have in common for their figures to be comparable.
_ALIKE = ("judge.digest", "data.digest", "options.count", "options.rounds", "options.held_out")


@dataclass(frozen=True)
class Column:
    """A column: its title, a cell for each entry, and which of them are the best.

    `text` says that its cells are no numbers.
    """

    title: str
    cells: Sequence[str]
    best: frozenset[int] = frozenset()
    text: bool = False


def columns(entries: Sequence[Entry]) -> list[Column]:
    """All columns: the runs, the options in which they differ, light scores, headline figures."""
    options = differing(entries)
    return [
        column
        for column in (
            Column("recipe", [entry.title for entry in entries], text=True),
            *(Column(key, values, text=True) for key, values in options.items()),
            _numbers("pictures seen", [entry.images for entry in entries], "{:,.0f}".format),
            _numbers("minutes", [entry.minutes for entry in entries], "{:,.1f}".format),
            *_scores(entries),
            *_figures(entries),
        )
        if any(column.cells)
    ]


def notes(entries: Sequence[Entry]) -> list[str]:
    """What keeps the entries from being compared, and which of them collapsed."""
    found = [f"{entry.name} is collapsed at its last light score" for entry in entries]
    lines = [line for line, entry in zip(found, entries, strict=True) if entry.collapsed]
    if len({entry.data_digest for entry in entries if entry.data_digest}) > 1:
        lines.append("the runs were trained on different data")
    if not _same_scale(entries):
        lines.append("the light scores were not made alike: none is marked best")
    if unlike := _unlike(entries):
        lines.append(f"the reports differ in {', '.join(unlike)}: no figure is marked best")
    return lines


def _scores(entries: Sequence[Entry]) -> Iterator[Column]:
    better = "higher" if _same_scale(entries) else ""
    scores = [entry.light_scores for entry in entries]
    last = [values[-1] if values else None for values in scores]
    yield _numbers("last light score", last, _share, better)
    yield _numbers(
        "best light score", [max(values, default=None) for values in scores], _share, better
    )


def _figures(entries: Sequence[Entry]) -> Iterator[Column]:
    comparable = not _unlike(entries)
    shown = [entry.headline for entry in entries]
    for key in dict.fromkeys(key for figures in shown for key in figures):
        first = next(figures[key] for figures in shown if key in figures)
        values = [number(figures.get(key, {}).get("value")) for figures in shown]
        better = first.get("better") if comparable else ""
        yield _numbers(str(first.get("title", key)), values, _measure_in(first), better)


def _numbers(
    title: str,
    values: Sequence[float | None],
    write: Callable[[float], str],
    better: object = "",
) -> Column:
    cells = ["" if value is None else write(value) for value in values]
    # What reads the same is equally good, and where all are there is no best.
    there = {value: cell for value, cell in zip(values, cells, strict=True) if value is not None}
    if better not in ("higher", "lower") or len(set(there.values())) < 2:
        return Column(title, cells)
    best = there[max(there) if better == "higher" else min(there)]
    return Column(title, cells, frozenset(i for i, cell in enumerate(cells) if cell == best))


def _share(value: float) -> str:
    return measure(value, "%")


def _measure_in(figure: Any) -> Callable[[float], str]:
    unit = str(figure.get("unit", ""))
    return lambda value: measure(value, unit)


def _same_scale(entries: Sequence[Entry]) -> bool:
    return len({(*entry.scale, entry.data_digest) for entry in entries if entry.light_scores}) <= 1


def _unlike(entries: Sequence[Entry]) -> list[str]:
    tables = [dict(flat(entry.report)) for entry in entries if entry.report]
    return [key for key in _ALIKE if len({table.get(key) for table in tables}) > 1]
