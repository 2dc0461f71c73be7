"""A server in a process of its own: start, CPU time, memory, stop."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

_PROC = Path("/proc")
_START_TIMEOUT, _STOP_TIMEOUT = 120.0, 10.0


class ServerProcess:
    """A server process and its children; the server listens at `port`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def cpu_seconds(self) -> float:
        """Return the CPU time of the running processes."""
        ticks = sum(int(stat[11]) + int(stat[12]) for stat in self._read_stats())
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident_mib(self) -> float:
        """Return the resident memory of all processes in MiB; shared pages count repeatedly."""
        return sum(self.resident_parts())

    def resident_parts(self) -> list[float]:
        """Return the resident memory of the process and of each of its children in MiB."""
        page = os.sysconf("SC_PAGE_SIZE") / 2**20
        return [int(stat[21]) * page for stat in self._read_stats()]

    def stop(self, timeout: float = _STOP_TIMEOUT) -> int:
        """Send SIGTERM and return the exit code; kill the process after a timeout."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return -signal.SIGKILL
        finally:
            _kill_group(self.process.pid)
            self.process.wait()

    def _read_stats(self) -> Iterator[list[str]]:
        """Return the fields of /proc/PID/stat after the name: of the process, then its children."""
        stats: dict[int, list[str]] = {}
        for folder in _PROC.iterdir():
            if folder.name.isdigit():
                try:
                    text = (folder / "stat").read_text()
                except OSError:  # the process has ended
                    continue
                stats[int(folder.name)] = text.rpartition(") ")[2].split()
        family = [self.process.pid]
        while new := [
            pid for pid, stat in stats.items() if int(stat[1]) in family and pid not in family
        ]:
            family += new
        return (stats[pid] for pid in family if pid in stats)


@contextmanager
def run_server(
    command: Sequence[str], port: int, is_ready: Callable[[], bool], environment: Mapping[str, str]
) -> Iterator[ServerProcess]:
    """Run `command` and wait until `is_ready`; raises `RuntimeError` with its output otherwise."""
    with TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        server = ServerProcess(process, port)
        try:
            if not _wait_until_ready(is_ready, process):
                output.seek(0)
                text = output.read().decode(errors="replace")
                raise RuntimeError(f"{' '.join(command)} did not start:\n{text[-2000:]}")
            yield server
        finally:
            if process.poll() is None:
                server.stop()
            _kill_group(process.pid)


def find_free_port() -> int:
    """Return a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_until_ready(is_ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _START_TIMEOUT
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
