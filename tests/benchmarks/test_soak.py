"""`benchmarks/soak.py` against a real service: a short run, a long one, and one under attack."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "runtime" / "data" / "tiny.ganport"


def run_benchmark(name: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    process = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / name), str(TINY), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "{" in process.stdout, process.stderr
    report: dict[str, Any] = json.loads(process.stdout[process.stdout.index("\n{\n") :])
    return process.returncode, report


@pytest.mark.long
def test_short_soak_reports_no_fault() -> None:
    code, report = run_benchmark("soak.py", "--requests", "600", "--clients", "8")
    assert report["faults"] == []
    assert code == 0
    counts = report["requests"]
    assert sum(counts.values()) == 600
    assert min(counts[kind] for kind in ("valid, correct", "invalid, rejected", "aborted")) > 20


@pytest.mark.long
def test_long_soak_keeps_memory_constant() -> None:
    code, report = run_benchmark("soak.py", "--requests", "20000")
    assert report["faults"] == []
    assert code == 0
    assert report["MiB per 10,000 requests"] < 1.0


@pytest.mark.long
def test_soak_under_attack_keeps_its_bounds_of_memory() -> None:
    """The other limits are times, which belong to a quiet machine."""
    _, report = run_benchmark("soak.py", "--hostile", "--requests", "1000")
    assert [name for name in report["requests"] if name.startswith("fault")] == []
    check_memory(report)


@pytest.mark.long
def test_overload_under_attack_keeps_its_bounds_of_memory() -> None:
    _, report = run_benchmark("overload.py", "--hostile", "--rounds", "1", "--seconds", "5")
    assert min(report["images/s (quiet, under attack)"]) > 0
    check_memory(report)


def check_memory(report: dict[str, Any]) -> None:
    start, peak, bound = report["MiB of the service (start, peak, bound)"]
    assert start < peak < bound
    peak, bound = report["MiB of its helpers (peak, bound)"]
    assert 0 < peak < bound
