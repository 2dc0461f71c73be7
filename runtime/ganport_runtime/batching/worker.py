"""The worker thread: runs one batch after another."""

from __future__ import annotations

import atexit
import os
from threading import Thread, current_thread
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.batching.queue import Batch, PendingRequest
from ganport_runtime.batching.results import GenerationResult, Result
from ganport_runtime.batching.scheduler import RequestScheduler
from ganport_runtime.generation.request import EncodedRequest
from ganport_runtime.generator import Generator

_EXIT_TIMEOUT = 5.0
"""Seconds that interpreter exit waits for the current run."""


class Worker:
    """Two daemon threads: one runs the batches of a scheduler, one keeps its deadlines.

    Interpreter exit fails all waiting requests and waits for the current run, because the threads
    of the graph must not outlive its memory.
    """

    def __init__(self, generator: Generator, scheduler: RequestScheduler) -> None:
        self._generator = generator
        self._scheduler = scheduler
        self._process_id = os.getpid()
        self._run_thread = Thread(target=self._run_loop, name="ganport-batcher", daemon=True)
        self._deadline_thread = Thread(
            target=scheduler.run_deadline_loop, name="ganport-deadlines", daemon=True
        )
        self._run_thread.start()
        self._deadline_thread.start()
        atexit.register(self._on_exit)

    @property
    def forked(self) -> bool:
        """Return True in a forked child process, which has no copy of the threads."""
        return os.getpid() != self._process_id

    @property
    def alive(self) -> bool:
        """Return whether both threads run."""
        return self._run_thread.is_alive() and self._deadline_thread.is_alive()

    def begin_shutdown(self) -> None:
        """Close the scheduler; the threads end after the last waiting request."""
        atexit.unregister(self._on_exit)
        if not self.forked:
            self._scheduler.close()

    def join(self, timeout: float | None) -> None:
        """Wait up to `timeout` seconds for the threads, then fail the waiting requests."""
        if self.forked or current_thread() is self._run_thread:
            return
        self._run_thread.join(timeout)
        if self._run_thread.is_alive():
            self._scheduler.abort("a batcher that was closed before it had finished")

    def run_inline(self, encoded: EncodedRequest) -> GenerationResult:
        """Run a request on the calling thread after `RequestScheduler.try_begin_inline`.

        Raises what `Generator.run_rows` raises.
        """
        count, started, seconds = 0, monotonic(), 0.0
        try:
            images = self._generator.run_rows([(encoded, slice(0, len(encoded)))])
            count, seconds = len(images), monotonic() - started
        finally:
            self._scheduler.end_inline(count, seconds)
        return GenerationResult(images, encoded.seed_list, 0.0, seconds, self._generator.device)

    def _on_exit(self) -> None:
        if not self.forked:
            self._scheduler.abort("a batcher whose program exits")
            self._run_thread.join(_EXIT_TIMEOUT)

    def _run_loop(self) -> None:
        try:
            while self._run_next():
                pass
        except BaseException as error:  # callers must not wait for a dead thread
            self._scheduler.abort(f"a batcher whose worker ended with {error!r}"[:200], error)

    def _run_next(self) -> bool:
        # A method of its own: a local variable of the loop would keep the last batch alive.
        batch = self._scheduler.next_batch()
        if batch:
            self._run(batch)
        return bool(batch)

    def _run(self, batch: Batch) -> None:
        started = monotonic()
        try:
            images = self._generator.run_rows(
                [(request.encoded, rows) for request, rows in batch.items()]
            )
        except Exception as error:
            self._retry_individually(batch, error)
            return
        seconds = monotonic() - started
        self._scheduler.record_run(len(images), seconds)
        self._scheduler.resolve(self._results(batch, images, seconds))

    def _retry_individually(self, batch: Batch, error: Exception) -> None:
        """Run each request again alone, so that one request cannot fail another."""
        if len(batch) == 1:
            self._scheduler.resolve((request, error) for request in batch)
            return
        for request, rows in batch.items():
            if self._scheduler.mark_restarted(request):
                self._run({request: rows})

    def _results(
        self, batch: Batch, images: NDArray[np.uint8], seconds: float
    ) -> list[tuple[PendingRequest, Result]]:
        """Store the images of a run and return the results of the completed requests."""
        results: list[tuple[PendingRequest, Result]] = []
        start = 0
        for request, rows in batch.items():
            stop = start + rows.stop - rows.start
            part = images if len(batch) == 1 else images[start:stop]
            start = stop
            try:
                if request.store(rows, part, seconds):
                    results.append((request, request.result(self._generator.device)))
            except MemoryError as error:
                results.append((request, error))
        return results
