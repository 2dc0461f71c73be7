"""Device names, and the backend that each opens."""

from __future__ import annotations

import re
import warnings

from ganport_runtime.bundle.graph_check import check_graph
from ganport_runtime.devices.cpu import open_cpu
from ganport_runtime.devices.cuda import cuda_is_built_in, open_cuda, open_tensorrt
from ganport_runtime.devices.onnxruntime_session import OnnxBackend, available_cpu_count
from ganport_runtime.devices.openvino import OpenvinoBackend, open_openvino
from ganport_runtime.errors import DeviceError, GanportWarning
from ganport_runtime.noise import check_integer
from ganport_runtime.values import repr_short

PRECISIONS = ("fp32", "fp16", "bf16")
_NAME = re.compile(r"(auto|cpu|openvino)|(cuda|tensorrt)(?::(\d{1,3}))?")


def open_backend(
    model: bytes,
    device: str,
    *,
    place: str,
    allow_spinning: bool,
    precision: str,
    max_batch: int | None,
) -> OnnxBackend | OpenvinoBackend:
    """Open `model` on the device of that name; "auto" is CUDA if it works, else the CPU.

    Raises `DeviceError` for an unusable device or a precision that it does not have, `BundleError`
    for a graph that is not safe to load or cannot be loaded, and `MissingExtraError`.
    """
    kind, index = _parse(device)
    _check_precision(precision, kind)
    if max_batch is not None:
        check_integer("max_batch", max_batch, 1, 2**31 - 1)
    check_graph(model, place)
    if kind == "openvino":
        threads = available_cpu_count()
        return open_openvino(model, place=place, precision=precision, threads=threads)
    if kind == "tensorrt":
        return open_tensorrt(model, index, place=place, precision=precision, max_batch=max_batch)
    if kind == "cuda":
        return open_cuda(model, index, place=place, precision=precision, max_batch=max_batch)
    if kind == "auto" and cuda_is_built_in():
        try:
            return open_cuda(model, 0, place=place, precision=precision, max_batch=max_batch)
        except DeviceError as error:
            warnings.warn(f"running on the CPU: {error}", GanportWarning, stacklevel=4)
    return open_cpu(model, place=place, allow_spinning=allow_spinning)


def _parse(device: str) -> tuple[str, int]:
    """Return the kind and the index that a device name stands for."""
    match = _NAME.fullmatch(device) if isinstance(device, str) else None
    if not match:
        raise DeviceError(
            "device",
            "auto, cpu, cuda or cuda:N, tensorrt or tensorrt:N, or openvino",
            repr_short(device),
            "Use one of these names.",
        )
    return match[1] or match[2], int(match[3] or 0)


def _check_precision(precision: str, kind: str) -> None:
    if precision not in PRECISIONS:
        expected = ", ".join(PRECISIONS)
        raise DeviceError("precision", expected, repr_short(precision), "Use one of these names.")
    if precision == "bf16" and kind != "openvino":
        fix = "Use device='openvino', which has bf16, or another precision."
        raise DeviceError("precision", f"fp32 or fp16 on {kind}", "bf16", fix)
