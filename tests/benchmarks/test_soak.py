"""The short form of `benchmarks/soak.py`, against a real service, and the long one."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "runtime" / "data" / "tiny.ganport"


def run(script: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / script), str(TINY), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "{" in done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    return done.returncode, report


def test_a_short_soak_leaves_a_service_as_it_was() -> None:
    code, report = run("soak.py", "--requests", "600", "--clients", "8")
    assert report["faults"] == []
    assert code == 0
    counted = report["requests"]
    assert sum(counted.values()) == 600
    assert min(counted[kind] for kind in ("good, answered", "bad, refused", "dropped")) > 20


@pytest.mark.long
def test_a_soak_holds_no_memory() -> None:
    code, report = run("soak.py", "--requests", "20000")
    assert report["faults"] == []
    assert code == 0
    assert report["MiB in 10,000 requests"] < 1.0
