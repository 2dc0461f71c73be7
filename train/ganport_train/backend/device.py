"""Which device a run uses, at what precision, and what its errors mean."""

from __future__ import annotations

import re
import sys

import numpy as np
import torch

from ganport_runtime.errors import DeviceError

GIB = 2**30
_LOST = ("CUDA error", "cuDNN error", "CUBLAS_STATUS", "CUDNN_STATUS", "HIP error")


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


def random_stream(seed: int, stream: int, index: int) -> np.random.Generator:
    """Return independent random numbers for one epoch or step (Philox: Salmon et al. 2011).

    They are a function of (`seed`, `stream`, `index`) alone, so a resumed run repeats them.
    """
    return np.random.Generator(np.random.Philox(key=[seed, index], counter=[0, 0, 0, stream]))


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


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that the memory of a device or of the machine is short."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # torch has no class of its own for the memory of a CPU, nor for that of a library on a GPU.
    words = ("DefaultCPUAllocator", "CUDA error: out of memory", "STATUS_ALLOC_FAILED")
    return any(word in str(error) for word in words)


def is_lost(error: Exception) -> bool:
    """Whether an error says that a GPU stopped working: torch can use it no more in this process.

    A failed assertion of a kernel is none of them: it is a fault of the code and comes again.
    """
    text = str(error)
    known = isinstance(error, torch.AcceleratorError) or any(word in text for word in _LOST)
    return known and "device-side assert" not in text
