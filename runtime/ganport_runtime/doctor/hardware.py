"""What the machine is: its processor, and the NVIDIA driver with its GPUs."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ganport_runtime.devices.cpu_count import available_cpu_count, cgroup_quota
from ganport_runtime.doctor.system_info import Driver, Processor
from ganport_runtime.values import sanitize

_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8", "amx_bf16")
_QUERY = ("--query-gpu=driver_version,name", "--format=csv,noheader")
_PATIENCE = 20.0


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> Processor:
    """The processor, from `cpuinfo` where the system has one."""
    described = dict(_fields(cpuinfo))
    flags = described.get("flags", "").split()
    return Processor(
        name=described.get("model name") or platform.processor() or platform.machine(),
        cores=os.cpu_count() or 1,
        usable=available_cpu_count(),
        quota=cgroup_quota(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")),
        features=tuple(feature for feature in _FEATURES if feature in flags),
    )


def driver() -> Driver | None:
    """The NVIDIA driver, or None on a machine that shows no sign of one."""
    program, cuda = shutil.which("nvidia-smi"), _newest_cuda()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if program is None:
        return None if cuda is None else Driver(cuda=cuda, visible=visible, error="no nvidia-smi")
    try:
        told = subprocess.run(
            [program, *_QUERY], capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Driver(cuda=cuda, visible=visible, error=sanitize(str(error), 200))
    return read_driver(told.returncode, told.stdout, cuda, visible)


def read_driver(code: int, text: str, cuda: tuple[int, int] | None, visible: str | None) -> Driver:
    """The driver of what nvidia-smi printed: a line "VERSION, NAME" for each GPU."""
    lines = [sanitize(line.strip(), 200) for line in text.splitlines() if line.strip()]
    rows = [line.partition(", ") for line in lines if ", " in line]
    if code or not rows:
        said = lines[0] if lines else f"exit code {code}"
        return Driver(cuda=cuda, visible=visible, error=said)
    names = tuple(name for _, _, name in rows)
    return Driver(version=rows[0][0], cuda=cuda, gpus=names, visible=visible)


def _newest_cuda() -> tuple[int, int] | None:
    name = "nvcuda.dll" if platform.system() == "Windows" else "libcuda.so.1"
    version = ctypes.c_int()
    try:
        failed = ctypes.CDLL(name).cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return None
    return None if failed else (version.value // 1000, version.value % 1000 // 10)


def _fields(cpuinfo: Path) -> Iterator[tuple[str, str]]:
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.partition("\n\n")[0].splitlines():  # of the first core
        name, _, value = line.partition(":")
        yield name.strip(), sanitize(value.strip(), 5000)
