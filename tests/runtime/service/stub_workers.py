"""Functions of worker and helper processes for tests; a process imports them by name."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path


def serve(on_ready: Callable[[], None], folder: str = "") -> None:
    """Report that the worker serves, leave a file with its process ID, and sleep."""
    on_ready()
    if folder:
        (Path(folder) / str(os.getpid())).touch()
    time.sleep(100.0)


def fail(on_ready: Callable[[], None], code: int) -> None:
    """End before the worker serves."""
    sys.exit(code)


def length(data: bytes, factor: int) -> int:
    return factor * len(data)


def sleep(data: bytes, seconds: float) -> int:
    time.sleep(seconds)
    return 0


def end(data: bytes) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def allocate(data: bytes, size: int) -> int:
    return len(bytearray(size))


def process_id(data: bytes) -> int:
    return os.getpid()


def niceness(data: bytes) -> int:
    return os.nice(0)
