"""Results and statistics of a batcher, and the futures that deliver results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import asyncio

    AnyFuture = Future["GenerationResult"] | asyncio.Future["GenerationResult"]
    """The future of a request: a thread waits for the first kind, a coroutine for the second."""


_EMA_DECAY = 0.97
"""Decay per run of the measured rate (about 30 runs)."""


@dataclass(frozen=True, slots=True)
class GenerationResult:
    """The images of one request, how they were made and how long that took.

    The caller owns `images`, uint8 (N, H, W, C). `seeds` holds the seed of each image; it is empty
    if the images do not start from seeds. `device` names the device that ran the graph.
    `compute_seconds` is the duration of the graph runs. `queue_seconds` is the rest of the time
    between submission and completion.
    """

    images: NDArray[np.uint8]
    seeds: Sequence[int]
    queue_seconds: float
    compute_seconds: float
    device: str


Result = GenerationResult | BaseException
"""What ends a request: its images or an error."""


class ResultFuture(Future[GenerationResult]):
    """A future that can be canceled until its images exist; cancellation frees its queue slots."""

    def __init__(self, cancel_request: Callable[[ResultFuture], bool]) -> None:
        super().__init__()
        self._cancel_request = cancel_request

    def cancel(self) -> bool:
        """Cancel the request; return False if its images or an error already exist."""
        if self._cancel_request(self):
            super().cancel()
            self.set_running_or_notify_cancel()  # `concurrent.futures.wait` needs this state
        return self.cancelled()


def resolve_all(results: Iterable[tuple[AnyFuture, Result]]) -> None:
    """Resolve all futures; wake each event loop once."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[AnyFuture, Result]]] = {}
    for future, result in results:
        if isinstance(future, Future):
            _resolve(future, result)
        else:
            loops.setdefault(future.get_loop(), []).append((future, result))
    for loop, pairs in loops.items():
        with suppress(RuntimeError):  # the loop is closed, so no coroutine waits there
            loop.call_soon_threadsafe(_resolve_pending, pairs)


def _resolve_pending(pairs: Iterable[tuple[AnyFuture, Result]]) -> None:
    for future, result in pairs:
        if not future.done():  # its task may have been canceled in the meantime
            _resolve(future, result)


def _resolve(future: AnyFuture, result: Result) -> None:
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)


@dataclass(frozen=True, slots=True)
class BatcherStats:
    """A snapshot of a batcher: two levels, then counts since the batcher was made.

    Every accepted request ends in one of four ways: completed, expired, canceled or failed.
    """

    queued_images: int
    """Images that wait and that no run has taken."""
    running_images: int
    """Images in the current run."""
    batches: int
    """Successful runs."""
    images: int
    """Generated images."""
    requests: int
    """Accepted requests."""
    rejected: int
    """Requests rejected because the queue was full."""
    expired: int
    """Requests whose deadline passed."""
    cancelled: int
    """Requests canceled by their caller."""
    failed: int
    """Requests that ended with an error, also because the batcher was closed."""
    batch_sizes: Mapping[int, int]
    """Number of runs by batch size."""
    images_per_second: float
    """Rate of the recent runs without the idle time between them; 0 before the first run."""


class StatsCollector:
    """The mutable counts of `BatcherStats`. Not thread-safe."""

    def __init__(self) -> None:
        self.requests = self.rejected = self.expired = self.cancelled = self.failed = 0
        self._batch_sizes: Counter[int] = Counter()
        self._recent_images = self._recent_seconds = 0.0

    @property
    def images_per_second(self) -> float:
        """Return the measured rate; 0 before the first run."""
        return self._recent_images / self._recent_seconds if self._recent_seconds else 0.0

    def record_run(self, images: int, seconds: float) -> None:
        """Count one successful run."""
        self._batch_sizes[images] += 1
        self._recent_images = _EMA_DECAY * self._recent_images + images
        self._recent_seconds = _EMA_DECAY * self._recent_seconds + seconds

    def snapshot(self, queued_images: int, running_images: int) -> BatcherStats:
        """Return the current counts together with the two given levels."""
        return BatcherStats(
            queued_images,
            running_images,
            batches=self._batch_sizes.total(),
            images=sum(size * runs for size, runs in self._batch_sizes.items()),
            requests=self.requests,
            rejected=self.rejected,
            expired=self.expired,
            cancelled=self.cancelled,
            failed=self.failed,
            batch_sizes=dict(self._batch_sizes),
            images_per_second=self.images_per_second,
        )
