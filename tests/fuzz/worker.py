"""Run mutations of one kind: `python worker.py KIND FIRST COUNT` prints an object for each case.

A case that takes more than 5 seconds of CPU time ends the process, and one that takes more than
1 GB fails. Everything but a `GanportError` is a failure.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random

import targets

from ganport_runtime.errors import GanportError

SECONDS, BYTES = 5.0, 10**9


def run_case(case: Callable[[Random, Path], None], name: str) -> str:
    """Return what is wrong with a case, "" for nothing."""
    with tempfile.TemporaryDirectory(prefix="ganport-fuzz-") as folder:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            case(Random(name), Path(folder))
        except GanportError as error:
            return "" if str(error).isprintable() else f"an error that cannot be printed: {error!r}"
        except Exception as error:
            places = traceback.extract_tb(error.__traceback__)[-3:]
            trace = " < ".join(f"{place.filename}:{place.lineno}" for place in reversed(places))
            return f"{type(error).__name__}: {str(error)[:300]!r} at {trace}"
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    return ""


def limit_memory() -> None:
    """Limit the memory of this process to 1 GB more than it has now (on Linux)."""
    if sys.platform == "linux":
        import resource

        status = Path("/proc/self/status").read_text(encoding="ascii")
        used = next(int(line.split()[1]) for line in status.splitlines() if "VmData" in line)
        resource.setrlimit(resource.RLIMIT_DATA, (1024 * used + BYTES,) * 2)


def main(kind: str, first: int, count: int) -> None:
    """Run `count` cases of a kind, from number `first`."""
    warnings.simplefilter("ignore")
    case = targets.prepare(kind)
    limit_memory()
    for number in range(first, first + count):
        print(json.dumps({"case": number}), flush=True)
        if failure := run_case(case, f"{kind} {number}"):
            print(json.dumps({"case": number, "failure": failure}), flush=True)
    print(json.dumps({"completed": count}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
