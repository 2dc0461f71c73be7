"""Connections: limits for slow, large and silent clients, and turns for what they send."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ganport_runtime.service.receiving import HoldableFlow, ReceiveQueue

_SEND_INTERVAL = 0.25
"""Seconds between looks at the unsent bytes of a slow client."""
_SLICE = 4096
"""Bytes that are parsed without a look at the clock: at most 1400 parts of a body or a header."""
_MANY_PARTS = 64
"""Parts of a body; a client that sends more of them has to wait for its turns."""
_MAX_WAITING_HEADER = 8192
_MAX_WAITING_BODIES = 1 << 16


class PeerLimits:
    """The limits that all connections of a process share."""

    def __init__(self, max_connections: int, max_sending: int) -> None:
        self.receiving = ReceiveQueue()
        self._max_connections = max_connections
        self._max_sending = max_sending
        self._waiting: dict[LimitedProtocol, None] = {}
        self._unsent: dict[LimitedProtocol, int] = {}

    def wait_for(self, connection: LimitedProtocol) -> None:
        """Note that a connection waits for a request from its client."""
        self._waiting[connection] = None

    def begin_response(self, connection: LimitedProtocol) -> None:
        """Note that a request of a connection is complete."""
        self._waiting.pop(connection, None)

    def admit(self, connections: int) -> None:
        """Abort the connection that has waited longest if there are too many."""
        if connections > self._max_connections and self._waiting:
            next(iter(self._waiting)).abort()

    def set_unsent(self, connection: LimitedProtocol, size: int) -> None:
        """Note how many bytes a client has not taken; abort the slowest clients above the limit."""
        if size:
            self._unsent[connection] = size
        else:
            self._unsent.pop(connection, None)
        while sum(self._unsent.values()) > self._max_sending:
            next(iter(self._unsent)).abort()

    def remove(self, connection: LimitedProtocol) -> None:
        """Forget a closed connection."""
        self._waiting.pop(connection, None)
        self._unsent.pop(connection, None)


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with limits for slow, large and silent clients.

    uvicorn has none of them: its keep-alive timeout ends with the first byte of a request,
    httptools stores any number of headers, any number of requests may wait for the first response,
    and a response waits for its client without end. The guard and the routes limit the
    size of a body.
    """

    limits: ClassVar[PeerLimits] = PeerLimits(1 << 16, 1 << 30)
    max_seconds: ClassVar[float] = 70.0
    """Seconds from the connection or the last response to the end of a header. The value exceeds
    the keep-alive timeout, so that a request that starts at its end has time left."""
    max_bytes: ClassVar[int] = 1 << 16
    """Received bytes that neither end a header nor belong to a body; trailers count."""
    max_fields: ClassVar[int] = 256
    """Fields of a header; trailers count."""
    max_waiting: ClassVar[int] = 8
    """Pipelined requests that wait for the responses before theirs. The connection closes after
    their responses if the client sends more of them."""
    send_seconds: ClassVar[float] = 10.0
    """Seconds for a client to take a response, in addition to those of `send_rate`."""
    send_rate: ClassVar[float] = 65536.0
    """Bytes per second that a client must take."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer of the connection."""
        super().connection_made(transport)
        self.flow = self._flow = HoldableFlow(transport)
        self._unread = memoryview(b"")
        self._ignoring = False
        self._running: RequestResponseCycle | None = None
        self._header_bytes = self._parts = 0
        self._header_start = self.loop.time()
        self._timer = self.loop.call_later(self.max_seconds, self._check_time)
        self._send_timer: asyncio.TimerHandle | None = None
        self.limits.wait_for(self)
        self.limits.admit(len(self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers and the requests of the connection."""
        self._timer.cancel()
        if self._send_timer:
            self._send_timer.cancel()
        self.limits.remove(self)
        self._ignoring = True
        self.pipeline.clear()
        # uvicorn does so with the request that arrived last, which waits for this one.
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def abort(self) -> None:
        """Close the connection at once and drop what is unsent."""
        self.limits.remove(self)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse a few bytes at once and others in turns with other connections."""
        if self._ignoring:
            self.flow.pause_reading()
        elif self._header_bytes + len(data) <= _SLICE and self._parts <= _MANY_PARTS:
            self._parse(data)
        else:
            self._unread = memoryview(data)
            self._flow.hold()
            self.limits.receiving.add(self._parse_unread, self.loop)

    def _parse_unread(self, seconds: float) -> bool:
        end = perf_counter() + seconds
        while self._unread and not self._ignoring and not self.transport.is_closing():
            part, self._unread = self._unread[:_SLICE], self._unread[_SLICE:]
            self._parse(part)
            if self._unread and perf_counter() > end:
                return True
        self._unread = memoryview(b"")
        self._flow.release()
        return False

    def _parse(self, data: bytes | memoryview) -> None:
        self._header_bytes += len(data)
        super().data_received(data)  # type: ignore[arg-type]  # httptools takes any buffer
        if self._header_bytes > self.max_bytes:
            self._refuse(f"A header of more than {self.max_bytes} bytes.")
        elif self.headers and len(self.headers) > self.max_fields:
            self._refuse(f"A header of more than {self.max_fields} fields.")

    def _refuse(self, message: str) -> None:
        if self._ignoring or self.transport.is_closing():
            return
        self._ignoring = True
        if self._responding:
            self.transport.close()
        else:
            self.send_400_response(message)

    def on_headers_complete(self) -> None:
        """Start a request, or let it wait for the responses before its own."""
        if len(self.headers) > self.max_fields:
            self._refuse(f"A header of more than {self.max_fields} fields.")
        if self._responding and not self._may_wait:
            self._ignoring = True
            self.cycle.keep_alive = False
        if self._ignoring:
            return
        self._header_bytes = self._parts = 0
        waiting = len(self.pipeline)
        super().on_headers_complete()
        if len(self.pipeline) == waiting:
            self._running = self.cycle

    @property
    def _may_wait(self) -> bool:
        bodies = sum(len(cycle.body) for cycle, _ in self.pipeline)
        return (
            len(self.pipeline) < self.max_waiting
            and self._header_bytes <= _MAX_WAITING_HEADER
            and bodies <= _MAX_WAITING_BODIES
        )

    def on_body(self, body: bytes) -> None:
        """Count the part and reset the byte count."""
        self._header_bytes = 0
        self._parts += 1
        if not self._ignoring:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the service no longer waits for the client."""
        if not self._ignoring:
            self.limits.begin_response(self)
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Restart the time limit for the next header, and start the one of the response."""
        self._header_start = self.loop.time()
        self._watch_unsent()
        if self.pipeline:
            self._running = self.pipeline[-1][0]
        else:
            self.limits.wait_for(self)
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Start the time limit of a response that the client takes slowly."""
        super().pause_writing()
        self._watch_unsent()

    @property
    def _responding(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _check_time(self) -> None:
        # One timer per connection checks repeatedly; a timer per request would slow each request.
        seconds = self._header_start + self.max_seconds - self.loop.time()
        if self._responding:
            seconds = self.max_seconds
        if seconds > 0.0:
            self._timer = self.loop.call_later(seconds, self._check_time)
        elif not self.transport.is_closing():
            self.transport.close()

    def _watch_unsent(self) -> None:
        size = self.transport.get_write_buffer_size()
        if size and self._send_timer is None:
            self._send_deadline = self.loop.time() + self.send_seconds + size / self.send_rate
            self._send_timer = self.loop.call_later(_SEND_INTERVAL, self._check_unsent)
            self.limits.set_unsent(self, size)

    def _check_unsent(self) -> None:
        size = self.transport.get_write_buffer_size()
        if size and self.loop.time() > self._send_deadline:
            self.abort()
            return
        self._send_timer = None
        self.limits.set_unsent(self, size)
        if size:
            self._send_timer = self.loop.call_later(_SEND_INTERVAL, self._check_unsent)
