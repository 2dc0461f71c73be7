"""A graph on the CPU with onnxruntime: rows of a batch in parallel, single images intra-op.

A small generator uses two cores at half their speed if they share the work of each node, since they
wait for each other after every node. Rows of a batch share nothing, so each core runs its own.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from math import inf
from threading import Lock
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle.manifest import Tensor
from ganport_runtime.devices.onnxruntime_session import (
    Feeds,
    OnnxBackend,
    available_cpu_count,
    batch_shape,
    error_summary,
    load_onnxruntime,
    session_options,
)
from ganport_runtime.errors import BundleError

CPU = "CPUExecutionProvider"
_MIN_SECONDS = 0.0003  # a shorter run ends before another thread has woken up
_SPIN_SECONDS = 0.04  # the time for which onnxruntime's threads spin after a run
_ROWS_PER_PART = 16  # smaller parts balance the load, larger ones read the weights less often

_fork_count = 0


def _count_fork() -> None:
    global _fork_count
    _fork_count += 1


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_count_fork)


def open_cpu(model: bytes, *, place: str, allow_spinning: bool = False) -> OnnxBackend:
    """Open `model` on all CPU cores that this process may use.

    With `allow_spinning`, threads spin between runs: each run is some tenths of a millisecond
    faster, and each thread uses up to a core while idle. Raises `BundleError` for bytes that are
    not a usable graph, and `MissingExtraError`.
    """
    cores = available_cpu_count()
    open_session = partial(open_cpu_session, model, place, allow_spinning)
    if cores == 1:
        return OnnxBackend("cpu", open_session(1))
    return RowParallelBackend(open_session, cores, allow_spinning=allow_spinning)


def open_cpu_session(model: bytes, place: str, allow_spinning: bool, threads: int) -> Any:
    """Open an onnxruntime session of `model` on `threads` threads; raise `BundleError`."""
    runtime = load_onnxruntime()
    options = session_options(runtime, allow_spinning=allow_spinning)
    options.intra_op_num_threads = threads
    try:
        return runtime.InferenceSession(model, options, providers=[CPU])
    except Exception as error:  # onnxruntime's exceptions have no public base class
        raise BundleError(
            place, "an ONNX graph that onnxruntime can load", error_summary(error)
        ) from error


class RowParallelBackend(OnnxBackend):
    """A graph on `cores` cores; the bytes of a row do not depend on how a batch is split.

    `open_session` opens the graph on a number of threads. The session on all cores is opened at
    once; a session on one thread is opened when runs that it would speed up have taken
    `warmup_seconds` (default: the time to open the first session). Runs estimated to take less than
    `min_seconds` are not split. If several threads call `run`, each uses one core.
    """

    def __init__(
        self,
        open_session: Callable[[int], Any],
        cores: int,
        *,
        allow_spinning: bool = False,
        min_seconds: float = _MIN_SECONDS,
        warmup_seconds: float | None = None,
    ) -> None:
        started = perf_counter()
        super().__init__("cpu", open_session(cores))
        opening_seconds = perf_counter() - started
        self._warmup_budget = opening_seconds if warmup_seconds is None else warmup_seconds
        self._spin_seconds = _SPIN_SECONDS if allow_spinning else 0.0
        self._min_seconds = min_seconds
        self._min_seconds_per_row = inf
        self._open_session = open_session
        self._single_thread_session: Any = None
        self._cores = cores
        self._is_splittable = _is_splittable(self.inputs, self.outputs[0])
        self._lock, self._opening = Lock(), Lock()
        self._callers = 0
        # The calling thread works too. The threads end when the backend is garbage-collected.
        self._pool = ThreadPoolExecutor(max(1, cores - 1), "ganport-cpu")
        self._fork_count = _fork_count

    def run(self, feeds: Feeds) -> NDArray[Any]:
        """Return the first output for one batch of every input; thread-safe."""
        if self._fork_count != _fork_count:  # a forked process does not inherit threads
            return self._run_session(self._open_single_thread_session(), feeds)
        rows = _count_rows(feeds) if self._is_splittable else 0
        with self._lock:
            self._callers += 1
            callers = self._callers
        try:
            split = rows >= self._cores and rows * self._min_seconds_per_row > self._min_seconds
            if split or callers > 1:
                return self._run_row_parallel(feeds, rows, self._cores - callers if split else 0)
            return self._run_intra_op(feeds, rows)
        finally:
            with self._lock:
                self._callers -= 1

    def _run_intra_op(self, feeds: Feeds, rows: int) -> NDArray[Any]:
        """Run few rows on all cores together."""
        started = perf_counter()
        output = self._run_session(self._session, feeds)
        self._update_row_estimate(perf_counter() - started, rows)
        # Spinning threads keep their core: single-thread runs would compete with them.
        self._warmup_budget = max(self._warmup_budget, self._spin_seconds)
        return output

    def _run_row_parallel(self, feeds: Feeds, rows: int, helpers: int) -> NDArray[Any]:
        """Run on one core, and on `helpers` others, once the single-thread session is worth it."""
        session = self._session
        if self._warmup_budget <= 0:
            session = self._open_single_thread_session()
        helpers = helpers if session is not self._session else 0
        started = perf_counter()
        if helpers > 0:
            output = self._run_split(session, feeds, rows, helpers)
        else:
            output = self._run_session(session, feeds)
        seconds = perf_counter() - started
        self._update_row_estimate(seconds * (1 + max(0, helpers)), rows)
        self._warmup_budget -= seconds
        return output

    def _run_split(self, session: Any, feeds: Feeds, rows: int, helpers: int) -> NDArray[Any]:
        """Run parts of the rows in this thread and in `helpers` others, as each becomes free."""
        output = self.outputs[0]
        result = np.empty(batch_shape(output, rows), output.dtype)
        parts = deque(split_rows(rows, 1 + helpers))

        def run_parts() -> None:
            while parts:
                try:
                    part = parts.popleft()
                except IndexError:  # another thread took the last one
                    return
                images = self._run_session(session, {n: x[part] for n, x in feeds.items()})
                if images.shape != result[part].shape:  # NumPy would broadcast a single row
                    raise ValueError(f"{output.name} is {images.shape}, not {result[part].shape}")
                result[part] = images

        futures = [self._pool.submit(run_parts) for _ in range(helpers)]
        try:
            run_parts()
        finally:
            parts.clear()
            started = [future for future in futures if not future.cancel()]
        for future in started:
            future.result()
        return result

    def _run_session(self, session: Any, feeds: Feeds) -> NDArray[Any]:
        output: NDArray[Any] = session.run([self.outputs[0].name], dict(feeds))[0]
        return output

    def _open_single_thread_session(self) -> Any:
        with self._opening:
            if self._single_thread_session is None:
                self._single_thread_session = self._open_session(1)
            return self._single_thread_session

    def _update_row_estimate(self, core_seconds: float, rows: int) -> None:
        if rows:
            self._min_seconds_per_row = min(self._min_seconds_per_row, core_seconds / rows)


def split_rows(rows: int, workers: int) -> list[slice]:
    """Return consecutive parts of equal size, give or take one row, for `workers` threads."""
    count = min(rows, workers * max(1, rows // (workers * _ROWS_PER_PART)))
    bounds = [rows * part // count for part in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(bounds)]


def _is_splittable(inputs: Sequence[Tensor], output: Tensor) -> bool:
    """Return whether all tensors share one dynamic batch and the output has a known row shape."""
    batches = {tensor.shape[:1] for tensor in (*inputs, output)}
    is_dynamic = len(batches) == 1 and isinstance(next(iter(batches.pop()), None), str)
    is_known = all(isinstance(length, int) for length in output.shape[1:])
    return is_dynamic and is_known and output.dtype in ("uint8", "float32")


def _count_rows(feeds: Feeds) -> int:
    """Return the number of rows of all inputs, or 0 if they differ."""
    lengths = set(map(len, feeds.values()))
    return lengths.pop() if len(lengths) == 1 else 0
