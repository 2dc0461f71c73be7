"""A graph on several cores: one row by all of them, many rows cut into parts, a core for each.

A small generator keeps two cores busy for half of the time when they share the work of each node,
for they wait for each other after every one. Parts of the rows are nothing they need to share. One
row of the smallest is there sooner on one core alone; which graphs are so small is tried out.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import inf
from threading import Lock
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle.manifest import Tensor
from ganport_runtime.devices.autotune import TwoWayTuner
from ganport_runtime.devices.onnxruntime_session import OnnxBackend, batch_shape
from ganport_runtime.devices.thread_team import Task, Team

# A run of fewer seconds is over before another thread has woken up to help.
_WORTH = 0.0003
# For so many seconds onnxruntime's threads, where they may, wait awake for the next run.
_AWAKE = 0.04
# Rows in a part, where there are enough: small ones leave nobody waiting for the slowest core,
# and large ones read the weights from memory less often.
_ROWS = 16

Feeds = Mapping[str, NDArray[Any]]

_forks = 0
"""How many processes are between this one and the one that imported this."""


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):  # asking for the process at each run is a call of the system
    os.register_at_fork(after_in_child=_count_fork)


class RowParallelBackend(OnnxBackend):
    """A `Backend` on `cores` cores, whose rows have the same bytes however they are cut.

    `open_session` opens the graph on so many threads: at once on all, and on one once runs that
    would or may be faster so have taken as long as that opening. With `allow_spinning`, parts
    are drawn while threads that wait awake have their core; so there it takes some such runs
    without a small one between them.
    """

    def __init__(
        self,
        device: str,
        open_session: Callable[[int], Any],
        cores: int,
        allow_spinning: bool = False,
    ) -> None:
        begun = perf_counter()
        super().__init__(device, open_session(cores))
        self._debt = perf_counter() - begun  # seconds of runs still to come before the first part
        self._awake = _AWAKE if allow_spinning else 0.0
        # Threads that wait awake are there for the one row.
        self._lone = TwoWayTuner(inf if allow_spinning else self._debt)
        self._open_session = open_session
        self._cores = cores
        self._lane: Any = None
        self._opening = Lock()
        self._pace = inf  # the fewest seconds that a row has taken
        self._cuttable = _is_cuttable(self.inputs, self.outputs[0])
        self._team = Team(cores)
        self._forks = _forks
        weakref.finalize(self, self._team.close)

    def run(self, feeds: Feeds) -> NDArray[Any]:
        if self._forks != _forks:  # a fork takes none of the threads along
            return self._alone(self._opened(), feeds)
        rows = _rows(feeds) if self._cuttable else 0
        callers = self._team.join()
        try:
            cut = rows >= self._cores and rows * self._pace > _WORTH
            if cut or callers > 1:
                return self._apart(feeds, rows, max(0, self._cores - callers) if cut else 0)
            return self._whole(feeds, rows)
        finally:
            self._team.leave()

    def _whole(self, feeds: Feeds, rows: int) -> NDArray[Any]:
        """A run of few rows: by all cores, or of one row by one where that is faster."""
        lane = self._opened() if rows == 1 and self._lone.other else None
        begun = perf_counter()
        result = self._alone(lane or self._session, feeds)
        seconds = perf_counter() - begun
        if rows == 1:
            self._lone.note(lane is not None, seconds)
        self._learn(seconds, rows)
        if self._debt < self._awake:
            self._debt = self._awake
        return result

    def _apart(self, feeds: Feeds, rows: int, helpers: int) -> NDArray[Any]:
        """A run that is faster on one thread for each core, once the graph is open so."""
        lane = self._opened() if self._debt <= 0 else None
        helpers = helpers if lane else 0
        begun = perf_counter()
        if helpers:
            result = self._shared(lane, feeds, rows, helpers)
        else:
            result = self._alone(lane or self._session, feeds)
        seconds = perf_counter() - begun
        self._learn(seconds * (1 + helpers), rows)
        self._debt -= seconds
        return result

    def _learn(self, seconds: float, rows: int) -> None:
        """That so many rows have taken a core so long."""
        if rows and seconds < self._pace * rows:
            self._pace = seconds / rows

    def _opened(self) -> Any:
        with self._opening:
            if self._lane is None:
                self._lane = self._open_session(1)
            return self._lane

    def _alone(self, lane: Any, feeds: Feeds) -> NDArray[Any]:
        result: NDArray[Any] = lane.run([self.outputs[0].name], dict(feeds))[0]
        return result

    def _shared(self, lane: Any, feeds: Feeds, rows: int, helpers: int) -> NDArray[Any]:
        output = self.outputs[0]
        result = np.empty(batch_shape(output, rows), output.dtype)

        def draw(part: slice) -> None:
            drawn = self._alone(lane, {name: value[part] for name, value in feeds.items()})
            if drawn.shape != result[part].shape:  # numpy would make one row fill many
                raise ValueError(f"{output.name} is {drawn.shape}, not {result[part].shape}")
            result[part] = drawn

        self._team.work(Task(draw, split_rows(rows, 1 + helpers)), helpers)
        return result


def split_rows(rows: int, hands: int) -> list[slice]:
    """Consecutive parts, as equal as can be, for so many hands to take as they are free."""
    number = min(rows, hands * max(1, rows // (hands * _ROWS)))
    bounds = [rows * part // number for part in range(number + 1)]
    return [slice(start, stop) for start, stop in pairwise(bounds)]


def _is_cuttable(inputs: Sequence[Tensor], output: Tensor) -> bool:
    lengths = {tensor.shape[:1] for tensor in (*inputs, output)}
    known = all(isinstance(length, int) for length in output.shape[1:])
    one = len(lengths) == 1 and isinstance(next(iter(lengths.pop()), None), str)
    return one and known and output.dtype in ("uint8", "float32")


def _rows(feeds: Feeds) -> int:
    """How many rows all inputs have, or 0 where they do not agree."""
    lengths = set(map(len, feeds.values()))
    return lengths.pop() if len(lengths) == 1 else 0
