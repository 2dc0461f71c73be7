"""Facts about this machine: installed packages, the NVIDIA driver, and a probe of each device.

A probe runs a tiny graph. `python -m ganport_runtime.doctor.probe DEVICE` runs one of them in a
process of its own, because a broken driver can crash or block the process that uses it.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import timeit
from base64 import b64decode
from collections.abc import Mapping
from ctypes.util import find_library
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ganport_runtime.child_process import python_module, run_child
from ganport_runtime.errors import GanportError
from ganport_runtime.generation.engine import GraphRunner
from ganport_runtime.values import sanitize

# Distributions that install into the same folder, `onnxruntime`.
ONNXRUNTIMES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-openvino",
    "onnxruntime-rocm",
    "onnxruntime-training",
)
_SHOWN = ("ganport", "numpy", *ONNXRUNTIMES, "openvino", "torch")
_QUERY = ("--query-gpu=driver_version,name", "--format=csv,noheader")
_QUERY_TIMEOUT = 20.0


@dataclass(frozen=True)
class Driver:
    """The NVIDIA driver and its GPUs."""

    version: str = ""
    """Such as "580.65.06"; empty if unknown."""
    gpus: tuple[str, ...] = ()
    visible: str | None = None
    """The value of CUDA_VISIBLE_DEVICES."""
    error: str = ""
    """The message of nvidia-smi if it lists no GPU."""

    @property
    def usable_gpus(self) -> int:
        """Number of GPUs that CUDA shows to this process."""
        if self.visible is None:
            return len(self.gpus)
        # CUDA stops at the first entry that names no GPU.
        entries = [entry.strip() for entry in self.visible.split(",")]
        end = next((i for i, entry in enumerate(entries) if entry in ("", "-1")), len(entries))
        return min(end, len(self.gpus))


@dataclass(frozen=True)
class ProbeResult:
    """Result of running a tiny graph on one device."""

    device: str
    milliseconds: float = 0.0
    """Duration of a warm run."""
    error: str = ""
    """Why the device does not work; empty if it works."""
    fix: str = ""
    missing: str = ""
    """The first library that the device needs and the system cannot load."""


@dataclass(frozen=True)
class SystemInfo:
    """Everything that the checks use."""

    python: str
    system: str
    packages: Mapping[str, str] = field(default_factory=dict)
    """Version of each installed distribution that affects the devices."""
    driver: Driver | None = None
    cuda_needed: int | None = None
    """Major version of CUDA that the installed onnxruntime was built for."""
    probes: tuple[ProbeResult, ...] = ()

    @property
    def working_devices(self) -> list[str]:
        """The devices whose probe succeeded."""
        return [probe.device for probe in self.probes if not probe.error]


def read_packages() -> dict[str, str]:
    """Return the versions of ganport, NumPy, torch, TensorRT and every engine, by name.

    An onnxruntime in a later folder of the import path is left out, because Python never sees it.
    """
    versions: dict[str, str] = {}
    for distribution in distributions():
        if distribution.name:  # None for a damaged distribution
            name = re.sub(r"[-_.]+", "-", distribution.name).lower()
            if name in ONNXRUNTIMES and _is_hidden(distribution):
                continue
            if name in _SHOWN or name.startswith("tensorrt"):
                versions.setdefault(name, distribution.version)
    return versions


def _is_hidden(distribution: Distribution) -> bool:
    binaries = onnxruntime_folder()
    folder = Path(str(distribution.locate_file("onnxruntime")))
    return bool(binaries and folder.is_dir() and not folder.samefile(binaries.parent))


def onnxruntime_folder() -> Path | None:
    """Return the folder of the installed onnxruntime's binaries, without importing it."""
    spec = find_spec("onnxruntime")
    folders = (spec and spec.submodule_search_locations) or ()
    return next((Path(folder) / "capi" for folder in folders), None)


def read_cuda_major() -> int | None:
    """Return the major version of CUDA that the installed onnxruntime was built for."""
    folder = onnxruntime_folder()
    try:
        text = (folder / "build_and_package_info.py").read_text() if folder else ""
    except OSError:
        return None
    match = re.search(r"^cuda_version *= *['\"](\d+)", text, re.MULTILINE)
    return int(match[1]) if match else None


def read_driver() -> Driver | None:
    """Return the NVIDIA driver, or None if neither nvidia-smi nor the CUDA library is installed."""
    program, visible = shutil.which("nvidia-smi"), os.environ.get("CUDA_VISIBLE_DEVICES")
    if program is None:
        has_library = find_library("nvcuda" if os.name == "nt" else "cuda")
        return Driver(visible=visible, error="no nvidia-smi") if has_library else None
    try:
        done = subprocess.run(
            [program, *_QUERY], capture_output=True, text=True, timeout=_QUERY_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Driver(visible=visible, error=sanitize(str(error), 200))
    return parse_driver(done.returncode, done.stdout, visible)


def parse_driver(code: int, text: str, visible: str | None) -> Driver:
    """Return the driver from the output of nvidia-smi: a line "VERSION, NAME" for each GPU."""
    lines = [sanitize(line.strip(), 200) for line in text.splitlines() if line.strip()]
    rows = [line.partition(", ") for line in lines if ", " in line]
    if code or not rows:
        return Driver(visible=visible, error=lines[0] if lines else f"exit code {code}")
    return Driver(rows[0][0], tuple(name for _, _, name in rows), visible)


def parse_version(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: (2, 11, 0) for "2.11.0rc1+cu130"."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in release[0].split(".")) if release else ()


# MatMul, Reshape, ConvTranspose: on CUDA they need cuBLAS and cuDNN, as a generator does. All
# weights are 1/4 and 1/2, so that noise of ones gives exactly 2 in any precision.
# tests/runtime/doctor/test_probe.py makes these bytes with the onnx package.
MODEL = b64decode(
    "CAg65wIKEQoBegoBYRIBYiIGTWF0TXVsChIKAWIKAWMSAWQiB1Jlc2hhcGUKLgoBZAoBZRIFaW1hZ2UiDUNvbnZUcmFu"
    "c3Bvc2UqEAoHc3RyaWRlc0ACQAKgAQcSBXByb2JlKksIBAgEEAFCAWFKQAAAgD4AAIA+AACAPgAAgD4AAIA+AACAPgAA"
    "gD4AAIA+AACAPgAAgD4AAIA+AACAPgAAgD4AAIA+AACAPgAAgD4qKQgEEAdCAWNKIP//////////BAAAAAAAAAABAAAA"
    "AAAAAAEAAAAAAAAAKk8IBAgBCAIIAhABQgFlSkAAAAA/AAAAPwAAAD8AAAA/AAAAPwAAAD8AAAA/AAAAPwAAAD8AAAA/"
    "AAAAPwAAAD8AAAA/AAAAPwAAAD8AAAA/WhgKAXoSEwoRCAESDQoHEgViYXRjaAoCCARiJAoFaW1hZ2USGwoZCAESFQoH"
    "EgViYXRjaAoCCAEKAggCCgIIAkIECgAQEg=="
)
_NOISE = np.ones((2, 4), np.float32)
_PIXEL = 2.0
_CUDNN = () if sys.platform == "win32" else ("libcudnn.so.9",)
_TIMEOUT = 120.0
"""Seconds; TensorRT builds an engine first, which may take a minute."""
_COMMAND = python_module("ganport_runtime.doctor.probe")


def candidate_devices(packages: Mapping[str, str], driver: Driver | None) -> list[str]:
    """Return the devices to probe: the CPU, each GPU, and the installed engines."""
    gpus = range(driver.usable_gpus if driver else 0)
    devices = ["cpu", *(f"cuda:{index}" for index in gpus)]
    has_tensorrt = any(name.startswith("tensorrt") for name in packages) or find_library("nvinfer")
    if gpus and has_tensorrt:
        devices.append("tensorrt:0")
    return [*devices, "openvino"] if "openvino" in packages else devices


def probe_device(
    device: str, command: tuple[str, ...] = _COMMAND, timeout: float = _TIMEOUT
) -> ProbeResult:
    """Run `command` on a device for at most `timeout` seconds; report a crash as an error.

    The last JSON object of the command's output is the result of `run_probe`.
    """
    result = run_child([*command, device], timeout)
    if result.failure:
        fix = "Reinstall the engine of this device."
        if result.timed_out:
            fix = "Restart the machine. If it happens again, reinstall the driver of this device."
        return ProbeResult(device, error=result.failure, fix=fix)
    answer = result.answers[-1]
    return ProbeResult(
        device,
        milliseconds=float(answer.get("milliseconds", 0.0)),
        error=sanitize(answer.get("error", ""), 300),
        fix=sanitize(answer.get("fix", ""), 300),
        missing=sanitize(answer.get("missing", ""), 100),
    )


def run_probe(device: str) -> dict[str, Any]:
    """Return fields of `ProbeResult`: the time of a warm run, or the error and its fix."""
    try:
        session = GraphRunner(MODEL, device, place="the doctor's graph")
        if not (session.run({"z": _NOISE}) == _PIXEL).all():
            return {"error": "wrong numbers", "fix": "Do not use this device, and report it."}
        seconds = min(timeit.repeat(lambda: session.run({"z": _NOISE}), number=1))
        return {"milliseconds": 1e3 * seconds}
    except GanportError as error:
        missing = find_missing_library(device.partition(":")[0])
        return {"error": sanitize(error.found, 300), "fix": error.fix, "missing": missing}


def find_missing_library(provider: str) -> str:
    """Return the first library that an execution provider needs and cannot load, or ""."""
    path = str((onnxruntime_folder() or Path()) / f"libonnxruntime_providers_{provider}.so")
    # The CUDA provider does not name cuDNN: it is loaded by the first convolution.
    names = [path, *_CUDNN] if provider == "cuda" else [path]
    try:
        for name in names:
            ctypes.CDLL(name)
    except OSError as error:
        match = re.match(r"(\S+): cannot open shared object file", str(error))
        return match[1] if match and match[1] != path else ""
    return ""


if __name__ == "__main__":
    print(json.dumps(run_probe(sys.argv[1])))
