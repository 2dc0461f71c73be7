"""Two ways of doing one thing, timed in turn, so that a noisy machine is unfair to neither."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """Medians in seconds of a call of either, and the median of the ratios pair by pair."""

    title: str
    ours: float
    other: float
    ratio: float
    """Time of the other over ours: above 1, ours is faster."""
    spread: tuple[float, float]
    """Quartiles of that ratio."""

    def line(self) -> str:
        """One row of the report."""
        low, high = self.spread
        return (
            f"{self.title:<58} {1e3 * self.ours:>9.2f} ms {1e3 * self.other:>9.2f} ms "
            f"{self.ratio:>6.2f}  ({low:.2f} to {high:.2f})"
        )


def compare(title: str, ours: Work, other: Work, rounds: int = 21) -> Comparison:
    """Times both in turn, `rounds` times each after one call to warm up."""
    ours(), other()
    pairs = [(_seconds(ours), _seconds(other)) for _ in range(rounds)]
    ratios = [b / a for a, b in pairs]
    low, _, high = statistics.quantiles(ratios, n=4)
    return Comparison(
        title,
        ours=statistics.median(a for a, _ in pairs),
        other=statistics.median(b for _, b in pairs),
        ratio=statistics.median(ratios),
        spread=(low, high),
    )


def _seconds(work: Work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
