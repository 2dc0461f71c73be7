"""A graph on an NVIDIA GPU, by onnxruntime's TensorRT provider."""

from __future__ import annotations

from typing import Any

from ganport_runtime.bundle.manifest import Tensor
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

TENSORRT = "TensorrtExecutionProvider"


def open_tensorrt(
    model: bytes, index: int, *, place: str, precision: str, max_batch: int | None = None
) -> BoundBackend:
    """`model` as a TensorRT engine on device `index`, or `DeviceError`; to build it takes a while.

    What TensorRT cannot do CUDA does on the same device, and nothing the CPU. TensorRT computes in
    TF32 where the GPU has it, and with `precision` "fp16" also in half precision. Raises
    `BundleError` for bytes that are no usable graph, and `MissingExtraError`.
    """
    largest = max_batch or LARGEST
    inputs = open_cpu(model, place=place).inputs
    settings = {"device_id": index, "trt_fp16_enable": int(precision == "fp16")}
    beside = (CUDA, cuda_settings(index))
    # With the range of sizes told, the engine is built once. A graph of which TensorRT takes
    # several parts has more inputs than ours, whose ranges only TensorRT can find.
    attempts = [
        [(TENSORRT, settings | _profile(inputs, largest)), beside],
        [(TENSORRT, settings), beside],
    ]
    device = f"tensorrt:{index}"
    return BoundBackend(
        device, open_session(model, device, attempts), gpu_memory(index), largest, GPU_THREAD
    )


def _profile(inputs: tuple[Tensor, ...], largest: int) -> dict[str, Any]:
    return {
        f"trt_profile_{role}_shapes": ",".join(
            f"{tensor.name}:{'x'.join(map(str, (rows, *tensor.shape[1:])))}" for tensor in inputs
        )
        for role, rows in (("min", 1), ("opt", largest), ("max", largest))
    }
