"""A server as a process: started, measured from outside, stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

_PROC = Path("/proc")
_START, _STOP = 120.0, 10.0


class Server:
    """A process with its children, at work on `port`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def cpu(self) -> float:
        """Seconds of CPU that the processes there are now have used."""
        ticks = 0
        for stat in self._stats():
            ticks += int(stat[11]) + int(stat[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident(self) -> float:
        """Memory held by all the processes, in MiB; what they share counts for each."""
        pages = sum(int(stat[21]) for stat in self._stats())
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def stop(self) -> int:
        """Ask it to end, as a supervisor would, and return its exit code; kill it at last."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_STOP)
        except subprocess.TimeoutExpired:
            return -signal.SIGKILL
        finally:
            _kill(self.process.pid)
            self.process.wait()

    def _stats(self) -> Iterator[list[str]]:
        """Fields 3 and on of /proc/PID/stat of the process and of all below it."""
        stats: dict[int, list[str]] = {}
        for folder in _PROC.iterdir():
            if folder.name.isdigit():
                try:
                    text = (folder / "stat").read_text()
                except OSError:  # it has ended
                    continue
                stats[int(folder.name)] = text.rpartition(") ")[2].split()
        family = {self.process.pid}
        while grown := {pid for pid, stat in stats.items() if int(stat[1]) in family} - family:
            family |= grown
        return (stats[pid] for pid in family if pid in stats)


@contextmanager
def serving(
    command: Sequence[str],
    port: int,
    ready: Callable[[], bool],
    environment: dict[str, str] | None = None,
) -> Iterator[Server]:
    """Run `command` until `ready`; raises `RuntimeError` with its words if it ends before."""
    with TemporaryFile() as words:
        process = subprocess.Popen(
            command,
            env=os.environ | (environment or {}),
            stdout=words,
            stderr=words,
            start_new_session=True,
        )
        server = Server(process, port)
        try:
            if not _becomes(ready, process):
                words.seek(0)
                said = words.read().decode(errors="replace")
                raise RuntimeError(f"{' '.join(command)} did not start:\n{said[-2000:]}")
            yield server
        finally:
            if process.poll() is None:
                server.stop()
            _kill(process.pid)


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _becomes(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + _START
    while not ready():
        if process.poll() is not None or time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
