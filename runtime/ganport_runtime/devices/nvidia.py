"""Sessions on NVIDIA GPUs: what the providers CUDA and TensorRT have in common."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from io import StringIO
from types import ModuleType
from typing import Any

from ganport_runtime.devices.io_binding import BufferAllocator
from ganport_runtime.devices.onnxruntime_session import (
    error_summary,
    load_onnxruntime,
    session_options,
)
from ganport_runtime.devices.pinned_memory import PinnedMemory
from ganport_runtime.errors import DeviceError

CUDA = "CUDAExecutionProvider"
LARGEST = 256  # rows a run where nobody says
# All that our sessions do on GPUs they do here. A graph is known only to the thread that recorded
# it, every thread that runs a session keeps buffers of its own, and while one records, no other
# thread of the process may allocate or copy. Several GPUs want a process each.
GPU_THREAD = ThreadPoolExecutor(1, "ganport-gpu")

Provider = tuple[str, dict[str, Any]]


def cuda_settings(index: int) -> dict[str, Any]:
    """Options of the CUDA provider that hold for every session of ours."""
    return {
        "device_id": index,
        "use_tf32": 0,  # a picture within one level of the CPU's
        "cudnn_conv_algo_search": "HEURISTIC",  # the default takes a second for each new size
        "prefer_nhwc": 1,
        "fuse_conv_bias": 1,
        "arena_extend_strategy": "kSameAsRequested",  # the default doubles what it holds
    }


def open_session(model: bytes, device: str, attempts: Sequence[Sequence[Provider]]) -> Any:
    """A session on the first provider of the first attempt that comes to be.

    Raises `DeviceError` if none does: neither a node nor the whole graph moves to the CPU.
    """
    runtime = load_onnxruntime()
    wanted = attempts[0][0][0]
    if wanted not in runtime.get_available_providers():
        raise _no_device(device, f"an onnxruntime without {_short(wanted)}")
    missing = _preload(runtime)
    failure = ""
    for providers in attempts:
        try:
            session = GPU_THREAD.submit(
                runtime.InferenceSession, model, _options(runtime), providers=[*providers]
            ).result()
        except Exception as error:  # onnxruntime's exceptions have no public base
            failure = error_summary(error)
            continue
        if wanted in session.get_providers():
            session.disable_fallback()
            return session
        failure = f"a session on {', '.join(map(_short, session.get_providers()))}"
    raise _no_device(device, missing or failure)


def gpu_memory(index: int) -> BufferAllocator:
    """The memory of CUDA device `index`, with page-locked buffers where the runtime is found."""
    runtime = load_onnxruntime()
    version = getattr(runtime, "cuda_version", None) or ""  # 1.20 does not tell
    return BufferAllocator(runtime, "cuda", index, PinnedMemory.find(version, index))


def _no_device(device: str, found: str) -> DeviceError:
    tensorrt = device.startswith("tensorrt")
    return DeviceError(
        f"device {device!r}",
        expected=f"a {'TensorRT' if tensorrt else 'CUDA'} device that onnxruntime can use",
        found=found,
        fix=f"Run: pip install 'ganport[gpu]'{' tensorrt' if tensorrt else ''} (without "
        "onnxruntime beside it), or ask for cpu; ganport doctor says more.",
    )


def _preload(runtime: ModuleType) -> str:
    """Load the libraries of CUDA and cuDNN that pip installed; which of them could not be."""
    if not hasattr(runtime, "preload_dlls"):
        return ""
    said = StringIO()
    with redirect_stdout(said):  # it prints, and standard output may be somebody's picture
        runtime.preload_dlls()
    failed = [line for line in said.getvalue().splitlines() if line.startswith("Failed to load")]
    return failed[0][:200].rstrip(".") if failed else ""


def _options(runtime: ModuleType) -> Any:
    options = session_options(runtime)
    # Without this a node, or the whole graph, moves to the CPU and only a log line says so.
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    return options


def _short(provider: str) -> str:
    return provider.removesuffix("ExecutionProvider")
