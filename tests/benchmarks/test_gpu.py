"""The dry form of `benchmarks/gpu.py`, so that its code has run before a GPU is there."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
DRY = ("--device", "cpu", "--features", "8", "--batches", "1", "2", "--rounds", "2")


@pytest.mark.long
def test_the_table_of_a_gpu_on_the_cpu() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *DRY], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "| pictures/s, by batch | 1 | 2 |" in done.stdout
    for name in ("ours, cpu fp32", "raw onnxruntime, no binding", "torch, eager", "torch.compile"):
        assert f"| {name} | " in done.stdout
    assert "| cpu fp32 | 0 | 100.000 % | exact |" in done.stdout
