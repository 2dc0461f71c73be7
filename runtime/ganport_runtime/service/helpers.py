"""Helper processes: they process what clients upload, and can be ended at any time."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, TypeVar
from weakref import finalize

import msgspec

from ganport_runtime.errors import GanportError, RequestError
from ganport_runtime.service.responses import BodyError, TooLargeError
from ganport_runtime.service.settings import METRICS_VARIABLE

_HELPER = "from ganport_runtime.service.helpers import run_helper; run_helper()"
_LENGTH = struct.Struct("<Q")
_SUCCESS, _FAILURE = b"1", b"0"
_REQUEST_ERRORS = {kind.__name__: kind for kind in (RequestError, BodyError, TooLargeError)}
Buffer = bytes | bytearray | memoryview
Result = TypeVar("Result")


class _Failure(msgspec.Struct):
    """A `GanportError` that a helper returns."""

    kind: str
    place: str
    expected: str
    found: str
    fix: str


class HelperPool:
    """Processes that run functions on data from clients and can be ended at any time.

    At most `size` functions run at once. A helper may allocate `memory` bytes. Its priority is
    lower than that of this process by `niceness` (POSIX).
    """

    def __init__(self, size: int, memory: int, niceness: int = 0) -> None:
        self._memory = memory
        self._niceness = niceness
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
            helper = self._idle.pop() if self._idle else self._start_helper()
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

    def _start_helper(self) -> _Helper:
        return _Helper(self._memory, self._niceness)

    def close(self) -> None:
        """Kill all helpers."""
        for helper in (*self._idle, *self._busy):
            helper.kill()
        self._idle.clear()


class _Helper:
    """One helper process."""

    def __init__(self, memory: int, niceness: int) -> None:
        # One thread each: the pool runs as many helpers as there are cores.
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment.pop(METRICS_VARIABLE, None)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _HELPER, str(memory), str(niceness)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        finalize(self, _end_process, self._process)

    def call(self, request: bytes, data: Buffer) -> bytes:
        """Return the reply to a request; raises `EOFError` or `OSError` if the process ends."""
        assert self._process.stdin and self._process.stdout
        try:
            _write_frame(self._process.stdin, request)
            _write_frame(self._process.stdin, data)
            return _read_frame(self._process.stdout)
        except (EOFError, OSError):
            self._process.kill()
            self._process.wait()
            raise

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
    memory, niceness = map(int, sys.argv[1:3])
    _limit_memory(memory)
    if hasattr(os, "nice"):
        os.nice(niceness)
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
