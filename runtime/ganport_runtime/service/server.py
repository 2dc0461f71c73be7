"""The server: its socket, its connections and its shutdown."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from math import ceil
from threading import Lock, Thread, current_thread, main_thread
from time import monotonic
from types import FrameType
from typing import ClassVar

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ganport_runtime.errors import GanportError
from ganport_runtime.service.app import create_app
from ganport_runtime.service.metrics import LogLimit, ServiceMetrics
from ganport_runtime.service.registry import ModelRegistry
from ganport_runtime.service.settings import Settings

_log = logging.getLogger("ganport.service")
_KEEP_ALIVE = 60
"""Seconds; a shorter limit than that of a client would lose its requests."""
_POLL_INTERVAL = 0.1
_REJECT_SECONDS = 0.5
"""Seconds in which new requests are rejected before the sockets are closed."""
_SEND_INTERVAL = 0.25
"""Seconds between looks at the unsent bytes of a slow client."""


def run(
    registry: ModelRegistry,
    settings: Settings,
    listener: socket.socket,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT, finish the open requests and return.

    After the signal `/readyz` reports not ready. A second SIGINT ends the wait. SIGHUP replaces the
    bundles by those at their paths. `on_ready` is called when the server accepts requests, and
    after each replacement.
    """
    app = create_app(registry, settings)
    limits = PeerLimits(settings.max_connections, settings.max_sending)
    for name in ("asyncio", "ganport.service", "uvicorn.error"):
        logging.getLogger(name).addFilter(LogLimit())
    config = uvicorn.Config(
        app,
        access_log=False,
        http=type("_Protocol", (LimitedProtocol,), {"limits": limits}),
        lifespan="on",
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=ceil(settings.shutdown_timeout),
        timeout_keep_alive=_KEEP_ALIVE,
        ws="none",
    )
    _Server(config, app, settings.shutdown_delay, on_ready).run([listener])


class PeerLimits:
    """The limits that all connections of a process share."""

    def __init__(self, max_connections: int, max_sending: int) -> None:
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
    httptools stores any number of headers, and a response waits for its client without end. The
    size of a body is limited by the middleware.
    """

    limits: ClassVar[PeerLimits] = PeerLimits(1 << 16, 1 << 30)
    max_seconds: ClassVar[float] = 70.0
    """Seconds from the connection or the last response to the end of a header. The value exceeds
    the keep-alive timeout, so that a request that starts at its end has time left."""
    max_bytes: ClassVar[int] = 1 << 16
    """Received bytes that neither end a header nor belong to a body; trailers count."""
    send_seconds: ClassVar[float] = 10.0
    """Seconds for a client to take a response, in addition to those of `send_rate`."""
    send_rate: ClassVar[float] = 65536.0
    """Bytes per second that a client must take."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer of the connection."""
        super().connection_made(transport)
        self._header_bytes = 0
        self._header_start = self.loop.time()
        self._timer = self.loop.call_later(self.max_seconds, self._check_time)
        self._send_timer: asyncio.TimerHandle | None = None
        self.limits.wait_for(self)
        self.limits.admit(len(self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers of the connection."""
        self._timer.cancel()
        if self._send_timer:
            self._send_timer.cancel()
        self.limits.remove(self)
        super().connection_lost(exc)

    def abort(self) -> None:
        """Close the connection at once and drop what is unsent."""
        self.limits.remove(self)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Process bytes and close the connection above the size limit."""
        self._header_bytes += len(data)
        super().data_received(data)
        if self._header_bytes > self.max_bytes and not self.transport.is_closing():
            if self._responding:
                self.transport.close()
            else:
                self.send_400_response(f"A header of more than {self.max_bytes} bytes.")

    def on_headers_complete(self) -> None:
        """Reset the byte count."""
        self._header_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Reset the byte count."""
        self._header_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the service no longer waits for the client."""
        self.limits.begin_response(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Restart the time limit for the next header, and start the one of the response."""
        self._header_start = self.loop.time()
        self._watch_unsent()
        if not self.pipeline:
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


class _Server(uvicorn.Server):
    """uvicorn's server with a delayed shutdown, exit code 0 after a signal, and SIGHUP."""

    def __init__(
        self,
        config: uvicorn.Config,
        app: Starlette,
        shutdown_delay: float,
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._registry: ModelRegistry = app.state.registry
        self._metrics: ServiceMetrics = app.state.metrics
        self._reloading = Lock()
        self._shutdown_delay = shutdown_delay
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if hasattr(signal, "SIGHUP") and current_thread() is main_thread():
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGHUP, self._start_reload, loop)
        self._on_ready()

    def _start_reload(self, loop: asyncio.AbstractEventLoop) -> None:
        # A daemon thread, because a shutdown must not wait for a bundle that is loaded.
        Thread(target=self._reload, args=(loop,), daemon=True).start()

    def _reload(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._reloading:
            try:
                self._registry.reload()
            except (GanportError, OSError) as error:
                _log.warning("the bundles were not replaced: %s", error)
                return
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(self._finish_reload)

    def _finish_reload(self) -> None:
        self._metrics.refresh()
        self._on_ready()

    async def main_loop(self) -> None:
        await super().main_loop()
        end = monotonic() + self._shutdown_delay
        while monotonic() < end and not self.force_exit:
            await asyncio.sleep(_POLL_INTERVAL)
        # Requests that are on their way get a 503: a closed socket would reset their connections.
        self._registry.start_rejecting()
        end = monotonic() + _REJECT_SECONDS
        while monotonic() < end and not self.force_exit:
            await asyncio.sleep(_POLL_INTERVAL)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._registry.start_draining()
        # uvicorn would raise the signal again after the shutdown; the exit code must be 0.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
