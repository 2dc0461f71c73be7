"""Helper processes: they process what clients upload, and can be ended at any time."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from weakref import finalize

import msgspec

from ganport_runtime.errors import GanportError, RequestError
from ganport_runtime.service.responses import BodyError, TooLargeError
from ganport_runtime.service.settings import METRICS_VARIABLE

_HELPER = "from ganport_runtime.service.helpers import run_helper; run_helper()"
_SUCCESS, _FAILURE = b"1", b"0"
_REQUEST_ERRORS = {kind.__name__: kind for kind in (RequestError, BodyError, TooLargeError)}
Result = TypeVar("Result")


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
        self, kind: type[Result], function: Callable[..., Result], *arguments: object
    ) -> Result:
        """Return the result of `function(*arguments)` in a helper.

        The function is importable and the arguments are picklable. The result, of type
        `kind`, is read as MessagePack: a decoder that a client took over must not control this
        process. Cancellation kills the helper. Raises the `RequestError` of the function, and a
        `RequestError` if the helper runs out of memory or crashes.
        """
        async with self._slots:
            while self._idle and not self._idle[-1].alive:
                self._idle.pop()
            helper = self._idle.pop() if self._idle else _Helper(self._memory, self._niceness)
            self._busy.add(helper)
            try:
                reply = await asyncio.to_thread(helper.call, function, arguments)
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
        name, *parts = msgspec.msgpack.decode(content, type=tuple[str, str, str, str, str])
        raise _REQUEST_ERRORS.get(name, RequestError)(*parts)

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

    def call(self, function: Callable[..., object], arguments: tuple[object, ...]) -> bytes:
        """Return the reply to a call; raises `EOFError` or `OSError` if the process ends."""
        assert self._process.stdin and self._process.stdout
        try:
            pickle.dump((function, arguments), self._process.stdin, protocol=5)
            self._process.stdin.flush()
            size = int.from_bytes(self._process.stdout.read(8))
            reply = self._process.stdout.read(size)
            if not reply or len(reply) < size:
                raise EOFError
            return reply
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
    with suppress(EOFError, pickle.UnpicklingError):  # the service ended, also during a call
        while True:
            reply = _reply(*pickle.load(sys.stdin.buffer))
            replies.write(len(reply).to_bytes(8))
            replies.write(reply)
            replies.flush()


def _reply(function: Callable[..., object], arguments: tuple[Any, ...]) -> bytes:
    try:
        return _SUCCESS + msgspec.msgpack.encode(function(*arguments))
    except MemoryError:
        error: GanportError = _crash_error("data that needs more memory")
    except GanportError as raised:
        error = raised
    failure = (type(error).__name__, error.place, error.expected, error.found, error.fix)
    return _FAILURE + msgspec.msgpack.encode(failure)


def _crash_error(found: str) -> RequestError:
    return RequestError("body", "data that can be decoded", found, "Send other data.")


def _limit_memory(size: int) -> None:
    with suppress(ImportError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
