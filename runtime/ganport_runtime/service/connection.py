"""A client's connection that may neither dawdle over the head of a request nor let it grow."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Connection(HttpToolsProtocol):
    """uvicorn's connection, closed when it owes a whole head for too long, or sends a long one.

    uvicorn bounds neither: its keep-alive ends with the first byte of a request, and httptools
    keeps headers however many come. Bodies are bounded where they are read.
    """

    max_seconds: ClassVar[float] = 70.0
    """From the opening, or the last answer, to the end of a head. Above the time that a silent
    connection is kept, so that a request begun at its end still has some."""
    max_bytes: ClassVar[int] = 1 << 16
    """That come without ending a head and without being of a body, trailers included."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._bytes = 0
        self._since = self.loop.time()
        self._timer = self.loop.call_later(self.max_seconds, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._bytes += len(data)
        super().data_received(data)
        if self._bytes > self.max_bytes and not self.transport.is_closing():
            if self._answering:
                self.transport.close()
            else:
                self.send_400_response(f"A head of more than {self.max_bytes} bytes.")

    def on_headers_complete(self) -> None:
        self._bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._bytes = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        self._since = self.loop.time()
        super().on_response_complete()

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _check(self) -> None:
        # One timer looks again and again: one for each request would cost every request.
        left = self._since + self.max_seconds - self.loop.time()
        if self._answering:
            left = self.max_seconds
        if left > 0.0:
            self._timer = self.loop.call_later(left, self._check)
        elif not self.transport.is_closing():
            self.transport.close()
