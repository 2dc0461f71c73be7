"""Child processes with limits of time, memory and output, for work that may crash or never end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any

from ganport_runtime.values import sanitize

_MAX_OUTPUT = 2**20


def python_module(name: str) -> tuple[str, ...]:
    """Return the command that runs a module; -P ignores modules of the working directory."""
    return (sys.executable, "-P", "-m", name)


@dataclass(frozen=True)
class ChildResult:
    """The JSON objects that a child printed, one per line, and why it failed, if it did."""

    answers: list[dict[str, Any]]
    failure: str = ""
    timed_out: bool = False


def run_child(command: Sequence[str], timeout: float) -> ChildResult:
    """Run a command for at most `timeout` seconds; lines that are no JSON object are ignored.

    At most 1 MiB of its output is read.
    """
    paths = os.pathsep.join(path for path in sys.path if path)
    with subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": paths},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as child:
        output: list[bytes] = []
        # A thread, since a child that prints more than is read must still run into the timeout.
        reader = Thread(target=lambda: output.append(_read(child)), daemon=True)
        reader.start()
        timed_out = False
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            child.kill()
            reader.join()
    lines = b"".join(output).decode(errors="replace").splitlines()
    answers = [value for value in map(_parse, lines) if isinstance(value, dict)]
    if timed_out:
        return ChildResult(answers, f"no answer in {timeout:g} seconds", timed_out=True)
    is_complete = child.returncode == 0 and answers
    return ChildResult(answers, "" if is_complete else _describe_exit(child.returncode, lines))


def limit_resources(memory: int, seconds: float) -> None:
    """Limit this process to `memory` bytes of data and `seconds` on every core, without files.

    A limit of memory exists on Linux only, the others on every POSIX system. On Windows nothing
    is limited: there the timeout of `run_child` is the only bound.
    """
    if sys.platform == "win32":
        return
    import resource

    # torch asks for this folder while it loads an ExportedProgram. Python finds it by writing to
    # it, and remembers it.
    with suppress(FileNotFoundError):
        tempfile.gettempdir()
    cores = os.cpu_count() or 1
    limits = {
        resource.RLIMIT_DATA: memory,
        resource.RLIMIT_CPU: int(seconds * cores) + 1,
        resource.RLIMIT_FSIZE: 0,  # may not write to any file
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in limits.items():
        hard = resource.getrlimit(kind)[1]
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (allowed, allowed))


def _read(child: subprocess.Popen[bytes]) -> bytes:
    assert child.stdout is not None
    return child.stdout.read(_MAX_OUTPUT)


def _parse(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _describe_exit(code: int, lines: Sequence[str]) -> str:
    if code < 0:
        return f"the process was killed by {signal.Signals(-code).name}"
    return sanitize(lines[-1], 300) if code and lines else f"exit code {code}"
