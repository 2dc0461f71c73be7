"""What a batcher has done so far, and how fast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

# What one run weighs against the next in the measured rate: some thirty count.
_MEMORY = 0.97


@dataclass(frozen=True, slots=True)
class BatcherStats:
    """A moment of a batcher: two levels, then counts since it was made.

    Every request that was taken ends as drawn, expired, cancelled or failed.
    """

    queued_images: int
    """Pictures waiting that no run has taken yet."""
    running_images: int
    """Pictures in the run under way."""
    batches: int
    """Runs that drew."""
    images: int
    """Pictures drawn."""
    requests: int
    """Requests taken."""
    rejected: int
    """Requests refused because too many pictures were waiting."""
    expired: int
    """Requests not drawn in the time they were given."""
    cancelled: int
    """Requests their caller gave up."""
    failed: int
    """Requests ended by an error, or given up when the batcher was closed."""
    batch_sizes: Mapping[int, int]
    """How many runs drew so many pictures."""
    images_per_second: float
    """Measured over the last runs, none of the time between them; 0 before the first."""


class Tally:
    """The counts behind `BatcherStats`; not safe between threads."""

    def __init__(self) -> None:
        self.batch_sizes: Counter[int] = Counter()
        self.requests = self.rejected = self.expired = self.cancelled = self.failed = 0
        self._batches = self._images = 0
        self._recent_images = self._recent_seconds = 0.0

    @property
    def images_per_second(self) -> float:
        return self._recent_images / self._recent_seconds if self._recent_seconds else 0.0

    def ran(self, images: int, seconds: float) -> None:
        """Count one run."""
        self.batch_sizes[images] += 1
        self._batches += 1
        self._images += images
        self._recent_images = _MEMORY * self._recent_images + images
        self._recent_seconds = _MEMORY * self._recent_seconds + seconds

    def stats(self, queued: int, running: int) -> BatcherStats:
        """The counts as they are now, beside the two levels given."""
        return BatcherStats(
            queued_images=queued,
            running_images=running,
            batches=self._batches,
            images=self._images,
            requests=self.requests,
            rejected=self.rejected,
            expired=self.expired,
            cancelled=self.cancelled,
            failed=self.failed,
            batch_sizes=dict(self.batch_sizes),
            images_per_second=self.images_per_second,
        )
