"""An eye on the client and the clock while pictures are drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from time import perf_counter
from types import TracebackType
from typing import Self

from starlette.types import Receive

from ganport_runtime.errors import DeadlineError

# Most answers are out by then, and a listener costs as much as a small picture.
_PATIENCE = 0.05
# The batcher keeps the deadline itself; this is for one that is stuck.
_GRACE = 0.25


class ClientLeftError(Exception):
    """The client closed its connection before it was answered."""


class Alarm:
    """Ends the work done inside it after `seconds`, with what `error` makes raised in its place.

    What `asyncio.timeout` does, but cheaper, and every request has to bear it.
    """

    def __init__(self, seconds: float, error: Callable[[], Exception]) -> None:
        self._seconds = seconds
        self._error = error
        self._reason: Exception | None = None

    def __enter__(self) -> Self:
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._ring)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._reason is not None and self._task is not None:
            self._task.uncancel()
            if isinstance(error, asyncio.CancelledError):
                raise self._reason from None

    def _ring(self) -> None:
        self._stop(self._error())

    def _stop(self, reason: Exception) -> None:
        self._reason = reason
        if self._task is not None:
            self._task.cancel()


class Watch(Alarm):
    """Ends the work done inside it when the client leaves or its `seconds` are over.

    Raises `ClientLeftError` or `DeadlineError` in its place. Nothing else may `receive` meanwhile.
    """

    def __init__(self, receive: Receive, seconds: float) -> None:
        super().__init__(_PATIENCE, partial(late, seconds))
        self._receive = receive
        self._left = max(0.0, seconds - _PATIENCE) + _GRACE
        self._listener: asyncio.Task[None] | None = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._listener is not None:
            self._listener.cancel()
        super().__exit__(kind, error, traceback)

    def _ring(self) -> None:
        self._listener = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        try:
            async with asyncio.timeout(self._left):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
            self._stop(ClientLeftError())
        except TimeoutError:
            super()._ring()


def late(seconds: float) -> DeadlineError:
    """The error for a request that was not answered in the `seconds` it had."""
    return DeadlineError(
        "timeout",
        expected=f"an answer within {seconds:g} s",
        found="none",
        fix="Ask for fewer pictures, give it more time, or try again when less is asked for.",
    )


def left_of(seconds: float, start: float) -> float:
    """What is left of `seconds` that began at `start`; raises `DeadlineError` for nothing."""
    left = seconds - (perf_counter() - start)
    if left <= 0.0:
        raise late(seconds)
    return left
