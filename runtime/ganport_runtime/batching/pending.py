"""One request on its way through a batcher, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.generation.request import Job

if TYPE_CHECKING:
    from asyncio import Future as LoopFuture

    Reply = Future["Drawn"] | LoopFuture["Drawn"]
    """Where the caller waits: a thread on the first, a coroutine on the second."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The pictures of one request.

    `images` is uint8 (N, H, W, 3) and the caller's own, `seeds` has the seed of each picture
    (none where they were not drawn from seeds), `device` is what drew them. `computed` is how
    long the runs of the graph took that drew them, `queued` how long the request waited besides,
    in seconds: together they are the time from asking to having.
    """

    images: NDArray[np.uint8]
    seeds: Sequence[int]
    queued: float
    computed: float
    device: str


@dataclass(slots=True, eq=False)
class Ticket:
    """A job, who waits for it and for how many seconds, and how far it has come."""

    job: Job
    reply: Reply
    timeout: float = inf
    count: int = field(init=False)
    asked: float = field(init=False)
    """When it was made, and `deadline` when its time is over, as `monotonic` has it."""
    deadline: float = field(init=False)
    turn: int = 0
    """Pictures it may still hand to runs before it makes room for those behind it."""
    kept: int = 0
    """Pictures drawn."""
    _taken: int = 0
    _computed: float = 0.0
    _images: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        self.count = len(self.job)
        self.asked = monotonic()
        self.deadline = self.asked + self.timeout

    @property
    def left(self) -> int:
        """Pictures not yet handed to a run."""
        return self.count - self._taken

    def take(self, number: int) -> slice:
        """The next rows of the job, for a run."""
        start = self._taken
        self._taken += number
        self.turn -= number
        return slice(start, self._taken)

    def keep(self, rows: slice, images: NDArray[np.uint8], seconds: float) -> bool:
        """Keep what a run of so many seconds drew; True when nothing is missing any more."""
        if len(images) == self.count:
            # A view would hold the pictures of everybody in the run for as long as this one lives.
            self._images = images.copy() if isinstance(images.base, np.ndarray) else images
        else:
            if self._images is None:
                self._images = np.empty((self.count, *images.shape[1:]), np.uint8)
            self._images[rows] = images
        self.kept += len(images)
        self._computed += seconds
        return self.kept == self.count

    def drawn(self, device: str) -> Drawn:
        """The result, once nothing is missing."""
        assert self._images is not None
        waited = monotonic() - self.asked - self._computed
        return Drawn(self._images, self.job.seeds, waited, self._computed, device)
