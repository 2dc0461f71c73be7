"""Facts about this machine: installed packages, and the NVIDIA driver with its GPUs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from ctypes.util import find_library
from dataclasses import dataclass, field
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

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
    """Return the versions of ganport, NumPy, torch, TensorRT and every engine, by name."""
    versions: dict[str, str] = {}
    for distribution in distributions():
        if distribution.name:  # None for a damaged distribution
            name = re.sub(r"[-_.]+", "-", distribution.name).lower()
            if name in _SHOWN or name.startswith("tensorrt"):
                versions.setdefault(name, distribution.version)
    return versions


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
