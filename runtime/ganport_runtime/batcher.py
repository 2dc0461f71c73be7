"""The batcher: many callers share the runs of one generator."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from math import inf, isinf
from typing import TYPE_CHECKING, Any, Self
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.batching.queue import PendingRequest
from ganport_runtime.batching.results import BatcherStats as BatcherStats
from ganport_runtime.batching.results import GenerationResult as GenerationResult
from ganport_runtime.batching.results import ResultFuture
from ganport_runtime.batching.scheduler import RequestScheduler, closed_error
from ganport_runtime.batching.worker import Worker
from ganport_runtime.errors import RequestError
from ganport_runtime.generation.request import MAX_COUNT, EncodedRequest
from ganport_runtime.generator import Generator
from ganport_runtime.noise import check_integer
from ganport_runtime.values import repr_short, to_number

if TYPE_CHECKING:
    import asyncio

    from ganport_runtime.batching.results import AnyFuture
    from ganport_runtime.conditions import ConditionInput


class Batcher:
    """Combines the requests of many threads and coroutines into shared runs of one generator.

    A run starts as soon as the device is free and a request waits; a single request never waits
    for others. Requests that arrive during a run share the next one. A run has up to `max_batch`
    images (None: the preferred batch size of the device) of several requests, or a part of one
    request; `batching.queue` describes the order. At most `max_queue` images wait. A run longer
    than `stall_timeout` seconds makes the batcher unhealthy. A coroutine runs a single request on
    its own event loop if no other request waits and the measured rate predicts at most
    `inline_budget` seconds, because a thread switch costs about 100 microseconds; 0 disables this.
    On a CPU the images of a request do not depend on the other requests of its run. A failing
    request fails alone: the other requests of its run are run again.

    Close the batcher or use it in a `with` statement. Create it after a fork, not before. Raises
    `RequestError` for an argument out of range.
    """

    def __init__(
        self,
        generator: Generator,
        *,
        max_batch: int | None = None,
        max_queue: int = 4096,
        stall_timeout: float = 30.0,
        inline_budget: float = 0.001,
    ) -> None:
        if not isinstance(generator, Generator):
            raise RequestError(
                "generator", "a Generator", repr_short(generator), "Use Generator.load(path)."
            )
        batch = generator.manifest.batch
        if max_batch is None:
            max_batch = generator.preferred_batch_size
        self.generator = generator
        self.max_batch = check_integer("max_batch", max_batch, batch.min, batch.max)
        self.max_queue = check_integer("max_queue", max_queue, 1, MAX_COUNT)
        self._stall_timeout = _check_seconds("stall_timeout", stall_timeout)
        self._inline_budget = _check_seconds("inline_budget", inline_budget)
        self._scheduler = RequestScheduler(self.max_batch, self.max_queue)
        self._worker = Worker(generator, self._scheduler)
        # A garbage-collected batcher completes its requests and ends its threads.
        finalize(self, self._worker.begin_shutdown).atexit = False

    def submit(
        self,
        conditions: ConditionInput = None,
        *,
        seed: int | None = None,
        seeds: Sequence[int] | None = None,
        count: int | None = None,
        z: NDArray[np.float32] | None = None,
        temperature: float | None = None,
        timeout: float | None = None,
    ) -> Future[GenerationResult]:
        """Submit a request with the arguments of `Generator.generate` and return its future.

        The future fails with `DeadlineError` if the images do not exist `timeout` seconds from
        now, and with `ClosedError` if the batcher ends earlier. `cancel` works until the images
        exist and frees the queue slots at once. Raises what `Generator.generate` raises,
        `QueueFullError` with `retry_after` in seconds, `ClosedError`, and `RequestError` for a
        count above `max_queue`.
        """
        request = self.generator.prepare(
            conditions, seed=seed, seeds=seeds, count=count, z=z, temperature=temperature
        )
        return self.submit_request(request, timeout)

    def submit_request(
        self, request: EncodedRequest, timeout: float | None = None
    ) -> Future[GenerationResult]:
        """Submit a request that this batcher's generator prepared; see `submit`."""
        future = ResultFuture(self._scheduler.cancel)
        self._enqueue(request, future, timeout)
        return future

    async def agenerate(
        self,
        conditions: ConditionInput = None,
        *,
        seed: int | None = None,
        seeds: Sequence[int] | None = None,
        count: int | None = None,
        z: NDArray[np.float32] | None = None,
        temperature: float | None = None,
        timeout: float | None = None,
    ) -> GenerationResult:
        """Submit a request and await its result; task cancellation frees the queue slots.

        Arguments and errors are those of `submit`.
        """
        request = self.generator.prepare(
            conditions, seed=seed, seeds=seeds, count=count, z=z, temperature=temperature
        )
        return await self.asubmit(request, timeout)

    async def asubmit(
        self, request: EncodedRequest, timeout: float | None = None
    ) -> GenerationResult:
        """Submit a request that this batcher's generator prepared and await its result."""
        from asyncio import CancelledError, get_running_loop  # 30 ms that games need not spend

        if await self._try_inline(len(request), timeout):
            return self._worker.run_inline(request)
        future: asyncio.Future[GenerationResult] = get_running_loop().create_future()
        self._enqueue(request, future, timeout)
        try:
            return await future
        except CancelledError:
            self._scheduler.cancel(future)
            raise

    def check_capacity(self) -> None:
        """Raise `QueueFullError` and count a rejection if the queue is full.

        A service calls this before it reads a request. It avoids building requests that would be
        rejected.
        """
        self._scheduler.check_capacity(1)

    def healthy(self) -> bool:
        """Return whether both threads run and the current run is within `stall_timeout`."""
        return self._worker.alive and self._scheduler.current_run_seconds() <= self._stall_timeout

    def stats(self) -> BatcherStats:
        """Return the current levels and the counts since the batcher was made."""
        return self._scheduler.stats()

    def close(self, timeout: float | None = None) -> None:
        """Reject new requests and return when all accepted ones are resolved.

        After `timeout` seconds the remaining requests fail with `ClosedError`; the current run
        ends in the background. May be called again.
        """
        seconds = _check_seconds("timeout", timeout)
        self._worker.begin_shutdown()
        self._worker.join(None if isinf(seconds) else seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    async def _try_inline(self, count: int, timeout: float | None) -> bool:
        from asyncio import sleep

        too_short = timeout is not None and timeout <= self._inline_budget
        if too_short or not self._inline_budget or self._worker.forked:
            return False
        self._scheduler.count_waiters(1)
        try:
            await sleep(0)  # lets the other callers of this loop iteration register
        except BaseException:
            self._scheduler.count_waiters(-1)
            raise
        return self._scheduler.try_begin_inline(count, self._inline_budget)

    def _enqueue(self, request: EncodedRequest, future: AnyFuture, timeout: float | None) -> None:
        if self._worker.forked:
            raise closed_error("a batcher made before this process was forked")
        self._scheduler.submit(PendingRequest(request, future, _check_seconds("timeout", timeout)))


def _check_seconds(place: str, value: object) -> float:
    """Return `value` as a number of seconds, at least 0; None means no limit (infinity)."""
    if value is None:
        return inf
    seconds = to_number(value)
    if not seconds >= 0:  # also true for NaN
        fix = "Pass a number, or None for no limit."
        raise RequestError(place, "a number of seconds, 0 or more", repr_short(value), fix)
    return seconds
