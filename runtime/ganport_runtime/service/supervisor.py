"""One service in several processes that share a socket."""

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

_TICK = 0.5
# A process that ends sooner than this, in seconds, would end again.
_SOON = 10.0


def supervise(work: Callable[[], None], number: int) -> None:
    """Run `work`, which can be pickled, in `number` processes until SIGTERM or SIGINT.

    Each of them gets SIGTERM then; one that ends before is replaced. Raises `GanportError` when
    one ends as soon as it was started.
    """
    with tempfile.TemporaryDirectory(prefix="ganport-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        crew = _Crew(work)
        handlers = {sig: signal.signal(sig, crew.stop) for sig in (signal.SIGTERM, signal.SIGINT)}
        try:
            crew.watch(number)
        finally:
            crew.stop()
            crew.join()
            for sig, handler in handlers.items():
                signal.signal(sig, handler)
            del os.environ[FOLDER_VARIABLE]


class _Crew:
    """Processes that do the same work."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._stopping = False
        self._started: dict[BaseProcess, float] = {}

    def watch(self, number: int) -> None:
        for _ in range(number):
            self._start()
        while not self._stopping:
            wait([process.sentinel for process in self._started], _TICK)
            for process in [p for p in self._started if not p.is_alive()]:
                if not self._stopping:
                    self._replace(process)

    def stop(self, *_: object) -> None:
        self._stopping = True
        for process in self._started:
            process.terminate()

    def join(self) -> None:
        for process in self._started:
            process.join()

    def _replace(self, process: BaseProcess) -> None:
        age = monotonic() - self._started.pop(process)
        if age < _SOON:
            raise GanportError(
                "--workers",
                expected="processes that serve until they are told to end",
                found=f"one that ended after {age:.1f} s with code {process.exitcode}",
                fix="See what it wrote above, or serve in one process.",
            )
        # Else its last levels would be counted for ever.
        mark_process_dead(process.pid)  # type: ignore[no-untyped-call]
        print("warning: a process ended; starting another", file=sys.stderr)
        self._start()

    def _start(self) -> None:
        if self._stopping:
            return
        # Not a fork: onnxruntime's threads would not come along.
        process = multiprocessing.get_context("spawn").Process(target=_guarded, args=(self._work,))
        process.start()
        self._started[process] = monotonic()


def _guarded(work: Callable[[], None]) -> None:
    threading.Thread(target=_follow, daemon=True).start()
    try:
        work()
    except GanportError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _follow() -> None:
    """End with the first process, even when it is killed and cannot say so."""
    if first := multiprocessing.parent_process():
        first.join()
        os.kill(os.getpid(), signal.SIGTERM)
