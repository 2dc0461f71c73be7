"""Many callers, one generator: what they ask for is drawn together, as soon as it can be."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from math import isinf
from typing import TYPE_CHECKING, Any, Self
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.batching.errors import check_seconds, closed
from ganport_runtime.batching.futures import DrawnFuture
from ganport_runtime.batching.pending import Drawn as Drawn
from ganport_runtime.batching.pending import Ticket
from ganport_runtime.batching.scheduler import Desk
from ganport_runtime.batching.stats import BatcherStats as BatcherStats
from ganport_runtime.batching.worker import Worker
from ganport_runtime.generation.request import Job
from ganport_runtime.generation.validation import MAX_COUNT
from ganport_runtime.noise import check_integer

if TYPE_CHECKING:
    import asyncio

    from ganport_runtime.batching.pending import Reply
    from ganport_runtime.conditions.encoder import Asked
    from ganport_runtime.generator import Generator


class Batcher:
    """Draws the requests of many threads and coroutines together with one generator.

    A run starts whenever the device is free and anything waits: a lone request never waits for
    company, and those that come while a run is under way share the next one. A run holds
    `max_batch` pictures (None is what the device does best), of several requests or a part of
    one; turns are taken as `batching/line.py` says. At most `max_queue` pictures wait; a run
    that lasts longer than `stuck_after` seconds makes it unhealthy. The request of a lone coroutine
    that by the measured rate takes no longer than `in_place` seconds is drawn on its event loop,
    since a thread would cost it some hundred microseconds; 0 = never. Same seed, same bytes, with
    whomever it was drawn (on CPU). A request that fails, fails alone: those drawn with it are drawn
    again.

    Close it, or use it in a `with`. It does not live on in a forked process: make it there.
    Raises `RequestError` for numbers it cannot work with.
    """

    def __init__(
        self,
        generator: Generator,
        *,
        max_batch: int | None = None,
        max_queue: int = 4096,
        stuck_after: float = 30.0,
        in_place: float = 0.001,
    ) -> None:
        batch = generator.manifest.batch
        if max_batch is None:
            max_batch = generator.best_batch
        self.generator = generator
        self.max_batch = check_integer("max_batch", max_batch, batch.min, batch.max)
        self.max_queue = check_integer("max_queue", max_queue, 1, MAX_COUNT)
        self._stuck_after = check_seconds("stuck_after", stuck_after)
        self._in_place = check_seconds("in_place", in_place)
        self._desk = Desk(self.max_batch, self.max_queue)
        self._worker = Worker(generator, self._desk)
        # One that is forgotten ends its threads when it has drawn what it was asked.
        finalize(self, self._worker.release).atexit = False

    def submit(
        self,
        conditions: Asked = None,
        *,
        seed: int | None = None,
        seeds: Sequence[int] | None = None,
        count: int | None = None,
        z: NDArray[np.float32] | None = None,
        temperature: float | None = None,
        timeout: float | None = None,
    ) -> Future[Drawn]:
        """Ask for what `Generator.generate` draws; returns at once.

        The future fails with `DeadlineError` when the pictures are not there `timeout` seconds
        from now, and with `ClosedError` when the batcher ends before. Its `cancel` works until
        they are there, and frees the place in the queue at once. Raises what `generate` raises,
        `QueueFullError` with `retry_after` in seconds, `ClosedError`, or `RequestError` for a
        count above `max_queue`.
        """
        job = self.generator.job(
            conditions, seed=seed, seeds=seeds, count=count, z=z, temperature=temperature
        )
        return self.submit_job(job, timeout)

    def submit_job(self, job: Job, timeout: float | None = None) -> Future[Drawn]:
        """As `submit`, for a job of this batcher's generator."""
        future = DrawnFuture(self._desk.withdraw)
        self._admit(job, future, timeout)
        return future

    async def agenerate(
        self,
        conditions: Asked = None,
        *,
        seed: int | None = None,
        seeds: Sequence[int] | None = None,
        count: int | None = None,
        z: NDArray[np.float32] | None = None,
        temperature: float | None = None,
        timeout: float | None = None,
    ) -> Drawn:
        """As `submit`, awaited; a task that is cancelled frees its place in the queue."""
        job = self.generator.job(
            conditions, seed=seed, seeds=seeds, count=count, z=z, temperature=temperature
        )
        return await self.arun(job, timeout)

    async def arun(self, job: Job, timeout: float | None = None) -> Drawn:
        """As `agenerate`, for a job of this batcher's generator."""
        from asyncio import CancelledError, get_running_loop  # 30 ms that a game need not spend

        if await self._may_draw_here(len(job), timeout):
            return self._worker.draw_here(job)
        future: asyncio.Future[Drawn] = get_running_loop().create_future()
        self._admit(job, future, timeout)
        try:
            return await future
        except CancelledError:
            self._desk.withdraw(future)
            raise

    def check_room(self) -> None:
        """Raise `QueueFullError`, counted as a rejection, where not one picture more may wait now.

        It spares a busy caller the making of a request that would be refused: a service reads no
        body.
        """
        self._desk.check_room(1)

    def healthy(self) -> bool:
        """False once its threads have ended, or while one run lasts longer than `stuck_after`."""
        return self._worker.alive and self._desk.running_for() <= self._stuck_after

    def stats(self) -> BatcherStats:
        """What waits, what runs, and what came of all requests so far."""
        return self._desk.stats()

    def close(self, timeout: float | None = None) -> None:
        """Take no more requests, and return when all there are have been answered.

        After `timeout` seconds the rest is answered with `ClosedError`; only the run under way
        goes on to its end, unseen. May be called again.
        """
        seconds = check_seconds("timeout", timeout)
        self._worker.release()
        self._worker.join(None if isinf(seconds) else seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    async def _may_draw_here(self, count: int, timeout: float | None) -> bool:
        from asyncio import sleep

        short = timeout is not None and timeout <= self._in_place
        if short or not self._in_place or self._worker.forked:
            return False
        self._desk.arrive()
        try:
            await sleep(0)  # who asks in the same turn of the loop arrives meanwhile
        except BaseException:
            self._desk.depart()
            raise
        return self._desk.begin_here(count, self._in_place)

    def _admit(self, job: Job, reply: Reply, timeout: float | None) -> None:
        if self._worker.forked:
            raise closed("one made before this process was forked")
        self._desk.admit(Ticket(job, reply, check_seconds("timeout", timeout)))
