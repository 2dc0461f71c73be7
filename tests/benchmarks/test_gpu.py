"""Runs of the GPU benchmarks without a GPU."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ARGUMENTS = ("--device", "cpu", "--features", "8", "--batches", "1", "2", "--rounds", "2")
PARTS = ("check", "convolution", "generate", "train", "steps", "run", "serve", "rows")
REPEATED = ("train", "run", "rows")
"""Parts that find what an earlier run of them wrote."""

Part = Callable[..., str]


@pytest.fixture
def part(tmp_path: Path) -> Part:
    """Return a function that runs a part of `gpu.sh` on the CPU and returns what it wrote."""

    def run(name: str, *, code: int | None = 0, **environment: str) -> str:
        folders = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        done = subprocess.run(
            ["bash", str(BENCHMARKS / "gpu.sh"), name, str(tmp_path)],
            env=os.environ | {"DEVICE": "cpu", "PATH": folders} | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert code in (None, done.returncode), done.stdout + done.stderr
        return (tmp_path / f"{name}.txt").read_text()

    return run


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [name for name in PARTS if name != "serve"])
def test_part_runs_on_the_cpu(part: Part, name: str) -> None:
    for _ in range(2 if name in REPEATED else 1):
        assert part(name).endswith(f"== {name}: 0 steps missed\n")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_serving_part_prints_its_figures_on_the_cpu(part: Part) -> None:
    """The limits of overload belong to a GPU machine: a slow or busy CPU misses them."""
    written = part("serve", code=None)
    assert "Traceback" not in written
    assert written.count('"faults": [') == 2


def test_script_runs_with_sh(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", str(BENCHMARKS / "gpu.sh"), "unknown", str(tmp_path)],
        env=os.environ | {"DEVICE": "cpu", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout.startswith("Measure a bare GPU machine")
    assert done.stderr == ""


def test_script_without_bash_names_it(tmp_path: Path) -> None:
    (tmp_path / "sh").symlink_to(shutil.which("sh") or "sh")
    done = subprocess.run(
        [str(tmp_path / "sh"), str(BENCHMARKS / "gpu.sh"), "steps", str(tmp_path)],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "bash" in os.path.realpath(tmp_path / "sh"):
        pytest.skip("sh is bash")
    assert done.returncode == 2
    assert done.stderr.startswith("gpu.sh needs bash")


def test_part_continues_after_a_step_that_fails(part: Part) -> None:
    written = part("generate", code=1, PYTHON="false")
    assert written.count("== missed: batch") == 2
    assert written.endswith("== generate: 2 steps missed\n")


def test_part_ends_within_its_limit(part: Part) -> None:
    written = part("convolution", code=1, LIMIT="0")
    assert "== missed: convolution, after" in written


def test_unknown_part_prints_the_usage() -> None:
    script = ["bash", str(BENCHMARKS / "gpu.sh"), "nothing", "/tmp"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert all(f" {name} " in done.stdout for name in PARTS)


def test_setup_joins_wheels_and_installs_them_into_a_separate_folder(
    part: Part, tmp_path: Path
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = wheels / "onnxruntime-1.99.0-py3-none-any.whl"
    metadata = "Metadata-Version: 2.1\nName: onnxruntime\nVersion: 1.99.0\n"
    tag = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    module = "__version__ = '1.99.0'\ndef get_available_providers(): return ['CUDA']\n"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("onnxruntime/__init__.py", module)
        archive.writestr("onnxruntime-1.99.0.dist-info/METADATA", metadata)
        archive.writestr("onnxruntime-1.99.0.dist-info/WHEEL", tag)
        archive.writestr("onnxruntime-1.99.0.dist-info/RECORD", "")
    content = wheel.read_bytes()
    for number, start in enumerate(range(0, len(content), 300)):
        piece = wheels / f"{wheel.name}.piece-a{chr(ord('a') + number)}"
        piece.write_bytes(content[start : start + 300])
    wheel.unlink()
    for _ in range(2):
        written = part("setup")
        assert "1.99.0 ['CUDA']" in written
    assert wheel.read_bytes() == content
    assert [path.name for path in wheels.iterdir()] == [wheel.name]


@pytest.mark.long
def test_gpu_benchmark_prints_its_table_on_the_cpu() -> None:
    result = subprocess.run(
        [sys.executable, str(BENCHMARKS / "gpu.py"), *ARGUMENTS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "| images/s, by batch | 1 | 2 |" in result.stdout
    for name in ("ours, cpu fp32", "raw onnxruntime, no binding", "torch, eager", "torch.compile"):
        assert f"| {name} | " in result.stdout
    assert "| cpu fp32 | 0 | 100.000 % | exact |" in result.stdout
