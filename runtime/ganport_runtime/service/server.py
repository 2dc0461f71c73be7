"""The server: its socket, its shutdown and the replacement of its bundles."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from math import ceil
from multiprocessing import parent_process
from threading import Lock, Thread, current_thread, main_thread
from time import monotonic
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from ganport_runtime.errors import GanportError
from ganport_runtime.service.app import create_app
from ganport_runtime.service.connections import LimitedProtocol, PeerLimits
from ganport_runtime.service.metrics import LogLimit, ServiceMetrics
from ganport_runtime.service.registry import ModelRegistry
from ganport_runtime.service.settings import Settings
from ganport_runtime.service.workers import REJECT_SECONDS, ignore_new_connections

_log = logging.getLogger("ganport.service")
_KEEP_ALIVE = 60
"""Seconds; a shorter limit than that of a client would lose its requests."""
_POLL_INTERVAL = 0.1
_HANDSHAKE_SECONDS = 0.2
"""Seconds to accept the connections that begin before new ones are ignored."""


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
        self._listeners = sockets or []
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
        await self._wait(self._shutdown_delay)
        # Requests that are on their way get a 503: a closed socket would reset their connections.
        self._registry.start_rejecting()
        await self._wait(REJECT_SECONDS)
        if parent_process() is None:  # a worker may end alone, and the others serve its port
            for listener in self._listeners:
                ignore_new_connections(listener)
        await self._wait(_HANDSHAKE_SECONDS)

    async def _wait(self, seconds: float) -> None:
        end = monotonic() + seconds
        while monotonic() < end and not self.force_exit:
            await asyncio.sleep(_POLL_INTERVAL)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port, and reject the requests of connections that are already open."""
        listeners = sockets or []
        accepted = _accept_waiting(listeners, self.config.backlog)
        for server in self.servers:
            server.close()
        for listener in listeners:
            listener.close()
        loop = asyncio.get_running_loop()
        for connection in accepted:
            await loop.connect_accepted_socket(self._create_protocol, connection)
        end = monotonic() + REJECT_SECONDS
        while self._has_new_connections and monotonic() < end and not self.force_exit:
            await asyncio.sleep(_POLL_INTERVAL / 10)
        await super().shutdown()

    def _create_protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    @property
    def _has_new_connections(self) -> bool:
        connections = self.server_state.connections
        return any(getattr(connection, "cycle", None) is None for connection in connections)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._registry.start_draining()
        # uvicorn would raise the signal again after the shutdown; the exit code must be 0.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def _accept_waiting(listeners: list[socket.socket], limit: int) -> list[socket.socket]:
    """Accept the connections that wait in the kernel, which resets them when the port closes."""
    accepted: list[socket.socket] = []
    for listener in listeners:
        listener.setblocking(False)
        with suppress(OSError):  # none is left
            while len(accepted) < limit:
                connection, _ = listener.accept()
                connection.setblocking(False)
                accepted.append(connection)
    return accepted
