"""Which device a run uses, at what precision, and what happens when its memory is short."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ganport_runtime.errors import DeviceError, GanportError

GIB = 2**30


class OutOfRoomError(GanportError):
    """The device has too little memory for a run."""


def pick(name: str) -> torch.device:
    """`auto`, `cpu` or `cuda[:n]` as a device; a named one is there or raises DeviceError."""
    found = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if found else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", name):
        raise DeviceError(
            "--device", expected="auto, cpu, cuda or cuda:N", found=name, fix="Name one of them."
        )
    device = torch.device(name)
    if device.type == "cuda" and (not found or (device.index or 0) >= torch.cuda.device_count()):
        raise DeviceError(
            f"--device {name}",
            expected="a CUDA device that torch can use",
            found=f"{torch.cuda.device_count() if found else 0} of them",
            fix="Use --device cpu, or mend the driver (nvidia-smi shows it).",
        )
    return device


def make_exact() -> None:
    """Has cuDNN take only algorithms that give the same bits each time, so a resume is exact."""
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def precision(wanted: str, device: torch.device) -> str:
    """`auto` resolved: bf16 where the device computes in it, fp32 where it would be emulated."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    # Not there before torch 2.12 or so; without it fp32 is the safe choice.
    abilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    fast = abilities.get("avx512_bf16") or abilities.get("amx_bf16")
    return "bf16" if fast else "fp32"


def memory_gib(device: torch.device) -> float:
    """The most memory this process has held on the device, in GiB; 0 where none can tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / GIB
    if sys.platform == "win32":
        return 0.0
    import resource  # Unix alone has it

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB


@contextmanager
def room(run: Path) -> Iterator[None]:
    """Turns running out of memory into an error that says what to make smaller."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        short = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not short and "not enough memory" not in str(error):
            raise
        raise OutOfRoomError(
            f"training in {run}",
            expected="memory for a step",
            found=str(error).splitlines()[0][:200] if str(error) else "none left",
            fix="Start a new run with a smaller --set training.batch, network.features or "
            "data.resolution, or close what else uses the device.",
        ) from None
