"""The columns of a comparison, with the best values marked, and notes on what is comparable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ganport_train.evaluation.report.comparison import Entry, differing_options
from ganport_train.evaluation.report.formatting import as_number, flatten, format_number

# Fields that two reports must share for their metrics to be comparable.
_SHARED_FIELDS = (
    *("judge.digest", "data.digest"),
    *("options.count", "options.rounds", "options.val_fraction"),
)

MAX_OPTIONS = 12
"""More options than this differ between unlike runs; then the table has none of them."""


@dataclass(frozen=True)
class Column:
    """A column with one cell per entry; `best` holds the indices of the best cells.

    `text` is true for a column without numbers.
    """

    title: str
    cells: Sequence[str]
    best: frozenset[int] = frozenset()
    text: bool = False


def make_columns(entries: Sequence[Entry]) -> list[Column]:
    """Return the columns: recipes, differing options, progress, validation scores, metrics."""
    columns = [
        Column("recipe", [entry.title for entry in entries], text=True),
        *(Column(key, cells, text=True) for key, cells in _shown_options(entries).items()),
        _number_column("images seen", [entry.images for entry in entries], "{:,.0f}".format),
        _number_column("minutes", [entry.minutes for entry in entries], "{:,.1f}".format),
        *_score_columns(entries),
        *_metric_columns(entries),
    ]
    return [column for column in columns if any(column.cells)]


def comparison_notes(entries: Sequence[Entry]) -> list[str]:
    """Return which runs collapsed, and which values are not comparable."""
    notes = [
        f"{entry.name} collapsed at its last validation score"
        for entry in entries
        if entry.collapsed
    ]
    if (count := len(differing_options(entries))) > MAX_OPTIONS:
        notes.append(f"{count} options differ: compare.json of --out lists them")
    if len({entry.data_digest for entry in entries if entry.data_digest}) > 1:
        notes.append("the runs were trained on different data")
    if not _same_score_scale(entries):
        notes.append("the validation scores have different scales: none is marked best")
    if fields := _differing_fields(entries):
        notes.append(f"the reports differ in {', '.join(fields)}: no metric is marked best")
    return notes


def _shown_options(entries: Sequence[Entry]) -> dict[str, list[str]]:
    options = differing_options(entries)
    return options if len(options) <= MAX_OPTIONS else {}


def _score_columns(entries: Sequence[Entry]) -> Iterator[Column]:
    better = "higher" if _same_score_scale(entries) else ""
    scores = [entry.validation_scores for entry in entries]
    last = [values[-1] if values else None for values in scores]
    best = [max(values, default=None) for values in scores]
    yield _number_column("last validation score", last, _format_in("%"), better)
    yield _number_column("best validation score", best, _format_in("%"), better)


def _metric_columns(entries: Sequence[Entry]) -> Iterator[Column]:
    comparable = not _differing_fields(entries)
    headlines = [entry.headline for entry in entries]
    for key in dict.fromkeys(key for metrics in headlines for key in metrics):
        first = next(metrics[key] for metrics in headlines if key in metrics)
        values = [as_number(metrics.get(key, {}).get("value")) for metrics in headlines]
        better = first.get("better") if comparable else ""
        formatter = _format_in(str(first.get("unit", "")))
        yield _number_column(str(first.get("title", key)), values, formatter, better)


def _number_column(
    title: str,
    values: Sequence[float | None],
    formatter: Callable[[float], str],
    better: object = "",
) -> Column:
    cells = ["" if value is None else formatter(value) for value in values]
    # Equal texts are equally good; without a difference no cell is marked.
    texts = {value: cell for value, cell in zip(values, cells, strict=True) if value is not None}
    if better not in ("higher", "lower") or len(set(texts.values())) < 2:
        return Column(title, cells)
    best = texts[max(texts) if better == "higher" else min(texts)]
    return Column(title, cells, frozenset(i for i, cell in enumerate(cells) if cell == best))


def _format_in(unit: str) -> Callable[[float], str]:
    return lambda value: format_number(value, unit)


def _same_score_scale(entries: Sequence[Entry]) -> bool:
    scales = {
        (*entry.score_scale, entry.data_digest) for entry in entries if entry.validation_scores
    }
    return len(scales) <= 1


def _differing_fields(entries: Sequence[Entry]) -> list[str]:
    tables = [dict(flatten(entry.report)) for entry in entries if entry.report]
    return [key for key in _SHARED_FIELDS if len({table.get(key) for table in tables}) > 1]
