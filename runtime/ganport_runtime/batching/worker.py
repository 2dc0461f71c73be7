"""The thread that draws what waits, one run after another, for as long as there is anything."""

from __future__ import annotations

import atexit
import os
from threading import Thread, current_thread
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.batching.futures import Outcome
from ganport_runtime.batching.pending import Drawn, Ticket
from ganport_runtime.batching.queue import Batch
from ganport_runtime.batching.scheduler import Desk
from ganport_runtime.generation.request import Job
from ganport_runtime.generator import Generator

# How long an interpreter that ends waits for the run under way, in seconds.
_LAST_RUN = 5.0


class Worker:
    """Draws the requests of a desk with a generator; a second thread sees to their deadlines.

    Both are daemons. When the interpreter ends, what still waits is given up, and the run under
    way is waited for: the graph's own threads must not outlive what they work on.
    """

    def __init__(self, generator: Generator, desk: Desk) -> None:
        self._generator = generator
        self._desk = desk
        self._process = os.getpid()
        self._thread = Thread(target=self._work, name="ganport-batcher", daemon=True)
        self._thread.start()
        self._clock = Thread(target=desk.keep_deadlines, name="ganport-deadlines", daemon=True)
        self._clock.start()
        atexit.register(self._abandon)

    @property
    def forked(self) -> bool:
        """True in a child of the process that made it, where its threads are not."""
        return os.getpid() != self._process

    @property
    def alive(self) -> bool:
        return self._thread.is_alive() and self._clock.is_alive()

    def release(self) -> None:
        """Let the threads end when nothing waits any more."""
        atexit.unregister(self._abandon)
        if not self.forked:
            self._desk.close()

    def join(self, timeout: float | None) -> None:
        """Wait for the end for so many seconds, then give up what still waits."""
        if self.forked or current_thread() is self._thread:
            return
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._desk.give_up("one that was closed before it had drawn everything")

    def draw_here(self, job: Job) -> Drawn:
        """Draw a job on the calling thread, where `Desk.begin_here` has allowed it. Raises what
        `Generator.draw` raises."""
        images, begun, spent = 0, monotonic(), 0.0
        try:
            drawn = self._generator.draw([(job, slice(0, len(job)))])
            images, spent = len(drawn), monotonic() - begun
        finally:
            self._desk.end_here(images, spent)
        return Drawn(drawn, job.seeds, 0.0, spent, self._generator.device)

    def _abandon(self) -> None:
        if not self.forked:
            self._desk.give_up("one whose program ends")
            self._thread.join(_LAST_RUN)

    def _work(self) -> None:
        try:
            while self._step():
                pass
        except BaseException as error:  # else everybody would wait for ever for a dead thread
            self._desk.give_up(f"one whose worker ended with {error!r}"[:200], error)

    def _step(self) -> bool:
        batch = self._desk.next_batch()
        if batch:
            self._run(batch)
        return bool(batch)

    def _run(self, batch: Batch) -> None:
        begun = monotonic()
        try:
            images = self._generator.draw([(ticket.job, rows) for ticket, rows in batch.items()])
        except Exception as error:
            self._find_the_guilty(batch, error)
            return
        seconds = monotonic() - begun
        self._desk.ran(len(images), seconds)
        self._desk.settle(self._outcomes(batch, images, seconds))

    def _find_the_guilty(self, batch: Batch, error: Exception) -> None:
        """One request must not fail for another: each runs again by itself."""
        if len(batch) == 1:
            self._desk.settle((ticket, error) for ticket in batch)
            return
        for ticket, rows in batch.items():
            if self._desk.restart(ticket):
                self._run({ticket: rows})

    def _outcomes(
        self, batch: Batch, images: NDArray[np.uint8], seconds: float
    ) -> list[tuple[Ticket, Outcome]]:
        """Of the requests that a run has ended."""
        outcomes: list[tuple[Ticket, Outcome]] = []
        start = 0
        for ticket, rows in batch.items():
            stop = start + rows.stop - rows.start
            part = images if len(batch) == 1 else images[start:stop]
            start = stop
            try:
                if ticket.keep(rows, part, seconds):
                    outcomes.append((ticket, ticket.drawn(self._generator.device)))
            except MemoryError as error:
                outcomes.append((ticket, error))
        return outcomes
