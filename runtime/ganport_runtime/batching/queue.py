"""The queue of requests, and the rule that selects the rows of the next run.

Requests run in the order of their arrival. A request larger than one run takes turns: after one
run's worth of rows it moves behind the requests that arrived in the meantime. So a single image
waits for at most one run per request ahead of it, and a large request gets one run per round.
This is deficit round robin (Shreedhar and Varghese, "Efficient Fair Queuing Using Deficit Round
Robin", SIGCOMM 1995, section 3); a flow is a request and the quantum is one run.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.batching.results import GenerationResult
from ganport_runtime.errors import DeadlineError
from ganport_runtime.generation.request import EncodedRequest

if TYPE_CHECKING:
    from ganport_runtime.batching.results import AnyFuture


@dataclass(slots=True, eq=False)
class PendingRequest:
    """A submitted request: its future, its deadline and its progress. Not thread-safe.

    `timeout` is in seconds; `submitted_at` and `deadline` are values of `time.monotonic`.
    """

    encoded: EncodedRequest
    future: AnyFuture
    timeout: float = inf
    count: int = field(init=False)
    submitted_at: float = field(init=False)
    deadline: float = field(init=False)
    credit: int = 0
    """Rows that may still run before the request moves to the end of the queue."""
    completed: int = 0
    """Images that exist."""
    _allocated: int = 0
    _compute_seconds: float = 0.0
    _images: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        self.count = len(self.encoded)
        self.submitted_at = monotonic()
        self.deadline = self.submitted_at + self.timeout

    @property
    def remaining(self) -> int:
        """Return the number of rows that no run has taken."""
        return self.count - self._allocated

    def allocate(self, number: int) -> slice:
        """Assign the next `number` rows to a run and return their range."""
        start = self._allocated
        self._allocated += number
        self.credit -= number
        return slice(start, self._allocated)

    def store(self, rows: slice, images: NDArray[np.uint8], seconds: float) -> bool:
        """Store the images of one run that took `seconds`; return True if all images exist."""
        if len(images) == self.count:
            # A view would keep the images of every request in the run alive.
            self._images = images.copy() if isinstance(images.base, np.ndarray) else images
        else:
            if self._images is None:
                self._images = np.empty((self.count, *images.shape[1:]), np.uint8)
            self._images[rows] = images
        self.completed += len(images)
        self._compute_seconds += seconds
        return self.completed == self.count

    def result(self, device: str) -> GenerationResult:
        """Return the result of a request whose images all exist."""
        assert self._images is not None
        waited = monotonic() - self.submitted_at - self._compute_seconds
        return GenerationResult(
            self._images, self.encoded.seed_list, waited, self._compute_seconds, device
        )

    def deadline_error(self) -> DeadlineError:
        """Return the error for a request whose deadline has passed."""
        return DeadlineError(
            "timeout",
            expected=f"images within {self.timeout:g} seconds",
            found=f"{self.completed} of {self.count} generated",
            fix="Raise the timeout, request fewer images, or retry under lower load.",
        )


Batch = dict[PendingRequest, slice]
"""The rows of each request in one run, in run order."""


class FairQueue:
    """Waiting requests in the order of their turns. Not thread-safe.

    `images` is the number of waiting rows that no run has taken.
    """

    def __init__(self, max_batch: int) -> None:
        self.images = 0
        self._max_batch = max_batch
        self._requests: OrderedDict[PendingRequest, None] = OrderedDict()

    def push(self, request: PendingRequest) -> None:
        """Append a request."""
        request.credit = self._max_batch
        self._requests[request] = None
        self.images += request.remaining

    def remove(self, request: PendingRequest) -> None:
        """Remove a request if it is in the queue."""
        if request in self._requests:
            del self._requests[request]
            self.images -= request.remaining

    def pop_batch(self) -> Batch:
        """Return the rows of the next run; all requests of a run share one interface.

        The batch is full if enough rows wait, and empty if no row waits.
        """
        batch: Batch = {}
        capacity = self._max_batch
        while capacity and self._requests:
            request = next(iter(self._requests))
            if batch and request.encoded.interface != next(iter(batch)).encoded.interface:
                break
            if not request.credit:
                request.credit = self._max_batch
                self._requests.move_to_end(request)
                continue
            capacity -= self._allocate(request, capacity, batch)
        return batch

    def _allocate(self, request: PendingRequest, capacity: int, batch: Batch) -> int:
        number = min(capacity, request.remaining, request.credit)
        rows = request.allocate(number)
        # The only request in the queue may get a second turn in one run: its rows are contiguous.
        batch[request] = slice(batch[request].start, rows.stop) if request in batch else rows
        self.images -= number
        if not request.remaining:
            del self._requests[request]
        return number
