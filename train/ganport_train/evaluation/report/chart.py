"""A chart of lines as the numbers of an SVG; the page's template draws it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

Points = Sequence[tuple[float, float]]
WIDTH, HEIGHT = 420, 240
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 34
_COLOURS = 8  # of the style sheet
_MOST = 240
_DASH = 4.0  # half the length of what marks a single point
_LEVEL = 1e-9  # changes below this share are no changes


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: its place in the picture's units, and its text."""

    place: float
    text: str


@dataclass(frozen=True)
class Line:
    """A line of a chart; its points (x, y) stand in order of x.

    `place` chooses its colour: the same run has the same one in every chart.
    """

    name: str
    points: Points
    place: int

    @property
    def style(self) -> str:
        """Its classes in the style sheet; those past the last colour are dashed."""
        colour = f"c{self.place % _COLOURS}"
        return colour if self.place < _COLOURS else f"{colour} dashed"


@dataclass(frozen=True)
class Chart:
    """Lines over one axis; `percent` for shares in 0..1."""

    title: str
    lines: Sequence[Line]
    across: str
    percent: bool = False

    @property
    def across_ticks(self) -> list[Tick]:
        """The marks of the axis from left to right."""
        return [Tick(self._x(value), f"{value:,g}") for value in _round_steps(*self._spans[0])]

    @property
    def up_ticks(self) -> list[Tick]:
        """The marks of the axis from the bottom up."""
        steps = _round_steps(*self._spans[1])
        return [Tick(self._y(value), self._text(value, steps)) for value in steps]

    @property
    def paths(self) -> list[tuple[Line, str]]:
        """Each line with its path; a line of one point is a dash, to be seen at all."""
        return [(line, self._path(thinned(line.points))) for line in self.lines]

    def _text(self, value: float, steps: Sequence[float]) -> str:
        scale, unit = (100, "%") if self.percent else (1, "")
        step = (steps[1] - steps[0]) * scale if len(steps) > 1 else 1.0
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        return f"{value * scale:,.{digits}f}{unit}"

    def _path(self, points: Points) -> str:
        places = [(self._x(x), self._y(y)) for x, y in points]
        if len(places) == 1:
            ((x, y),) = places
            places = [(x - _DASH, y), (x + _DASH, y)]
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)

    def _x(self, value: float) -> float:
        low, high = self._spans[0]
        return round(LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT), 1)

    def _y(self, value: float) -> float:
        low, high = self._spans[1]
        return round(HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    @cached_property
    def _spans(self) -> tuple[tuple[float, float], tuple[float, float]]:
        points = [point for line in self.lines for point in thinned(line.points)]
        across, up = [x for x, _ in points], [y for _, y in points]
        return self._span(across), self._span([*up, 0.0] if self.percent else up)

    @staticmethod
    def _span(values: Sequence[float]) -> tuple[float, float]:
        low, high = min(values), max(values)
        size = max(abs(low), abs(high))
        if high - low > _LEVEL * max(size, _LEVEL):
            return low, high
        # A line that keeps level lies in the middle of a span of its own size.
        half = size / 2 if size > _LEVEL else 0.5
        return low - half, high + half


def thinned(points: Points) -> Points:
    """At most 240 points: means of as many equal parts, so that a long run stays readable."""
    if len(points) <= _MOST:
        return points
    ends = [round(number * len(points) / _MOST) for number in range(_MOST + 1)]
    return [_mean(points[start:end]) for start, end in pairwise(ends)]


def _mean(points: Points) -> tuple[float, float]:
    return (
        math.fsum(x for x, _ in points) / len(points),
        math.fsum(y for _, y in points) / len(points),
    )


def _round_steps(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) from `low` to `high`."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]
