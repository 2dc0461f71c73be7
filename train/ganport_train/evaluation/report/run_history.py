"""The history of a run, and its charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganport_train.evaluation.report.chart import Chart, Line, Points
from ganport_train.evaluation.report.formatting import as_number

EPOCHS = "epochs"
KILO_IMAGES = "thousand images seen"
_ACCURACY = "accuracy/"
_LOSSES = {
    "d_loss": "discriminator loss",
    "g_loss": "generator loss",
    "d_real": "discriminator output, real images",
    "d_fake": "discriminator output, generated images",
}
_SCORES = {
    "score": "validation score",
    "coverage": "coverage",
    "spread": "spread within a condition, relative to real images",
    "kernel": "kernel distance x 1000",
}
_NOT_PERCENT = (*_LOSSES, "kernel")


@dataclass(frozen=True)
class RunHistory:
    """The lines of a run's stats.jsonl and of its scores.jsonl."""

    records: Sequence[Mapping[str, Any]] = ()
    scores: Sequence[Mapping[str, Any]] = ()

    @property
    def has_epochs(self) -> bool:
        """Whether every line holds its epoch; runs of old versions have none."""
        rows = (*self.records, *self.scores)
        return all(as_number(row.get("epoch")) is not None for row in rows)

    @property
    def groups(self) -> list[str]:
        """The condition groups with a recorded accuracy."""
        return sorted({name for row in self.scores for name in _mapping(row.get("accuracy"))})

    def points(self, key: str, x_axis: str) -> Points:
        """Return the values of `key` (`accuracy/GROUP` for a group) over EPOCHS or KILO_IMAGES."""
        rows = self.records if key in _LOSSES else self.scores
        pairs = ((_x_value(row, x_axis), _y_value(row, key)) for row in rows)
        return [(x, y) for x, y in pairs if x is not None and y is not None]


def run_charts(history: RunHistory) -> list[Chart]:
    """Return the charts of one run: losses, discriminator outputs, accuracy, validation scores."""
    x_axis = EPOCHS if history.has_epochs else KILO_IMAGES
    plans = (
        ("Losses", {"generator": "g_loss", "discriminator": "d_loss"}, False),
        ("Discriminator outputs", {"real": "d_real", "generated": "d_fake"}, False),
        ("Accuracy", {name: _ACCURACY + name for name in history.groups}, True),
        ("Validation scores", {key: key for key in ("score", "coverage", "spread")}, True),
        ("Kernel distance x 1000", {"kernel": "kernel"}, False),
    )
    charts = (
        _make_chart(
            title, ((name, history.points(k, x_axis)) for name, k in keys.items()), x_axis, p
        )
        for title, keys, p in plans
    )
    return [chart for chart in charts if chart]


def comparison_charts(histories: Mapping[str, RunHistory]) -> list[Chart]:
    """Return a chart per recorded value, with one line for each named run."""
    recorded = [history for history in histories.values() if history.records or history.scores]
    x_axis = EPOCHS if all(history.has_epochs for history in recorded) else KILO_IMAGES
    groups = sorted({name for history in recorded for name in history.groups})
    titles = _SCORES | {_ACCURACY + name: f"accuracy: {name}" for name in groups} | _LOSSES
    charts = (
        _make_chart(
            title[0].upper() + title[1:],
            ((name, history.points(key, x_axis)) for name, history in histories.items()),
            x_axis,
            key not in _NOT_PERCENT,
        )
        for key, title in titles.items()
    )
    return [chart for chart in charts if chart]


def _make_chart(
    title: str, lines: Iterable[tuple[str, Points]], x_axis: str, percent: bool
) -> Chart | None:
    drawn = [Line(name, points, index) for index, (name, points) in enumerate(lines) if points]
    return Chart(title, drawn, x_axis, percent) if drawn else None


def _x_value(row: Mapping[str, Any], x_axis: str) -> float | None:
    if x_axis == EPOCHS:
        return as_number(row.get("epoch"))
    images = as_number(row.get("images"))
    return None if images is None else images / 1000


def _y_value(row: Mapping[str, Any], key: str) -> float | None:
    if key.startswith(_ACCURACY):
        return as_number(_mapping(row.get("accuracy")).get(key.removeprefix(_ACCURACY)))
    return as_number(row.get(key))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
