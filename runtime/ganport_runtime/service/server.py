"""The server: its socket, its connections and its shutdown."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from math import ceil
from time import monotonic
from types import FrameType
from typing import ClassVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ganport_runtime.errors import RequestError
from ganport_runtime.service.app import create_app
from ganport_runtime.service.registry import ModelRegistry
from ganport_runtime.service.settings import Settings

_KEEP_ALIVE = 60
"""Seconds; a shorter limit than that of a client would lose its requests."""
_POLL_INTERVAL = 0.1


def run(
    registry: ModelRegistry,
    settings: Settings,
    listener: socket.socket,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT, finish the open requests and return.

    After the signal `/readyz` reports not ready. A second SIGINT ends the wait. `on_ready` is
    called when the server accepts requests.
    """
    config = uvicorn.Config(
        create_app(registry, settings),
        access_log=False,
        http=HeaderLimitProtocol,
        lifespan="on",
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=ceil(settings.shutdown_timeout),
        timeout_keep_alive=_KEEP_ALIVE,
        ws="none",
    )
    _Server(config, registry, settings.shutdown_delay, on_ready).run([listener])


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket, port 0 for any free port; raises `RequestError` if that fails."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except BaseException:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:
        raise RequestError(
            f"{host}:{port}",
            expected="an address to listen at",
            found=getattr(error, "strerror", None) or str(error),
            fix="Choose another --host or --port.",
        ) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the URL of a bound socket, such as http://127.0.0.1:8000."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class HeaderLimitProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with limits on the time and the size of a request header.

    uvicorn limits neither: its keep-alive timeout ends with the first byte of a request, and
    httptools stores any number of headers. The size of a body is limited by the middleware.
    """

    max_seconds: ClassVar[float] = 70.0
    """Seconds from the connection or the last response to the end of a header. The value exceeds
    the keep-alive timeout, so that a request that starts at its end has time left."""
    max_bytes: ClassVar[int] = 1 << 16
    """Received bytes that neither end a header nor belong to a body; trailers count."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer of the connection."""
        super().connection_made(transport)
        self._header_bytes = 0
        self._header_start = self.loop.time()
        self._timer = self.loop.call_later(self.max_seconds, self._check_time)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer of the connection."""
        self._timer.cancel()
        super().connection_lost(exc)

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

    def on_response_complete(self) -> None:
        """Restart the time limit for the next header."""
        self._header_start = self.loop.time()
        super().on_response_complete()

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


class _Server(uvicorn.Server):
    """uvicorn's server with a delayed shutdown and exit code 0 after a signal."""

    def __init__(
        self,
        config: uvicorn.Config,
        registry: ModelRegistry,
        shutdown_delay: float,
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._registry = registry
        self._shutdown_delay = shutdown_delay
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def main_loop(self) -> None:
        await super().main_loop()
        end = monotonic() + self._shutdown_delay
        while monotonic() < end and not self.force_exit:
            await asyncio.sleep(_POLL_INTERVAL)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._registry.start_draining()
        # uvicorn would raise the signal again after the shutdown; the exit code must be 0.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
