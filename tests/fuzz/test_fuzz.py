"""Mutations of everything that comes from outside: `pytest -m fuzz` runs 10,000 of them.

No mutation may end in an exception other than `GanportError`, take more than 5 seconds of CPU time
or more than 1 GB. `python tests/fuzz/worker.py KIND NUMBER 1` repeats one case.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ganport_runtime.child_process import run_child

WORKER = Path(__file__).with_name("worker.py")
KINDS = ("bundle", "graph", "request", "table", "image", "checkpoint")
TOTAL = 10_000
"""Mutations of all kinds; the default suite runs a hundredth."""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs the timers of POSIX")


def failures(kind: str, first: int, count: int, timeout: float) -> list[str]:
    """Return the failures of `count` cases that run in a process of their own."""
    command = (sys.executable, str(WORKER), kind, str(first), str(count))
    result = run_child(command, timeout)
    found = [f"{a['case']}: {a['failure']}" for a in result.answers if "failure" in a]
    if result.failure or "completed" not in result.answers[-1]:
        last = result.answers[-1] if result.answers else "nothing"
        found.append(f"{kind} ended after {last}: {result.failure}")
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_mutations_are_read_or_refused(kind: str) -> None:
    assert failures(kind, 0, TOTAL // 100 // len(KINDS) + 1, timeout=240) == []


@pytest.mark.fuzz
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_thousands_of_mutations_are_read_or_refused(kind: str) -> None:
    half = TOTAL // len(KINDS) // 2 + 1
    with ThreadPoolExecutor(2) as pool:
        parts = pool.map(lambda first: failures(kind, first, half, 3000), (0, half))
    assert [failure for part in parts for failure in part] == []
