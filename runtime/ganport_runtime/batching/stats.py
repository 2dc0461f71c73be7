"""Statistics of a batcher: levels, counts and the measured rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

_EMA_DECAY = 0.97
"""Decay per run of the measured rate (about 30 runs)."""


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
