import os
from pathlib import Path

import pytest

from ganport_runtime.doctor import hardware
from ganport_runtime.doctor.system_info import Driver

CPUINFO = """\
processor\t: 0
model name\t: Intel(R) Xeon(R) Platinum 8488C
flags\t\t: fpu avx2 avx512f amx_bf16 amx_tile

processor\t: 1
model name\t: another
flags\t\t: fpu
"""


def test_a_processor_as_linux_describes_it(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(CPUINFO)
    found = hardware.processor(tmp_path / "cpuinfo")
    assert found.name == "Intel(R) Xeon(R) Platinum 8488C"
    assert found.features == ("avx2", "avx512f", "amx_tile", "amx_bf16")
    assert 1 <= found.usable <= found.cores


def test_a_processor_that_nothing_describes(tmp_path: Path) -> None:
    found = hardware.processor(tmp_path / "absent")
    assert found.name
    assert found.features == ()


def test_a_driver_that_lists_its_gpus() -> None:
    told = "580.95.05, NVIDIA H100 80GB HBM3\n580.95.05, NVIDIA L4\n"
    assert hardware.read_driver(0, told, (13, 0), "0") == Driver(
        version="580.95.05", cuda=(13, 0), gpus=("NVIDIA H100 80GB HBM3", "NVIDIA L4"), visible="0"
    )


@pytest.mark.parametrize(
    ("code", "told", "error"),
    [
        (18, "Failed to initialize NVML: Driver/library version mismatch\n\n", "Failed to init"),
        (0, "No devices were found\n", "No devices were found"),
        (9, "", "exit code 9"),
        (1, "NVIDIA-SMI has failed, \x1b[31m\n", r"NVIDIA-SMI has failed, \x1b[31m"),
    ],
)
def test_a_driver_that_does_not(code: int, told: str, error: str) -> None:
    found = hardware.read_driver(code, told, None, None)
    assert found.error.startswith(error)
    assert not found.gpus


@pytest.mark.skipif(os.name != "posix", reason="a shell script")
def test_the_program_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '580.95.05, NVIDIA H100'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    found = hardware.driver()
    assert found is not None
    assert (found.gpus, found.visible) == (("NVIDIA H100",), "0")
    program.write_text("no program\n")
    program.chmod(0o755)
    broken = hardware.driver()
    assert broken is not None
    assert broken.error
