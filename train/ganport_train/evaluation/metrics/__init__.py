"""Metrics of a report, each with its 95 % interval and its value for real images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

Better = Literal["higher", "lower"]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Metric:
    """A value with a title, in a section of the report.

    `low` and `high` bound the 95 % interval of a value that was measured in several rounds.
    `real` is the value of real images under the same measurement. `note` is shown with the value.
    """

    title: str
    section: str
    value: float
    better: Better | None = None
    low: float | None = None
    high: float | None = None
    real: float | None = None
    unit: str = ""
    note: str = ""

    @classmethod
    def over_rounds(
        cls, title: str, section: str, values: Sequence[float], **fields: Any
    ) -> Metric:
        """Return the mean of `values`, one per round, with Student's interval of that mean.

        The interval of a fraction (unit "%") ends at 0 and 1.
        """
        mean, low, high = mean_interval(values)
        if len(values) < 2:
            return cls(title, section, mean, **fields)
        if fields.get("unit") == "%":
            # A ratio of spreads is also a percentage, and may exceed 1.
            low, high = max(0.0, low), min(max(1.0, *values), high)
        return cls(title, section, mean, low=low, high=high, **fields)

    def to_json(self) -> dict[str, Any]:
        """Return the metric as plain JSON."""
        return asdict(self)


def wilson_interval(hits: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the interval of the fraction `hits` / `total` (Wilson 1927); (0, 1) if total is 0."""
    if not total:
        return 0.0, 1.0
    from scipy import stats  # part of the extra `eval`; training runs without it

    interval = stats.binomtest(hits, total).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def mean_interval(
    values: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """Return the mean of independent measurements and the bounds of its interval (Student 1908).

    The bounds of a single measurement are the measurement itself.
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, mean, mean
    from scipy import stats

    half_width = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1) * stats.sem(values))
    return mean, mean - half_width, mean + half_width
