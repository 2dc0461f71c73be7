"""Received bytes: their connections take turns, and read nothing while they wait for one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter

from uvicorn.protocols.http.flow_control import FlowControl

_TURN, _PAUSE = 0.001, 0.004
"""Seconds of parsing before the event loop gets a turn, and until the next parsing."""
_SHARE = 0.0005
"""Seconds of parsing before the next connection gets a turn."""


class ReceiveQueue:
    """The connections with received bytes that are not parsed yet; they take turns.

    One received part may have 256 KiB. These may be 14,000 requests or 40,000 parts of a body,
    which take far longer to parse than other clients can wait.
    """

    def __init__(self) -> None:
        self._parsers: deque[Callable[[float], bool]] = deque()
        self._turn: asyncio.Handle | None = None

    def add(self, parse: Callable[[float], bool], loop: asyncio.AbstractEventLoop) -> None:
        """Give a connection turns: `parse` gets seconds and returns whether it needs more turns."""
        self._parsers.append(parse)
        if self._turn is None:
            self._turn = loop.call_soon(self._run, loop)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        end = perf_counter() + _TURN
        while self._parsers and perf_counter() < end:
            parse = self._parsers.popleft()
            if parse(_SHARE):
                self._parsers.append(parse)
        # A delay, because parsing without a break would take the time of all other work.
        self._turn = loop.call_later(_PAUSE, self._run, loop) if self._parsers else None


class HoldableFlow(FlowControl):
    """Flow control that also stops reading while received bytes wait for their parser."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._reader = transport
        self._held = False

    def hold(self) -> None:
        """Read nothing until `release`."""
        if not self.read_paused:
            self._reader.pause_reading()
        self._held = True

    def release(self) -> None:
        """Read again, unless reading is paused for another reason."""
        self._held = False
        if not self.read_paused and not self._reader.is_closing():
            self._reader.resume_reading()

    def pause_reading(self) -> None:
        """Read nothing until `resume_reading`."""
        if self._held:
            self.read_paused = True
        else:
            super().pause_reading()

    def resume_reading(self) -> None:
        """Read again, unless received bytes wait for their parser."""
        if self._held:
            self.read_paused = False
        else:
            super().resume_reading()
