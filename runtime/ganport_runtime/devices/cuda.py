"""A graph on an NVIDIA GPU, by onnxruntime's CUDA provider."""

from __future__ import annotations

from typing import Any

from ganport_runtime.devices.cpu import open_cpu
from ganport_runtime.devices.io_binding import BoundBackend
from ganport_runtime.devices.nvidia import (
    CUDA,
    GPU_THREAD,
    LARGEST,
    cuda_settings,
    gpu_memory,
    open_session,
)
from ganport_runtime.devices.onnxruntime_session import load_onnxruntime
from ganport_runtime.errors import DeviceError

# The most rows of a run that CUDA records and plays back as one graph: that saves a few
# microseconds for each kernel, which larger runs do not notice.
GRAPHS_UP_TO = 16


def cuda_is_built_in() -> bool:
    """Whether this onnxruntime was built with CUDA; whether CUDA works, only a session tells."""
    return CUDA in load_onnxruntime().get_available_providers()


def open_cuda(
    model: bytes,
    index: int,
    *,
    place: str,
    max_batch: int | None = None,
    graphs_up_to: int = GRAPHS_UP_TO,
) -> BoundBackend:
    """`model` on CUDA device `index`, or `DeviceError`: no part of it moves to the CPU.

    It runs in buckets of up to `max_batch` rows; those of up to `graphs_up_to` (0: none) as CUDA
    graphs. Raises `BundleError` for bytes that are no usable graph, and `MissingExtraError`.
    """
    plain = cuda_settings(index)
    # A session that cannot record graphs, as one with a part for the CPU, is not made with them.
    wanted = [plain | {"enable_cuda_graph": 1}, plain] if graphs_up_to else [plain]
    device = f"cuda:{index}"
    try:
        session = open_session(model, device, [[(CUDA, settings)] for settings in wanted])
    except DeviceError:
        open_cpu(model, place=place)  # a bad graph is the bundle's fault, not the device's
        raise
    return BoundBackend(
        device,
        session,
        gpu_memory(index),
        max_batch or LARGEST,
        GPU_THREAD,
        lambda size: _graph_of(size, graphs_up_to),
    )


def _graph_of(size: int, graphs_up_to: int) -> Any:
    """Run options that name the graph of a bucket.

    onnxruntime plays back a graph without a look at what it is fed. So its id is the size of its
    bucket, and never meets another; -1 is no graph.
    """
    options = load_onnxruntime().RunOptions()
    options.add_run_config_entry("gpu_graph_id", str(size if size <= graphs_up_to else -1))
    return options
