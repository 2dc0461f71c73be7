"""A graph on an NVIDIA GPU with onnxruntime's CUDA or TensorRT provider."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from types import ModuleType
from typing import Any

import numpy as np

from ganport_runtime.bundle.manifest import Tensor
from ganport_runtime.devices.cpu import open_cpu
from ganport_runtime.devices.io_binding import BoundBackend
from ganport_runtime.devices.onnxruntime_session import (
    batch_shape,
    error_summary,
    load_onnxruntime,
    session_options,
)
from ganport_runtime.devices.pinned_memory import BufferAllocator, PinnedMemory
from ganport_runtime.errors import DeviceError, GanportError

CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
DEFAULT_MAX_BATCH = 256
GRAPH_VERSION = (1, 30)
"""First onnxruntime whose captured graphs are correct.

In earlier ones a replayed `Concat` may read the inputs of another bucket: the seeds of another
request (microsoft/onnxruntime#32121).
"""
TENSORRT_MAJOR = "10"
"""Version of TensorRT that onnxruntime is built for."""
_TENSORRT_PACKAGE = f" 'tensorrt=={TENSORRT_MAJOR}.*'"

# All GPU work of this process runs on this thread: a CUDA graph belongs to the thread that captured
# it, each thread that runs a session keeps its own buffers, and during a capture no other thread
# may allocate, free or copy. Use one process for each GPU.
GPU_THREAD = ThreadPoolExecutor(1, "ganport-gpu")

Provider = tuple[str, dict[str, Any]]


def _replace_gpu_thread() -> None:
    global GPU_THREAD
    GPU_THREAD = ThreadPoolExecutor(1, "ganport-gpu")


if hasattr(os, "register_at_fork"):  # a forked process has the executor, but not its thread
    os.register_at_fork(after_in_child=_replace_gpu_thread)


def cuda_is_built_in() -> bool:
    """Return whether onnxruntime was built with CUDA; only a session shows whether CUDA works."""
    return CUDA in load_onnxruntime().get_available_providers()


def open_cuda(
    model: bytes,
    index: int,
    *,
    place: str,
    precision: str = "fp32",
    max_batch: int | None = None,
    graphs: bool = True,
) -> BoundBackend:
    """Open `model` on CUDA device `index`, in buckets of up to `max_batch` rows, and run one row.

    With `graphs`, each bucket is captured as a CUDA graph, which saves some microseconds per kernel
    and the choice of cuDNN algorithms after another bucket has run. Raises `DeviceError` if any
    node would run on the CPU or the row fails, `BundleError` for bytes that are not a usable graph,
    and `MissingExtraError`.
    """
    device, settings = f"cuda:{index}", cuda_settings(index, precision)
    plain = [(CUDA, settings)]
    # Sessions that cannot be captured, such as those with CPU nodes, fail with CUDA graphs on.
    attempts = [[(CUDA, settings | {"enable_cuda_graph": 1})]] if graphs and can_capture() else []
    try:
        session, providers = open_gpu_session(model, device, [*attempts, plain])
        backend = BoundBackend(
            device,
            session,
            gpu_allocator(index),
            max_batch or DEFAULT_MAX_BATCH,
            GPU_THREAD,
            None if providers == plain else _graph_options,
            lambda: open_first(model, device, [plain])[0],
        )
        return _run_one_row(backend)
    except DeviceError:
        open_cpu(model, place=place)  # raises BundleError if the graph is the cause
        raise


def can_capture() -> bool:
    """Return whether this onnxruntime captures CUDA graphs correctly."""
    version = re.match(r"(\d+)\.(\d+)", load_onnxruntime().__version__)
    return version is not None and tuple(map(int, version.groups())) >= GRAPH_VERSION


def cuda_settings(index: int, precision: str) -> dict[str, Any]:
    """Return the options of the CUDA provider for a graph of a precision, "fp32" or "fp16"."""
    # The option for TF32 takes the Tensor Cores from float16 as well. In float32, TF32 would change
    # images by more than a level, and a fused bias that cuDNN cannot plan is retried with TF32.
    tensor_cores = int(precision == "fp16")
    return {
        "device_id": index,
        "use_tf32": tensor_cores,
        "fuse_conv_bias": tensor_cores,
        "cudnn_conv_algo_search": "HEURISTIC",  # the default search takes a second per batch size
        "prefer_nhwc": 1,
        "arena_extend_strategy": "kSameAsRequested",  # the default doubles the arena
    }


def open_gpu_session(
    model: bytes, device: str, attempts: Sequence[Sequence[Provider]]
) -> tuple[Any, Sequence[Provider]]:
    """Open a session with the first of `attempts`, lists of providers, that succeeds.

    Return the session and its list. Raises `DeviceError` if none succeeds: neither a node nor the
    whole graph runs on the CPU.
    """
    runtime = load_onnxruntime()
    provider = attempts[0][0][0]
    if provider not in runtime.get_available_providers():
        raise _device_error(device, f"an onnxruntime without {_short_name(provider)}")
    preload_failure = _preload_libraries(runtime)
    try:
        return GPU_THREAD.submit(open_first, model, device, attempts).result()
    except DeviceError as error:
        raise _device_error(device, preload_failure or error.found) from None


def open_first(
    model: bytes, device: str, attempts: Sequence[Sequence[Provider]]
) -> tuple[Any, Sequence[Provider]]:
    """Do the work of `open_gpu_session` on the GPU thread."""
    runtime, failure = load_onnxruntime(), ""
    for providers in attempts:
        try:
            # With the fallback, onnxruntime would print the error and hide it behind another one.
            session = runtime.InferenceSession(
                model, _options(runtime), providers=[*providers], enable_fallback=0
            )
        except Exception as error:  # onnxruntime's exceptions have no public base class
            failure = error_summary(error)
            continue
        if providers[0][0] in session.get_providers():
            return session, providers
        failure = f"a session on {', '.join(map(_short_name, session.get_providers()))}"
    raise _device_error(device, failure)


def _run_one_row(backend: BoundBackend) -> BoundBackend:
    """Return a backend that has run one row of zeros: cuDNN is loaded by the first convolution."""
    try:
        backend.run({x.name: np.zeros(batch_shape(x, 1), x.dtype) for x in backend.inputs})
    except GanportError:
        raise
    except Exception as error:  # onnxruntime's exceptions have no public base class
        raise _device_error(backend.device, error_summary(error)) from None
    return backend


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
        f"Run: pip install 'ganport[gpu]'{_TENSORRT_PACKAGE if is_tensorrt else ''} (and uninstall "
        "the package onnxruntime), or use cpu; ganport doctor shows details.",
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


def _graph_options(graph_id: int) -> Any:
    """Return run options that capture or replay the CUDA graph of that number; -1 = no graph."""
    options = load_onnxruntime().RunOptions()
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
    Engines are not cached: onnxruntime names a cached engine by the names in the graph and by
    versions, not by the weights, so a bundle of another training would run the first one's engine.
    Raises `DeviceError`, `BundleError` for bytes that are not a usable graph, and
    `MissingExtraError`.
    """
    device, max_rows = f"tensorrt:{index}", max_batch or DEFAULT_MAX_BATCH
    inputs = open_cpu(model, place=place).inputs
    _load_tensorrt(device)
    # TensorRT's options take these words only.
    settings = {"device_id": index, "trt_fp16_enable": str(precision == "fp16")}
    fallback = (CUDA, cuda_settings(index, precision))
    # With the range of batch sizes the engine is built once. If TensorRT supports only parts of
    # the graph, their inputs are inner tensors whose ranges only TensorRT can find.
    attempts = [
        [(TENSORRT, settings | _shape_profile(inputs, max_rows)), fallback],
        [(TENSORRT, settings), fallback],
    ]
    session, _ = open_gpu_session(model, device, attempts)
    return _run_one_row(BoundBackend(device, session, gpu_allocator(index), max_rows, GPU_THREAD))


def _load_tensorrt(device: str) -> None:
    """Load the libraries of the pip package, which are not where onnxruntime looks for them.

    Without the package onnxruntime finds the libraries of the system, or names the missing one.
    """
    try:
        version: str = import_module("tensorrt").__version__
    except ImportError:
        return
    if version.partition(".")[0] != TENSORRT_MAJOR:
        raise _device_error(device, f"TensorRT {version}")


def _shape_profile(inputs: tuple[Tensor, ...], max_rows: int) -> dict[str, Any]:
    return {
        f"trt_profile_{role}_shapes": ",".join(
            f"{tensor.name}:{'x'.join(map(str, (rows, *tensor.shape[1:])))}" for tensor in inputs
        )
        for role, rows in (("min", 1), ("opt", max_rows), ("max", max_rows))
    }
