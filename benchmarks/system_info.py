"""The machine that a benchmark ran on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch


def describe_system() -> str:
    """Return processor, cores, GPU, versions and load in one line."""
    names = [line for line in _cpuinfo() if line.startswith("model name")]
    processor = names[0].split(":", 1)[1].strip() if names else platform.processor()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{processor}, {os.cpu_count()} cores, {gpu}, Python {platform.python_version()}, "
        f"torch {torch.__version__}, {load}"
    )


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
