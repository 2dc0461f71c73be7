"""A service from its socket to its orderly end."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from math import ceil
from time import monotonic
from types import FrameType

import uvicorn

from ganport_runtime.errors import RequestError
from ganport_runtime.service.app import create_app
from ganport_runtime.service.connection import Connection
from ganport_runtime.service.registry import Shelf
from ganport_runtime.service.settings import Settings

_KEEP_ALIVE = 60  # seconds; shorter than a client's own limit and answers would be lost
_TICK = 0.1


def run(
    shelf: Shelf,
    settings: Settings,
    listener: socket.socket,
    started: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT: then `/readyz` says no, what is under way is answered, and
    this returns. A second SIGINT waits no longer.

    `started` is called once requests are taken.
    """
    config = uvicorn.Config(
        create_app(shelf, settings),
        access_log=False,
        http=Connection,
        lifespan="on",
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=ceil(settings.drain),
        timeout_keep_alive=_KEEP_ALIVE,
        ws="none",
    )
    _Server(config, shelf, settings.notice, started).run([listener])


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address, port 0 for any; raises `RequestError` where that cannot be."""
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
    """Where a bound socket is reached, such as http://127.0.0.1:8000."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn's server, but for its end: it says beforehand that it is near, and exits with 0."""

    def __init__(
        self, config: uvicorn.Config, shelf: Shelf, notice: float, started: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._shelf = shelf
        self._notice = notice
        self._on_start = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_start()

    async def main_loop(self) -> None:
        await super().main_loop()
        end = monotonic() + self._notice
        while monotonic() < end and not self.force_exit:
            await asyncio.sleep(_TICK)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._shelf.retire()
        # Unlike uvicorn's, this does not raise the signal again at the end.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
