"""Child processes: workers that serve, and helpers that process what clients upload."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from time import monotonic
from typing import Any, BinaryIO, TypeVar
from weakref import finalize

import msgspec

from ganport_runtime.errors import GanportError, RequestError
from ganport_runtime.service.responses import BodyError, TooLargeError
from ganport_runtime.service.settings import METRICS_VARIABLE

_POLL_INTERVAL = 0.1
_MIN_LIFETIME = 10.0
"""Seconds; a worker that ends earlier may end again, so its replacement waits."""
_FIRST_DELAY, _MAX_DELAY = 0.5, 30.0
"""Seconds before a worker that ended early is replaced; the delay doubles each time."""
_HELPER = "from ganport_runtime.service.processes import run_helper; run_helper()"
_LENGTH = struct.Struct("<Q")
_SUCCESS, _FAILURE = b"1", b"0"
_REQUEST_ERRORS = {kind.__name__: kind for kind in (RequestError, BodyError, TooLargeError)}
Buffer = bytes | bytearray | memoryview
Work = Callable[[Callable[[], None]], None]
"""The function of a worker; it calls its argument when it serves."""
Result = TypeVar("Result")


def supervise(work: Work, number: int, min_lifetime: float = _MIN_LIFETIME) -> None:
    """Run `work` in `number` processes until SIGTERM or SIGINT, which all workers then get.

    `work` must be picklable. A worker that ends is replaced, after a delay if it ended within
    `min_lifetime` seconds. Raises `GanportError` if all workers ended before one served.
    """
    with tempfile.TemporaryDirectory(prefix="ganport-") as folder:
        os.environ[METRICS_VARIABLE] = folder
        pool = _WorkerPool(work, min_lifetime)
        handlers = {sig: signal.signal(sig, pool.stop) for sig in (signal.SIGTERM, signal.SIGINT)}
        try:
            pool.run(number)
        finally:
            pool.stop()
            pool.join()
            for sig, handler in handlers.items():
                signal.signal(sig, handler)
            del os.environ[METRICS_VARIABLE]


class _WorkerPool:
    """Processes that run the same function.

    `uvicorn.supervisors.Multiprocess` has no hook for a dead worker, whose gauges must be removed
    from the metrics, and its workers survive a parent that is killed.
    """

    def __init__(self, work: Work, min_lifetime: float) -> None:
        # Spawn, because a fork does not copy the threads of onnxruntime.
        self._context = multiprocessing.get_context("spawn")
        self._work = work
        self._min_lifetime = min_lifetime
        self._served = self._context.Event()
        self._stopping = False
        self._early_ends = 0
        self._start_times: dict[BaseProcess, float] = {}
        self._restarts: list[float] = []

    def run(self, number: int) -> None:
        self._restarts = [monotonic()] * number
        while not self._stopping:
            due = [time for time in self._restarts if time <= monotonic()]
            self._restarts = [time for time in self._restarts if time not in due]
            for _ in due:
                self._start()
            wait([process.sentinel for process in self._start_times], _POLL_INTERVAL)
            for process in [p for p in self._start_times if not p.is_alive()]:
                if not self._stopping:
                    self._schedule_restart(process)

    def stop(self, *_: object) -> None:
        self._stopping = True
        for process in self._start_times:
            process.terminate()

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
        from prometheus_client.multiprocess import mark_process_dead  # helpers do not need it

        mark_process_dead(process.pid)  # type: ignore[no-untyped-call]
        self._early_ends = self._early_ends + 1 if lifetime < self._min_lifetime else 0
        delay = min(_MAX_DELAY, _FIRST_DELAY * 2.0 ** (self._early_ends - 1))
        self._restarts.append(now + (delay if self._early_ends else 0.0))
        print("warning: a worker process ended; starting another", file=sys.stderr)

    def _start(self) -> None:
        if self._stopping:
            return
        process = self._context.Process(target=_worker_main, args=(self._work, self._served))
        process.start()
        self._start_times[process] = monotonic()


def _worker_main(work: Work, served: Any) -> None:
    threading.Thread(target=_exit_with_parent, daemon=True).start()
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


class _Failure(msgspec.Struct):
    """A `GanportError` that a helper returns."""

    kind: str
    place: str
    expected: str
    found: str
    fix: str


class HelperPool:
    """Processes that run functions on data from clients and can be ended at any time.

    At most `size` functions run at once. A helper may allocate `memory` bytes.
    """

    def __init__(self, size: int, memory: int) -> None:
        self._memory = memory
        self._slots = asyncio.Semaphore(size)
        self._idle: list[_Helper] = []
        self._busy: set[_Helper] = set()

    async def run(
        self, kind: type[Result], function: Callable[..., Result], data: Buffer, *arguments: object
    ) -> Result:
        """Return the result of `function(data, *arguments)` in a helper.

        The function is importable and gets bytes; `arguments` are picklable. The result, of type
        `kind`, is read as MessagePack: a decoder that a client took over must not control this
        process. Cancellation kills the helper. Raises the `RequestError` of the function, and a
        `RequestError` if the helper runs out of memory or crashes.
        """
        async with self._slots:
            while self._idle and not self._idle[-1].alive:
                self._idle.pop()
            helper = self._idle.pop() if self._idle else _Helper(self._memory)
            self._busy.add(helper)
            try:
                call = pickle.dumps((function, arguments))
                reply = await asyncio.to_thread(helper.call, call, data)
            except BaseException as error:
                helper.kill()
                if isinstance(error, EOFError | OSError):
                    raise _crash_error("data that ended its decoder") from error
                raise
            finally:
                self._busy.discard(helper)
            self._idle.append(helper)
        content = memoryview(reply)[1:]
        if reply[:1] == _SUCCESS:
            return msgspec.msgpack.decode(content, type=kind)
        failure = msgspec.msgpack.decode(content, type=_Failure)
        error_kind = _REQUEST_ERRORS.get(failure.kind, RequestError)
        raise error_kind(failure.place, failure.expected, failure.found, failure.fix)

    def close(self) -> None:
        """Kill all helpers."""
        for helper in (*self._idle, *self._busy):
            helper.kill()
        self._idle.clear()


class _Helper:
    """One helper process."""

    def __init__(self, memory: int) -> None:
        # One thread each: the pool runs as many helpers as there are cores.
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment.pop(METRICS_VARIABLE, None)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _HELPER, str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        finalize(self, _end_process, self._process)

    def call(self, request: bytes, data: Buffer) -> bytes:
        """Return the reply to a request; raises `EOFError` or `OSError` if the process ends."""
        assert self._process.stdin and self._process.stdout
        _write_frame(self._process.stdin, request)
        _write_frame(self._process.stdin, data)
        return _read_frame(self._process.stdout)

    @property
    def alive(self) -> bool:
        """Return whether the process runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()


def _end_process(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):  # of data that the process did not read
            assert pipe
            pipe.close()


def run_helper() -> None:
    """Answer requests from standard input until it ends; this is the main function of a helper."""
    # A signal to the whole group must not end requests that the service still finishes.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _limit_memory(int(sys.argv[1]))
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the replies
    with suppress(EOFError):
        while True:
            request, data = _read_frame(sys.stdin.buffer), _read_frame(sys.stdin.buffer)
            _write_frame(replies, _reply(request, data))


def _reply(request: bytes, data: bytes) -> bytes:
    try:
        function, arguments = pickle.loads(request)
        return _SUCCESS + msgspec.msgpack.encode(function(data, *arguments))
    except MemoryError:
        error: GanportError = _crash_error("data that needs more memory")
    except GanportError as raised:
        error = raised
    failure = _Failure(type(error).__name__, error.place, error.expected, error.found, error.fix)
    return _FAILURE + msgspec.msgpack.encode(failure)


def _crash_error(found: str) -> RequestError:
    return RequestError("body", "data that can be decoded", found, "Send other data.")


def _limit_memory(size: int) -> None:
    with suppress(ImportError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def _write_frame(stream: BinaryIO | Any, data: Buffer) -> None:
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def _read_frame(stream: BinaryIO | Any) -> bytes:
    (length,) = _LENGTH.unpack(_read_exactly(stream, _LENGTH.size))
    return _read_exactly(stream, length)


def _read_exactly(stream: BinaryIO | Any, size: int) -> bytes:
    data: bytes = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data
