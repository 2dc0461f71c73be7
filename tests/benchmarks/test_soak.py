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
@pytest.mark.parametrize(
    ("name", "arguments"),
    [("soak.py", ("--requests", "1000")), ("overload.py", ("--rounds", "1", "--seconds", "5"))],
)
def test_service_under_attack_keeps_its_bounds(name: str, arguments: tuple[str, ...]) -> None:
    code, report = run_benchmark(name, "--hostile", *arguments)
    assert report["faults"] == []
    assert code == 0
    for metric in ("MiB of the service (start, peak, bound)", "MiB of its helpers (peak, bound)"):
        assert report[metric][-2] < report[metric][-1]
