"""Ways of doing one thing, timed in turn, so that a noisy machine is unfair to none."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

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
    return paired(title, *in_turn([ours, other], rounds))


def in_turn(works: Sequence[Work], rounds: int) -> list[list[float]]:
    """Seconds of every call of each: all are called once to warm up, then in turn."""
    for work in works:
        work()
    table = [[_seconds(work) for work in works] for _ in range(rounds)]
    return [list(column) for column in zip(*table, strict=True)]


def paired(title: str, ours: Sequence[float], other: Sequence[float]) -> Comparison:
    """The comparison of two columns of seconds, at least two rows, timed in turn."""
    ratios = [b / a for a, b in zip(ours, other, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    return Comparison(
        title,
        ours=statistics.median(ours),
        other=statistics.median(other),
        ratio=statistics.median(ratios),
        spread=(low, high),
    )


def finished(work: Work, device: torch.device, times: int = 1) -> Work:
    """Work done some times over, at whose end the device has done what it was asked for."""

    def whole() -> None:
        for _ in range(times):
            work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return whole


def _seconds(work: Work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
