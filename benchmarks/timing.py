"""Interleaved timing of several ways to do one thing, fair to each on a noisy machine."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

Work = Callable[[], object]
_PAUSE = 0.005  # seconds; spinning threads of one contender would slow the next


@dataclass(frozen=True)
class Comparison:
    """Median seconds per call of two ways, and the median of their paired ratios.

    `ratio` is the time of the other way over ours: above 1, ours is faster. `spread` holds its
    quartiles.
    """

    title: str
    ours: float
    other: float
    ratio: float
    spread: tuple[float, float]

    def line(self) -> str:
        """Return one row of the report."""
        low, high = self.spread
        return (
            f"{self.title:<58} {1e3 * self.ours:>9.2f} ms {1e3 * self.other:>9.2f} ms "
            f"{self.ratio:>6.2f}  ({low:.2f} to {high:.2f})"
        )


def compare(title: str, ours: Work, other: Work, rounds: int = 21, calls: int = 1) -> Comparison:
    """Time two ways in turn: `rounds` times `calls` calls each, after one warm-up call."""
    return compare_paired(title, *time_interleaved([ours, other], rounds, calls))


def compare_interleaved(
    title: str, ours: Work, others: Mapping[str, Work], rounds: int, calls: int = 1
) -> dict[str, Comparison]:
    """Time ours and all others in a new random order each round; compare ours with each.

    A turn is `calls` consecutive calls, since code that runs in a loop is measured in a loop.
    """
    works = {"": ours, **others}
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work(), work()
    shuffle = random.Random(0).shuffle
    for _ in range(rounds):
        order = list(works)
        shuffle(order)
        for name in order:
            time.sleep(_PAUSE)
            seconds[name].append(_time(works[name], calls))
    return {name: compare_paired(f"{title}, {name}", seconds[""], seconds[name]) for name in others}


def time_interleaved(works: Sequence[Work], rounds: int, calls: int = 1) -> list[list[float]]:
    """Return the seconds of every call of each way: one warm-up call each, then in turn."""
    for work in works:
        work()
    table = [[_time(work, calls) for work in works] for _ in range(rounds)]
    return [list(column) for column in zip(*table, strict=True)]


def compare_paired(title: str, ours: Sequence[float], other: Sequence[float]) -> Comparison:
    """Compare two columns of seconds, of at least two rows, that were timed in turn."""
    ratios = [b / a for a, b in zip(ours, other, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    return Comparison(
        title,
        ours=statistics.median(ours),
        other=statistics.median(other),
        ratio=statistics.median(ratios),
        spread=(low, high),
    )


def synchronized(work: Work, device: torch.device, times: int = 1) -> Work:
    """Return a function that does `work` several times and waits until the device is done."""

    def run() -> None:
        for _ in range(times):
            work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return run


def _time(work: Work, calls: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - start) / calls
