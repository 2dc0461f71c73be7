"""The scheduler: accepts requests, forms batches, keeps deadlines and resolves futures."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from threading import Condition, RLock
from time import monotonic
from typing import TYPE_CHECKING

from ganport_runtime.batching.queue import Batch, FairQueue, PendingRequest
from ganport_runtime.batching.results import (
    BatcherStats,
    GenerationResult,
    Result,
    StatsCollector,
    resolve_all,
)
from ganport_runtime.errors import ClosedError, DeadlineError, QueueFullError, RequestError

if TYPE_CHECKING:
    from ganport_runtime.batching.results import AnyFuture

_DEADLINE_RESOLUTION = 0.005
"""Seconds; deadlines closer than this share one wake-up."""
_MAX_WAIT = 3600.0
"""Seconds; the longest sleep, below the limits of system clocks."""
_DEFAULT_RETRY = 1.0
"""Seconds to wait before a retry while no rate is known."""


class RequestScheduler:
    """Requests between their submission and their resolution. Thread-safe.

    The worker, the deadline loop and the caller compete for a request: the first one to remove it
    from the pending requests resolves it, so each request is resolved once. Futures are resolved
    outside the lock, because resolution may run code of a caller.
    """

    def __init__(self, max_batch: int, max_queue: int) -> None:
        self._max_queue = max_queue
        self._queue = FairQueue(max_batch)
        self._pending: dict[AnyFuture, PendingRequest] = {}
        self._stats = StatsCollector()
        self._lock = RLock()  # reentrant: garbage collection under the lock may close the batcher
        self._work_available = Condition(self._lock)
        self._deadline_changed = Condition(self._lock)
        self._worker_idle = False
        self._next_deadline = inf
        self._close_reason: str | None = None
        self._running = self._waiters = 0
        self._run_started = inf

    def submit(self, request: PendingRequest) -> None:
        """Accept a request.

        Raises `QueueFullError`, `ClosedError`, or `RequestError` if the request can never fit.
        """
        if request.count > self._max_queue:
            raise RequestError(
                "count",
                expected=f"at most {self._max_queue} images, the capacity of the queue",
                found=f"{request.count}",
                fix="Request fewer images at a time, or raise max_queue of the Batcher.",
            )
        with self._lock:
            if self._close_reason:
                raise closed_error(self._close_reason)
            self.check_capacity(request.count)
            self._stats.requests += 1
            self._pending[request.future] = request
            self._queue.push(request)
            if self._worker_idle:
                self._worker_idle = False
                self._work_available.notify()
            if request.deadline < self._next_deadline:
                self._deadline_changed.notify()

    def check_capacity(self, count: int) -> None:
        """Raise `QueueFullError` and count a rejection if `count` images do not fit now."""
        with self._lock:
            queued = self._queue.images
            if queued + count > self._max_queue:
                self._stats.rejected += 1
                rate = self._stats.images_per_second
                retry_after = (queued + count - self._max_queue) / rate if rate else _DEFAULT_RETRY
                raise QueueFullError(
                    "queue",
                    expected=f"at most {self._max_queue} waiting images",
                    found=f"{queued}, and {count} requested",
                    fix=f"Retry in {retry_after:.2g} seconds, or request fewer images.",
                    retry_after=retry_after,
                )

    def count_waiters(self, change: int) -> None:
        """Count a coroutine that is about to submit (1), or no longer is (-1)."""
        with self._lock:
            self._waiters += change

    def try_begin_inline(self, count: int, budget: float) -> bool:
        """Unregister a waiter and return whether its request may run inline.

        It may run inline if no other request waits or runs and the measured rate predicts at most
        `budget` seconds. In that case the run counts as started.
        """
        with self._lock:
            self._waiters -= 1
            busy = self._close_reason or self._waiters or self._pending or self._running
            if busy or count > self._stats.images_per_second * budget:
                return False
            self._stats.requests += 1
            self._running, self._run_started = count, monotonic()
            return True

    def end_inline(self, images: int, seconds: float) -> None:
        """Count an inline run; 0 `images` means that it failed."""
        with self._lock:
            self._running, self._run_started = 0, inf
            if images:
                self._stats.record_run(images, seconds)
            else:
                self._stats.failed += 1

    def next_batch(self) -> Batch:
        """Wait for rows and return the next batch; empty after close if no row is left."""
        with self._lock:
            self._running, self._run_started = 0, inf
            while not self._queue.images and not self._close_reason:
                self._worker_idle = True
                self._work_available.wait()
            self._worker_idle = False
            batch = self._queue.pop_batch()
            self._running = sum(rows.stop - rows.start for rows in batch.values())
            self._run_started = monotonic()
            return batch

    def mark_restarted(self, request: PendingRequest) -> bool:
        """Start the clock of a repeated run; return False if the request is no longer pending."""
        with self._lock:
            self._run_started = monotonic()
            return request.future in self._pending

    def record_run(self, images: int, seconds: float) -> None:
        """Count a successful run of the worker."""
        with self._lock:
            self._running = 0
            self._stats.record_run(images, seconds)

    def resolve(self, results: Iterable[tuple[PendingRequest, Result]]) -> None:
        """Resolve the futures of those requests that are still pending."""
        with self._lock:
            removed = [(request, result) for request, result in results if self._remove(request)]
            for _, result in removed:
                self._stats.expired += isinstance(result, DeadlineError)
                self._stats.failed += not isinstance(result, GenerationResult | DeadlineError)
        resolve_all((request.future, result) for request, result in removed)

    def cancel(self, future: AnyFuture) -> bool:
        """Cancel a request; return False if it is resolved or about to be."""
        with self._lock:
            request = self._pending.get(future)
            if request is None:
                return False
            self._stats.cancelled += 1
            return self._remove(request)

    def run_deadline_loop(self) -> None:
        """Fail requests at their deadlines, until the scheduler is closed and drained."""
        while (expired := self._take_expired()) is not None:
            self.resolve((request, request.deadline_error()) for request in expired)

    def close(self) -> None:
        """Reject new requests from now on."""
        with self._lock:
            self._close_reason = self._close_reason or "a closed batcher"
            self._notify_all()

    def abort(self, reason: str, cause: BaseException | None = None) -> None:
        """Reject new requests and fail all pending ones with `ClosedError`."""
        with self._lock:
            self._close_reason = reason
            self._notify_all()
            pending = list(self._pending.values())
        errors = [closed_error(reason) for _ in pending]
        for error in errors:
            error.__cause__ = cause
        self.resolve(zip(pending, errors, strict=True))

    def current_run_seconds(self) -> float:
        """Return the age of the current run in seconds; 0 without a run."""
        return max(0.0, monotonic() - self._run_started)

    def stats(self) -> BatcherStats:
        """Return the current levels and counts."""
        with self._lock:
            return self._stats.snapshot(self._queue.images, self._running)

    def _notify_all(self) -> None:
        self._work_available.notify()
        self._deadline_changed.notify()

    def _take_expired(self) -> list[PendingRequest] | None:
        """Return expired requests, or wait for the next deadline; None once closed and drained."""
        with self._lock:
            now = monotonic()
            expired = [request for request in self._pending.values() if request.deadline <= now]
            if expired:
                return expired
            if self._close_reason and not self._pending:
                return None
            self._next_deadline = min((r.deadline for r in self._pending.values()), default=inf)
            seconds = max(self._next_deadline - now, _DEADLINE_RESOLUTION)
            self._deadline_changed.wait(min(seconds, _MAX_WAIT))
            return []

    def _remove(self, request: PendingRequest) -> bool:
        if self._pending.pop(request.future, None) is None:
            return False
        self._queue.remove(request)
        if self._close_reason and not self._pending:
            self._deadline_changed.notify()
        return True


def closed_error(found: str) -> ClosedError:
    """Return the error of a batcher that accepts no requests."""
    return ClosedError("batcher", "an open batcher", found, "Make a new Batcher.")
