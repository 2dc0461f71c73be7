"""The time limit of a request, and the cancellation of work whose client has disconnected."""

from __future__ import annotations

import asyncio
from time import perf_counter
from types import TracebackType
from typing import Self

from starlette.types import Receive

from ganport_runtime.errors import DeadlineError

_LISTEN_DELAY = 0.05
"""Seconds before a listener starts; most responses are sent by then, and a listener costs time."""
_GRACE = 0.25
"""Seconds after the deadline; the batcher keeps deadlines itself unless it is stalled."""


class ClientDisconnectError(Exception):
    """The client closed its connection before the response."""


class DisconnectGuard:
    """Cancels the work inside it when the client disconnects or after `seconds`.

    Raises `ClientDisconnectError` or `DeadlineError`. No other code may call `receive` meanwhile.
    """

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._seconds = seconds
        self._timeout = asyncio.timeout(None)
        self._listener: asyncio.Task[None] | None = None
        self._disconnected = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + max(self._seconds, _LISTEN_DELAY) + _GRACE
        self._timer = self._loop.call_later(_LISTEN_DELAY, self._start_listener)
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._listener is not None:
            self._listener.cancel()
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError:
            reason = (
                ClientDisconnectError() if self._disconnected else deadline_error(self._seconds)
            )
            raise reason from None

    def _start_listener(self) -> None:
        self._timeout.reschedule(self._deadline)
        self._listener = self._loop.create_task(self._listen())

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._disconnected = True
        self._timeout.reschedule(self._loop.time())


def deadline_error(seconds: float) -> DeadlineError:
    """Return the error for a request that had no response after `seconds`."""
    return DeadlineError(
        "timeout",
        expected=f"a response within {seconds:g} s",
        found="none",
        fix="Request fewer images, raise the timeout, or retry under lower load.",
    )


def remaining_time(seconds: float, start: float) -> float:
    """Return the rest of `seconds` since `start` (`time.perf_counter`).

    Raises `DeadlineError` if no time remains.
    """
    remaining = seconds - (perf_counter() - start)
    if remaining <= 0.0:
        raise deadline_error(seconds)
    return remaining
