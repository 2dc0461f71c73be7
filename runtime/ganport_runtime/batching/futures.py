"""Results of requests, and the futures that deliver them to threads and event loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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


@dataclass(frozen=True, slots=True)
class GenerationResult:
    """The images of one request, how they were made and how long that took.

    The caller owns `images`, uint8 (N, H, W, 3). `seeds` holds the seed of each image; it is empty
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
