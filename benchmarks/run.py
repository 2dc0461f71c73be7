"""Every benchmark: ours against the alternative, interleaved; ratios of medians, machine stated.

Run it with `make bench`. Absolute times are this machine's; quote the ratios.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

import drawing
import torch
import training
from spending import Spending
from timing import Comparison


def machine() -> str:
    """What the figures were measured on."""
    names = [line for line in _cpuinfo() if line.startswith("model name")]
    processor = names[0].split(":", 1)[1].strip() if names else platform.processor()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{processor}, {os.cpu_count()} cores, {gpu}, Python {platform.python_version()}, "
        f"torch {torch.__version__}, {load}"
    )


def comparisons() -> Iterator[Comparison | Spending]:
    """All of them, one after another."""
    with tempfile.TemporaryDirectory() as folder:
        yield from training.comparisons(Path(folder))
        yield from drawing.comparisons(Path(folder))


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    print(machine())
    print(f"{'':<58} {'ours':>12} {'other':>12}  ratio  (quartiles)")
    for comparison in comparisons():
        print(comparison.line(), flush=True)
