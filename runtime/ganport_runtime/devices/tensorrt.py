"""A graph on an NVIDIA GPU with onnxruntime's TensorRT provider."""

from __future__ import annotations

from typing import Any

from ganport_runtime.bundle.manifest import Tensor
from ganport_runtime.devices.cpu import open_cpu
from ganport_runtime.devices.cuda import (
    CUDA,
    DEFAULT_MAX_BATCH,
    GPU_THREAD,
    cuda_settings,
    gpu_allocator,
    open_gpu_session,
)
from ganport_runtime.devices.io_binding import BoundBackend

TENSORRT = "TensorrtExecutionProvider"


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
