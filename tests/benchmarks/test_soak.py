"""`benchmarks/soak.py` against a real service: a short run, and a long one."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "runtime" / "data" / "tiny.ganport"


def run_soak(*arguments: str) -> tuple[int, dict[str, Any]]:
    process = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "soak.py"), str(TINY), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "{" in process.stdout, process.stderr
    report: dict[str, Any] = json.loads(process.stdout[process.stdout.index("{") :])
    return process.returncode, report


def test_short_soak_reports_no_fault() -> None:
    code, report = run_soak("--requests", "600", "--clients", "8")
    assert report["faults"] == []
    assert code == 0
    counts = report["requests"]
    assert sum(counts.values()) == 600
    assert min(counts[kind] for kind in ("valid, correct", "invalid, rejected", "aborted")) > 20


@pytest.mark.long
def test_long_soak_keeps_memory_constant() -> None:
    code, report = run_soak("--requests", "20000")
    assert report["faults"] == []
    assert code == 0
    assert report["MiB per 10,000 requests"] < 1.0
