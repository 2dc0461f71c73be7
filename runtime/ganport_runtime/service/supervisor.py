"""The supervisor: one service in several worker processes that share a socket.

`uvicorn.supervisors.Multiprocess` has no hook for a dead worker, whose gauges must be removed from
the metrics, and its workers survive a parent that is killed.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from time import monotonic

from prometheus_client.multiprocess import mark_process_dead

from ganport_runtime.errors import GanportError
from ganport_runtime.service.metrics import FOLDER_VARIABLE

_POLL_INTERVAL = 0.5
_MIN_LIFETIME = 10.0
"""Seconds; a worker that ends earlier would end again after a restart."""


def supervise(work: Callable[[], None], number: int, min_lifetime: float = _MIN_LIFETIME) -> None:
    """Run `work` in `number` processes until SIGTERM or SIGINT, which all workers then get.

    `work` must be picklable. A worker that ends early is replaced. Raises `GanportError` if a
    worker ends within `min_lifetime` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="ganport-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        pool = _WorkerPool(work, min_lifetime)
        handlers = {sig: signal.signal(sig, pool.stop) for sig in (signal.SIGTERM, signal.SIGINT)}
        try:
            pool.run(number)
        finally:
            pool.stop()
            pool.join()
            for sig, handler in handlers.items():
                signal.signal(sig, handler)
            del os.environ[FOLDER_VARIABLE]


class _WorkerPool:
    """Processes that run the same function."""

    def __init__(self, work: Callable[[], None], min_lifetime: float) -> None:
        self._work = work
        self._min_lifetime = min_lifetime
        self._stopping = False
        self._start_times: dict[BaseProcess, float] = {}

    def run(self, number: int) -> None:
        for _ in range(number):
            self._start()
        while not self._stopping:
            wait([process.sentinel for process in self._start_times], _POLL_INTERVAL)
            for process in [p for p in self._start_times if not p.is_alive()]:
                if not self._stopping:
                    self._replace(process)

    def stop(self, *_: object) -> None:
        self._stopping = True
        for process in self._start_times:
            process.terminate()

    def join(self) -> None:
        for process in self._start_times:
            process.join()

    def _replace(self, process: BaseProcess) -> None:
        lifetime = monotonic() - self._start_times.pop(process)
        if lifetime < self._min_lifetime:
            raise GanportError(
                "--workers",
                expected="processes that serve until a signal",
                found=f"a process that ended after {lifetime:.1f} s with code {process.exitcode}",
                fix="Read its output above, or serve in one process.",
            )
        mark_process_dead(process.pid)  # type: ignore[no-untyped-call]
        print("warning: a worker process ended; starting another", file=sys.stderr)
        self._start()

    def _start(self) -> None:
        if self._stopping:
            return
        # Spawn, because a fork does not copy the threads of onnxruntime.
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_worker_main, args=(self._work,))
        process.start()
        self._start_times[process] = monotonic()


def _worker_main(work: Callable[[], None]) -> None:
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    try:
        work()
    except GanportError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _exit_with_parent() -> None:
    """End this process when its parent ends, even if the parent is killed."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
