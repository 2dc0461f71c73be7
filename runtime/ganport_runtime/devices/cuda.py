"""A graph on an NVIDIA GPU with onnxruntime's CUDA or TensorRT provider."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from io import StringIO
from types import ModuleType
from typing import Any

from ganport_runtime.bundle.manifest import Tensor
from ganport_runtime.devices.cpu import open_cpu
from ganport_runtime.devices.io_binding import BoundBackend, BufferAllocator, PinnedMemory
from ganport_runtime.devices.onnxruntime_session import (
    error_summary,
    load_onnxruntime,
    session_options,
)
from ganport_runtime.errors import DeviceError

CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
DEFAULT_MAX_BATCH = 256
MAX_GRAPH_ROWS = 16
"""The largest run that is replayed as a CUDA graph, which saves some microseconds per kernel."""

# All GPU work of this process runs on this thread: a CUDA graph belongs to the thread that captured
# it, each thread that runs a session keeps its own buffers, and during a capture no other thread
# may allocate or copy. Use one process for each GPU.
GPU_THREAD = ThreadPoolExecutor(1, "ganport-gpu")

Provider = tuple[str, dict[str, Any]]


def cuda_is_built_in() -> bool:
    """Return whether onnxruntime was built with CUDA; only a session shows whether CUDA works."""
    return CUDA in load_onnxruntime().get_available_providers()


def open_cuda(
    model: bytes,
    index: int,
    *,
    place: str,
    max_batch: int | None = None,
    max_graph_rows: int = MAX_GRAPH_ROWS,
) -> BoundBackend:
    """Open `model` on CUDA device `index`, in buckets of up to `max_batch` rows.

    Buckets of up to `max_graph_rows` rows run as CUDA graphs. Raises `DeviceError` if any node
    would run on the CPU, `BundleError` for bytes that are not a usable graph, and
    `MissingExtraError`.
    """
    settings = cuda_settings(index)
    # Sessions that cannot be captured, such as those with CPU nodes, fail with CUDA graphs on.
    attempts = [settings | {"enable_cuda_graph": 1}, settings] if max_graph_rows else [settings]
    device = f"cuda:{index}"
    try:
        session = open_gpu_session(model, device, [[(CUDA, attempt)] for attempt in attempts])
    except DeviceError:
        open_cpu(model, place=place)  # raises BundleError if the graph is the cause
        raise
    return BoundBackend(
        device,
        session,
        gpu_allocator(index),
        max_batch or DEFAULT_MAX_BATCH,
        GPU_THREAD,
        lambda rows: _run_options(rows, max_graph_rows),
    )


def cuda_settings(index: int) -> dict[str, Any]:
    """Return the options of the CUDA provider for every session."""
    return {
        "device_id": index,
        "use_tf32": 0,  # keeps images within one level of the CPU's
        "cudnn_conv_algo_search": "HEURISTIC",  # the default search takes a second per batch size
        "prefer_nhwc": 1,
        "fuse_conv_bias": 1,
        "arena_extend_strategy": "kSameAsRequested",  # the default doubles the arena
    }


def open_gpu_session(model: bytes, device: str, attempts: Sequence[Sequence[Provider]]) -> Any:
    """Open a session with the first of `attempts`, lists of providers, that succeeds.

    Raises `DeviceError` if none does: neither a node nor the whole graph runs on the CPU.
    """
    runtime = load_onnxruntime()
    provider = attempts[0][0][0]
    if provider not in runtime.get_available_providers():
        raise _device_error(device, f"an onnxruntime without {_short_name(provider)}")
    preload_failure = _preload_libraries(runtime)
    failure = ""
    for providers in attempts:
        try:
            session = GPU_THREAD.submit(
                runtime.InferenceSession, model, _options(runtime), providers=[*providers]
            ).result()
        except Exception as error:  # onnxruntime's exceptions have no public base class
            failure = error_summary(error)
            continue
        if provider in session.get_providers():
            session.disable_fallback()
            return session
        failure = f"a session on {', '.join(map(_short_name, session.get_providers()))}"
    raise _device_error(device, preload_failure or failure)


def gpu_allocator(index: int) -> BufferAllocator:
    """Return the memory of CUDA device `index`, with pinned host buffers if cudart is found."""
    runtime = load_onnxruntime()
    pinned = PinnedMemory.find(runtime.cuda_version, index)
    return BufferAllocator(runtime, "cuda", index, pinned)


def _device_error(device: str, found: str) -> DeviceError:
    is_tensorrt = device.startswith("tensorrt")
    return DeviceError(
        f"device {device!r}",
        f"a {'TensorRT' if is_tensorrt else 'CUDA'} device that onnxruntime can use",
        found,
        f"Run: pip install 'ganport[gpu]'{' tensorrt' if is_tensorrt else ''} (and uninstall the "
        "package onnxruntime), or use cpu; ganport doctor shows details.",
    )


def _preload_libraries(runtime: ModuleType) -> str:
    """Load the CUDA and cuDNN libraries of pip packages; return the first failure or ""."""
    output = StringIO()
    with redirect_stdout(output):  # it prints, and standard output may carry an image
        runtime.preload_dlls()
    failures = [x for x in output.getvalue().splitlines() if x.startswith("Failed to load")]
    return failures[0][:200].rstrip(".") if failures else ""


def _options(runtime: ModuleType) -> Any:
    options = session_options(runtime)
    # By default unsupported nodes, or the whole graph, run on the CPU with only a log line.
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    return options


def _run_options(rows: int, max_graph_rows: int) -> Any:
    """Return run options with the CUDA graph of a bucket.

    Replay ignores input shapes, so the graph's id is the size of its bucket; -1 disables graphs.
    """
    options = load_onnxruntime().RunOptions()
    graph_id = rows if rows <= max_graph_rows else -1
    options.add_run_config_entry("gpu_graph_id", str(graph_id))
    return options


def _short_name(provider: str) -> str:
    return provider.removesuffix("ExecutionProvider")


def open_tensorrt(
    model: bytes, index: int, *, place: str, precision: str, max_batch: int | None = None
) -> BoundBackend:
    """Build `model` as a TensorRT engine on device `index`, which takes a while.

    Nodes that TensorRT does not support run with CUDA on the same device, never on the CPU.
    TensorRT computes in TF32 if the GPU has it, and with `precision` "fp16" also in half precision.
    Raises `DeviceError`, `BundleError` for bytes that are not a usable graph, and
    `MissingExtraError`.
    """
    max_rows = max_batch or DEFAULT_MAX_BATCH
    inputs = open_cpu(model, place=place).inputs
    settings = {"device_id": index, "trt_fp16_enable": int(precision == "fp16")}
    fallback = (CUDA, cuda_settings(index))
    # With the range of batch sizes the engine is built once. If TensorRT supports only parts of
    # the graph, their inputs are inner tensors whose ranges only TensorRT can find.
    attempts = [
        [(TENSORRT, settings | _shape_profile(inputs, max_rows)), fallback],
        [(TENSORRT, settings), fallback],
    ]
    device = f"tensorrt:{index}"
    session = open_gpu_session(model, device, attempts)
    return BoundBackend(device, session, gpu_allocator(index), max_rows, GPU_THREAD)


def _shape_profile(inputs: tuple[Tensor, ...], max_rows: int) -> dict[str, Any]:
    return {
        f"trt_profile_{role}_shapes": ",".join(
            f"{tensor.name}:{'x'.join(map(str, (rows, *tensor.shape[1:])))}" for tensor in inputs
        )
        for role, rows in (("min", 1), ("opt", max_rows), ("max", max_rows))
    }
