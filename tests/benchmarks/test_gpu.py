"""A run of `benchmarks/gpu.py` without a GPU."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
ARGUMENTS = ("--device", "cpu", "--features", "8", "--batches", "1", "2", "--rounds", "2")


@pytest.mark.long
def test_gpu_benchmark_prints_its_table_on_the_cpu() -> None:
    result = subprocess.run(
        [sys.executable, str(SCRIPT), *ARGUMENTS], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "| images/s, by batch | 1 | 2 |" in result.stdout
    for name in ("ours, cpu fp32", "raw onnxruntime, no binding", "torch, eager", "torch.compile"):
        assert f"| {name} | " in result.stdout
    assert "| cpu fp32 | 0 | 100.000 % | exact |" in result.stdout
