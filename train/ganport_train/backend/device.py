"""Devices: selection, precision, memory, and the errors of a device."""

from __future__ import annotations

import re
import sys

import numpy as np
import torch

from ganport_runtime.errors import DeviceError

GIB = 2**30
_DEVICE_ERRORS = ("CUDA error", "cuDNN error", "CUBLAS_STATUS", "CUDNN_STATUS", "HIP error")
# torch has no exception class for CPU memory or for the memory of a GPU library.
_MEMORY_ERRORS = ("DefaultCPUAllocator", "CUDA error: out of memory", "STATUS_ALLOC_FAILED")


def resolve_device(name: str) -> torch.device:
    """Return the device of `auto`, `cpu` or `cuda[:n]`.

    Raise DeviceError for another name, and for a named device that torch cannot use.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda" if count else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", name):
        raise DeviceError("--device", "auto, cpu, cuda or cuda:N", name, "Use one of them.")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= count:
        raise DeviceError(
            f"--device {name}",
            expected="a CUDA device that torch can use",
            found=f"{count} CUDA devices",
            fix="Use --device cpu, or repair the driver (nvidia-smi shows its state).",
        )
    return device


def random_stream(seed: int, stream: int, index: int) -> np.random.Generator:
    """Return independent random numbers for one epoch or step (Philox: Salmon et al. 2011).

    They are a function of (`seed`, `stream`, `index`) alone, so a resumed run repeats them.
    """
    return np.random.Generator(np.random.Philox(key=[seed, index], counter=[0, 0, 0, stream]))


def enable_determinism() -> None:
    """Restrict cuDNN to deterministic algorithms in full precision, so that a run is exact.

    By default torch computes float32 convolutions in TF32, with 10 bits of fraction. The inverse of
    a flow, and the second derivatives of gradient penalties, need 23.
    """
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False


def resolve_precision(requested: str, device: torch.device) -> str:
    """Return `fp32` or `bf16`; `auto` is bf16 on a device with bf16 instructions."""
    if requested != "auto":
        return requested
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    # torch before 2.12 cannot list the instructions of a CPU. fp32 is always correct.
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    has_bf16 = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return "bf16" if has_bf16 else "fp32"


def peak_memory_gib(device: torch.device) -> float:
    """Return the peak memory of this process on the device in GiB; 0 if it is unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / GIB
    if sys.platform == "win32":
        return 0.0
    import resource  # exists on Unix only

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error reports that a device or the machine is out of memory."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(text in str(error) for text in _MEMORY_ERRORS)


def is_device_lost(error: Exception) -> bool:
    """Return whether an error reports a GPU that this process can no longer use.

    A failed assertion of a kernel is a fault of the code, not of the device.
    """
    text = str(error)
    is_device_error = isinstance(error, torch.AcceleratorError) or any(
        known in text for known in _DEVICE_ERRORS
    )
    return is_device_error and "device-side assert" not in text
