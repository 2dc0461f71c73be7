"""The history of a run, and its line charts as SVG coordinates.

The template of the page draws them. A chart library would fix the colors, which follow the page's
light or dark scheme.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from ganport_train.evaluation.report.formatting import as_number

Points = Sequence[tuple[float, float]]
Tick = tuple[float, str]
"""The position of a mark on an axis, in SVG units, and its text."""
WIDTH, HEIGHT = 420, 240
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 34
_COLORS = 8  # of the style sheet
_MAX_POINTS = 240
_DASH = 4.0  # half the length of the dash that marks a single point
_MIN_RANGE = 1e-9  # smallest relative range of values
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
class Curve:
    """A line of a chart, its points (x, y) sorted by x.

    `index` chooses the color: a run has the same color in every chart.
    """

    name: str
    points: Points
    index: int

    @property
    def style(self) -> str:
        """The classes of the style sheet; lines after the last color are dashed."""
        color = f"c{self.index % _COLORS}"
        return color if self.index < _COLORS else f"{color} dashed"


@dataclass(frozen=True)
class Chart:
    """Lines over a common axis; `percent` formats fractions in 0..1."""

    title: str
    lines: Sequence[Curve]
    x_axis: str
    percent: bool = False

    @property
    def x_ticks(self) -> list[Tick]:
        """The marks of the x axis, from left to right."""
        return [(self._x(value), f"{value:,g}") for value in _round_steps(*self._spans[0])]

    @property
    def y_ticks(self) -> list[Tick]:
        """The marks of the y axis, from bottom to top."""
        steps = _round_steps(*self._spans[1])
        return [(self._y(value), self._text(value, steps)) for value in steps]

    @property
    def paths(self) -> list[tuple[Curve, str]]:
        """Each line with its SVG path; a single point becomes a dash."""
        return [(line, self._path(thinned(line.points))) for line in self.lines]

    def _text(self, value: float, steps: Sequence[float]) -> str:
        scale, unit = (100, "%") if self.percent else (1, "")
        step = (steps[1] - steps[0]) * scale if len(steps) > 1 else 1.0
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        return f"{value * scale:,.{digits}f}{unit}"

    def _path(self, points: Points) -> str:
        positions = [(self._x(x), self._y(y)) for x, y in points]
        if len(positions) == 1:
            ((x, y),) = positions
            positions = [(x - _DASH, y), (x + _DASH, y)]
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in positions)

    def _x(self, value: float) -> float:
        low, high = self._spans[0]
        return round(LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT), 1)

    def _y(self, value: float) -> float:
        low, high = self._spans[1]
        return round(HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    @cached_property
    def _spans(self) -> tuple[tuple[float, float], tuple[float, float]]:
        points = [point for line in self.lines for point in thinned(line.points)]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return self._span(xs), self._span([*ys, 0.0] if self.percent else ys)

    @staticmethod
    def _span(values: Sequence[float]) -> tuple[float, float]:
        low, high = min(values), max(values)
        size = max(abs(low), abs(high))
        if high - low > _MIN_RANGE * max(size, _MIN_RANGE):
            return low, high
        # A constant line lies in the middle of a span of its own size.
        half = size / 2 if size > _MIN_RANGE else 0.5
        return low - half, high + half


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


def thinned(points: Points) -> Points:
    """Return at most 240 points, each the mean of an equal part of all points."""
    if len(points) <= _MAX_POINTS:
        return points
    ends = [round(number * len(points) / _MAX_POINTS) for number in range(_MAX_POINTS + 1)]
    return [_mean(points[start:end]) for start, end in pairwise(ends)]


def _mean(points: Points) -> tuple[float, float]:
    return (
        math.fsum(x for x, _ in points) / len(points),
        math.fsum(y for _, y in points) / len(points),
    )


def _round_steps(low: float, high: float, count: int = 5) -> list[float]:
    """Return multiples of 1, 2, or 5 times a power of ten from `low` to `high`."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _make_chart(
    title: str, lines: Iterable[tuple[str, Points]], x_axis: str, percent: bool
) -> Chart | None:
    recorded = [Curve(name, points, index) for index, (name, points) in enumerate(lines) if points]
    return Chart(title, recorded, x_axis, percent) if recorded else None


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
