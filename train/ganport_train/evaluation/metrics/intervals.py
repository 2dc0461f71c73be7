"""How sure a figure is: 95 % intervals of shares and of means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CONFIDENCE = 0.95


def wilson(hits: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The interval of a share of `hits` in `total` (Wilson 1927); 0 to 1 when there is no total."""
    if not total:
        return 0.0, 1.0
    from scipy import stats  # of the extra eval; training measures without it

    interval = stats.binomtest(hits, total).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def of_mean(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """The mean of independent measurements and the bounds of its interval (Student 1908).

    One measurement tells nothing of its spread: its bounds are itself.
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, mean, mean
    from scipy import stats

    reach = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1) * stats.sem(values))
    return mean, mean - reach, mean + reach
