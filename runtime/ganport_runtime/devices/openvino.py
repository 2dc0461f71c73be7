"""A graph on the CPU by OpenVINO, which computes in bfloat16 where the processor can."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle.manifest import Tensor
from ganport_runtime.cli.launch import missing_extra
from ganport_runtime.devices.onnxruntime_session import error_summary
from ganport_runtime.devices.protobuf import has_external_data
from ganport_runtime.errors import BundleError, DeviceError

_TELEMETRY = "openvino_telemetry"
_METADATA = ["framework"]  # where OpenVINO keeps what an ONNX file carries


class OpenvinoBackend:
    """A `Backend` whose graph OpenVINO has compiled for any batch."""

    device = "openvino"

    def __init__(self, model: Any, compiled: Any) -> None:
        self.inputs = tuple(_tensor(node) for node in model.inputs)
        self.outputs = tuple(_tensor(node) for node in model.outputs)
        self.metadata: Mapping[str, str] = _metadata(model)
        self._compiled = compiled
        # A request serves one thread at a time; as many are made as run at once.
        self._idle: deque[Any] = deque()

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        request = self._request()
        try:
            found = request.infer(dict(feeds), share_inputs=True, share_outputs=True)[0]
        except RuntimeError as error:
            raise RuntimeError(_reason(error)) from error
        result = np.array(found)  # what is found there, the request's next run overwrites
        self._idle.append(request)
        return result

    def _request(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            return self._compiled.create_infer_request()


def open_openvino(model: bytes, *, place: str, precision: str, threads: int) -> OpenvinoBackend:
    """`model` on `threads` cores, computed in float32 or, for precision "bf16", in bfloat16.

    It is compiled once, for batches of any size, so that a picture has the same bytes in each.
    Raises `BundleError` for bytes that are no usable graph, `DeviceError` where the processor has
    no bfloat16, and `MissingExtraError`.
    """
    core = get_core(load_openvino())
    _check_device(core, precision)
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        # Two programs that pin their threads to the same cores run at half the speed.
        "ENABLE_CPU_PINNING": False,
    }
    try:
        if has_external_data(model):  # OpenVINO would look for it in the working directory
            raise ValueError("weights in another file")
        read = core.read_model(model, b"")
        return OpenvinoBackend(read, core.compile_model(read, "CPU", settings))
    except (RuntimeError, ValueError) as error:
        raise BundleError(
            place,
            expected="an ONNX graph that OpenVINO can load",
            found=_reason(error),
            fix="The file is damaged or not from export-gan: export or copy the bundle again.",
        ) from error


def load_openvino() -> ModuleType:
    """The package, without its telemetry; raises `MissingExtraError` where it is absent."""
    try:
        with _no_telemetry():
            return import_module("openvino")
    except ImportError as error:
        raise missing_extra("openvino", "openvino") from error


@cache
def get_core(openvino: ModuleType) -> Any:
    """OpenVINO's core, the same at each call."""
    # One for the process, which never ends: its plugin gives the thread a stack for signals. Of two
    # of them the one that ends last restores that of the first, whose memory is gone by then, and
    # the next signal, a plain SIGTERM, is a crash.
    return openvino.Core()


@contextmanager
def _no_telemetry() -> Iterator[None]:
    # The mere import of openvino reports to its maker and writes into the user's home, unless
    # this package of its is not installed.
    if _TELEMETRY in sys.modules:
        yield
        return
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # Python's way to say "absent"
    try:
        yield
    finally:
        del sys.modules[_TELEMETRY]


def _check_device(core: Any, precision: str) -> None:
    if "CPU" not in core.available_devices:
        raise DeviceError(
            "device 'openvino'",
            expected="OpenVINO's plugin for the CPU",
            found=f"plugins for {', '.join(core.available_devices) or 'nothing'}",
            fix="Install it again: pip install --force-reinstall openvino",
        )
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise DeviceError(
            "precision",
            expected="a processor with bfloat16 (AVX512_BF16 or AMX)",
            found="one without",
            fix="Ask for precision='fp32'.",
        )


def _tensor(node: Any) -> Tensor:
    # OpenVINO keeps that a length is open and not its name; the contract has one name, and place.
    lengths = [None if length.is_dynamic else length.get_length() for length in node.partial_shape]
    first = ["batch" if length is None else length for length in lengths[:1]]
    rest = ["?" if length is None else length for length in lengths[1:]]
    return Tensor(node.any_name, node.element_type.to_dtype().name, (*first, *rest))


def _metadata(model: Any) -> Mapping[str, str]:
    if not model.has_rt_info(_METADATA):
        return {}
    found = model.get_rt_info(_METADATA).value
    return {str(key): str(value) for key, value in found.items()}


def _reason(error: Exception) -> str:
    """What went wrong, without the lines in which OpenVINO says where in its own source."""
    lines = [line for line in str(error).splitlines() if not line.startswith("Exception from")]
    return error_summary(ValueError(" ".join(" ".join(lines).split()) or "no reason given"))
