"""The port of a service, and the worker processes that share it."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from time import monotonic
from typing import Any

from prometheus_client.multiprocess import mark_process_dead

from ganport_runtime.errors import GanportError, RequestError
from ganport_runtime.service.settings import METRICS_VARIABLE

_POLL_INTERVAL = 0.1
_MIN_LIFETIME = 10.0
"""Seconds; a worker that ends earlier may end again, so its replacement waits."""
_FIRST_DELAY, _MAX_DELAY = 0.5, 30.0
"""Seconds before a worker that ended early is replaced; the delay doubles each time."""
REJECT_SECONDS = 0.5
"""Seconds in which new requests are rejected before new connections are ignored."""
_SO_ATTACH_FILTER = 26
_DROP_SYN = (  # load the TCP flags, mask SYN and ACK, drop a packet that has SYN alone, or keep it
    (0x30, 0, 0, 13),
    (0x54, 0, 0, 0x12),
    (0x15, 0, 1, 0x02),
    (0x06, 0, 0, 0),
    (0x06, 0, 0, 0xFFFFFFFF),
)
"""A program of the Linux socket filter: code, jump if true, jump if false, constant."""
Work = Callable[[Callable[[], None]], None]
"""The function of a worker; it calls its argument when it serves."""


def supervise(
    work: Work,
    number: int,
    min_lifetime: float = _MIN_LIFETIME,
    on_stop: Callable[[], None] = lambda: None,
) -> None:
    """Run `work` in `number` processes until SIGTERM or SIGINT, which all workers then get.

    They also get each SIGHUP.
    `work` must be picklable. `on_stop` is called when the workers stop. A worker that ends is
    replaced, after a delay if it ended within `min_lifetime` seconds. Raises `GanportError` if all
    workers ended before one served.
    """
    with tempfile.TemporaryDirectory(prefix="ganport-") as folder:
        os.environ[METRICS_VARIABLE] = folder
        pool = _WorkerPool(work, min_lifetime, on_stop)
        handlers = {sig: signal.signal(sig, pool.stop) for sig in (signal.SIGTERM, signal.SIGINT)}
        if hasattr(signal, "SIGHUP"):
            handlers[signal.SIGHUP] = signal.signal(signal.SIGHUP, pool.forward)
        try:
            pool.run(number)
        finally:
            pool.stop()
            pool.join()
            for sig, handler in handlers.items():
                signal.signal(sig, handler)
            del os.environ[METRICS_VARIABLE]


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


def ignore_new_connections(listener: socket.socket) -> None:
    """Let Linux drop requests for new connections, in all processes that share the port.

    When a port closes, the kernel resets the connections that are not accepted yet. Without new
    ones, the processes can accept all before they close it. A client whose request is dropped
    repeats it after a second, and its connection is refused. Does nothing on other systems.
    """
    if sys.platform == "linux":
        code = b"".join(struct.pack("=HBBI", *instruction) for instruction in _DROP_SYN)
        memory = ctypes.create_string_buffer(code, len(code))
        program = struct.pack("@HP", len(_DROP_SYN), ctypes.addressof(memory))
        with suppress(OSError):  # a system that forbids filters
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def close_port(listener: socket.socket, delay: float) -> None:
    """Close a port that other processes serve, after `delay` seconds and the rejections."""

    def close() -> None:
        ignore_new_connections(listener)
        listener.close()

    timer = threading.Timer(delay + REJECT_SECONDS, close)
    timer.daemon = True
    timer.start()


def address_of(listener: socket.socket) -> str:
    """Return the URL of a bound socket, such as http://127.0.0.1:8000."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _WorkerPool:
    """Processes that run the same function.

    `uvicorn.supervisors.Multiprocess` has no hook for a dead worker, whose gauges must be removed
    from the metrics, and its workers survive a parent that is killed.
    """

    def __init__(self, work: Work, min_lifetime: float, on_stop: Callable[[], None]) -> None:
        # Spawn, because a fork does not copy the threads of onnxruntime.
        self._context = multiprocessing.get_context("spawn")
        self._work = work
        self._min_lifetime = min_lifetime
        self._on_stop = on_stop
        self._served = self._context.Event()
        self._stopping = False
        self._early_ends = 0
        self._start_times: dict[BaseProcess, float] = {}
        self._restarts: list[float] = []

    def run(self, number: int) -> None:
        for _ in range(number):
            self._start()
        while not self._stopping:
            if self._served.is_set():  # otherwise the next workers would fail too
                self._start_due()
            wait([process.sentinel for process in self._start_times], _POLL_INTERVAL)
            for process in [p for p in self._start_times if not p.is_alive()]:
                if not self._stopping:
                    self._schedule_restart(process)

    def stop(self, *_: object) -> None:
        self._stopping = True
        self._on_stop()
        for process in self._start_times:
            process.terminate()

    def forward(self, number: int, frame: object) -> None:
        for process in self._start_times:
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, number)

    def join(self) -> None:
        for process in self._start_times:
            process.join()

    def _schedule_restart(self, process: BaseProcess) -> None:
        now = monotonic()
        lifetime = now - self._start_times.pop(process)
        if not self._start_times and not self._served.is_set():
            raise GanportError(
                "--workers",
                expected="processes that serve until a signal",
                found=f"a process that ended after {lifetime:.1f} s with code {process.exitcode}",
                fix="Read its output above, or serve in one process.",
            )
        mark_process_dead(process.pid)  # type: ignore[no-untyped-call]
        self._early_ends = self._early_ends + 1 if lifetime < self._min_lifetime else 0
        delay = min(_MAX_DELAY, _FIRST_DELAY * 2.0 ** (self._early_ends - 1))
        self._restarts.append(now + (delay if self._early_ends else 0.0))
        print("warning: a worker process ended; starting another", file=sys.stderr)

    def _start_due(self) -> None:
        now = monotonic()
        due = [time for time in self._restarts if time <= now]
        self._restarts = [time for time in self._restarts if time > now]
        for _ in due:
            self._start()

    def _start(self) -> None:
        if self._stopping:
            return
        process = self._context.Process(target=_worker_main, args=(self._work, self._served))
        process.start()
        self._start_times[process] = monotonic()


def _worker_main(work: Work, served: Any) -> None:
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    if hasattr(signal, "SIGHUP"):  # which would end a worker that does not handle it yet
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        work(served.set)
    except GanportError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _exit_with_parent() -> None:
    """End this process when its parent ends, even if the parent is killed."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
