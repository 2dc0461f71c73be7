import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ganport_runtime.doctor import probe
from ganport_runtime.doctor.probe import (
    Driver,
    parse_driver,
    parse_version,
    read_cuda_major,
    read_driver,
    read_packages,
)


@pytest.mark.parametrize(
    ("visible", "count"), [(None, 2), ("0", 1), ("0,1", 2), ("1,0,5", 2), ("", 0), ("0,-1,1", 1)]
)
def test_usable_gpus_depend_on_cuda_visible_devices(visible: str | None, count: int) -> None:
    assert Driver(gpus=("A", "B"), visible=visible).usable_gpus == count


def test_read_packages_returns_engines_and_tensorrt_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_packages()["numpy"]
    installed = [("TensorRT_cu13", "10.14"), ("black", "25"), (None, "1")]
    distributions = [SimpleNamespace(name=name, version=version) for name, version in installed]
    monkeypatch.setattr(probe, "distributions", lambda: distributions)
    assert read_packages() == {"tensorrt-cu13": "10.14"}


def test_read_packages_omits_an_onnxruntime_of_a_later_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, folder in (("onnxruntime-gpu", "first"), ("onnxruntime", "second")):
        metadata = tmp_path / folder / f"{name.replace('-', '_')}-1.31.1.dist-info" / "METADATA"
        metadata.parent.mkdir(parents=True)
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.31.1\n")
        (tmp_path / folder / "onnxruntime" / "capi").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(tmp_path / folder) for folder in ("first", "second")])
    capi = tmp_path / "first" / "onnxruntime" / "capi"
    monkeypatch.setattr(probe, "onnxruntime_folder", lambda: capi)
    assert read_packages() == {"onnxruntime-gpu": "1.31.1"}
    (tmp_path / "second" / "onnxruntime" / "capi").rmdir()
    (tmp_path / "second" / "onnxruntime").rmdir()
    (tmp_path / "second" / "onnxruntime").symlink_to(capi.parent)
    assert set(read_packages()) == {"onnxruntime", "onnxruntime-gpu"}


@pytest.mark.parametrize(
    ("text", "major"), [("cuda_version = '13.0'\n", 13), ("__version__ = '1.32.0'\n", None)]
)
def test_read_cuda_major_reads_the_build_of_onnxruntime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, major: int | None
) -> None:
    monkeypatch.setattr(probe, "onnxruntime_folder", lambda: tmp_path)
    assert read_cuda_major() is None
    (tmp_path / "build_and_package_info.py").write_text(text)
    assert read_cuda_major() == major


def test_parse_driver_returns_every_gpu() -> None:
    text = "580.95.05, NVIDIA H100 80GB HBM3\n580.95.05, NVIDIA L4\n"
    assert parse_driver(0, text, "0") == Driver(
        version="580.95.05", gpus=("NVIDIA H100 80GB HBM3", "NVIDIA L4"), visible="0"
    )


@pytest.mark.parametrize(
    ("code", "text", "error"),
    [
        (18, "Failed to initialize NVML: Driver/library version mismatch\n\n", "Failed to init"),
        (0, "No devices were found\n", "No devices were found"),
        (9, "", "exit code 9"),
        (1, "NVIDIA-SMI has failed, \x1b[31m\n", r"NVIDIA-SMI has failed, \x1b[31m"),
    ],
)
def test_parse_driver_without_gpus_returns_the_error(code: int, text: str, error: str) -> None:
    driver = parse_driver(code, text, None)
    assert driver.error.startswith(error)
    assert not driver.gpus


@pytest.mark.skipif(os.name != "posix", reason="needs a shell script")
def test_read_driver_runs_nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '580.95.05, NVIDIA H100'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    driver = read_driver()
    assert driver is not None
    assert (driver.gpus, driver.visible) == (("NVIDIA H100",), "0")
    program.write_text("not a program\n")
    broken = read_driver()
    assert broken is not None
    assert broken.error


def test_parse_version_compares_numbers() -> None:
    assert parse_version("2.9") < parse_version("2.11.0rc1+cu130")
    assert parse_version("580.65.06") == (580, 65, 6)
    assert parse_version("unknown") == ()
