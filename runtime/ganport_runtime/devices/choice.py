"""Which device a name means, and the graph opened there."""

from __future__ import annotations

import re
import warnings

from ganport_runtime.cpus import usable_cpus
from ganport_runtime.devices.backend import Backend
from ganport_runtime.devices.cpu import open_cpu
from ganport_runtime.devices.cuda import cuda_is_offered, open_cuda
from ganport_runtime.errors import DeviceError, GanportWarning
from ganport_runtime.launch import require

PRECISIONS = ("fp32", "fp16", "bf16")
_NAME = re.compile(r"(?P<kind>auto|cpu|openvino|cuda(?::(?P<index>\d{1,3}))?)")


def open_backend(
    model: bytes, device: str, *, place: str, spinning: bool, precision: str, max_batch: int | None
) -> Backend:
    """`model` on the device of that name; "auto" is CUDA where it works, else the CPU.

    Raises `DeviceError` for a device that cannot be used or a precision that it does not have,
    `BundleError` for a graph that cannot be loaded, and `MissingExtraError`.
    """
    named = _NAME.fullmatch(device)
    if not named:
        raise DeviceError(
            "device",
            expected="auto, cpu, cuda or cuda:N, or openvino",
            found=repr(device),
            fix="Name one.",
        )
    kind = named["kind"].partition(":")[0]
    _check_precision(precision, kind)
    if kind == "openvino":
        return _open_openvino(model, place, precision)
    if kind == "cuda":
        return open_cuda(model, int(named["index"] or 0), place=place)
    if kind == "auto" and cuda_is_offered():
        try:
            return open_cuda(model, 0, place=place)
        except DeviceError as error:
            warnings.warn(f"drawing on the CPU: {error}", GanportWarning, stacklevel=4)
    return open_cpu(model, place=place, spinning=spinning)


def _open_openvino(model: bytes, place: str, precision: str) -> Backend:
    require("openvino", ("openvino",))
    from ganport_runtime.devices.openvino import open_openvino  # needs the extra

    return open_openvino(model, place=place, precision=precision, threads=usable_cpus())


def _check_precision(precision: str, kind: str) -> None:
    if precision not in PRECISIONS:
        raise DeviceError(
            "precision", expected=", ".join(PRECISIONS), found=repr(precision), fix="Name one."
        )
    if precision == "bf16" and kind != "openvino":
        raise DeviceError(
            "precision",
            expected=f"fp32 or fp16 on {kind}",
            found="bf16",
            fix="Ask for device='openvino', which has bf16, or for another precision.",
        )
