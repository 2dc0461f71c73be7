"""Several ways of doing one thing, timed in turn, so that a noisy machine is unfair to none."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

Work = Callable[[], object]
# Threads of one contender that wait awake for more work would slow the next one down.
_PAUSE = 0.005


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


def compare(title: str, ours: Work, other: Work, rounds: int = 21, calls: int = 1) -> Comparison:
    """Times both in turn, `rounds` times so many `calls` each, after one call to warm up."""
    return paired(title, *in_turn([ours, other], rounds, calls))


def race(
    title: str, ours: Work, others: Mapping[str, Work], rounds: int, calls: int = 1
) -> dict[str, Comparison]:
    """Times ours and all others, in another order each round; ours against each of them.

    A turn is so many `calls`, one after another, since what is used in a loop is measured in one.
    """
    runners = {"": ours, **others}
    spent: dict[str, list[float]] = {name: [] for name in runners}
    for work in runners.values():
        work(), work()
    shuffle = random.Random(0).shuffle
    for _ in range(rounds):
        order = list(runners)
        shuffle(order)
        for name in order:
            time.sleep(_PAUSE)
            spent[name].append(_seconds(runners[name], calls))
    return {name: paired(f"{title}, {name}", spent[""], spent[name]) for name in others}


def in_turn(works: Sequence[Work], rounds: int, calls: int = 1) -> list[list[float]]:
    """Seconds of every call of each: all are called once to warm up, then in turn."""
    for work in works:
        work()
    table = [[_seconds(work, calls) for work in works] for _ in range(rounds)]
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


def _seconds(work: Work, calls: int = 1) -> float:
    begun = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - begun) / calls
