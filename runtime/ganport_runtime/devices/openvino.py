"""A graph on the CPU with OpenVINO, which computes in bfloat16 if the processor supports it."""

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
from ganport_runtime.devices.onnxruntime_session import Feeds, error_summary
from ganport_runtime.errors import BundleError, DeviceError, MissingExtraError

_TELEMETRY = "openvino_telemetry"
_METADATA_PATH = ["framework"]  # where OpenVINO keeps the metadata of an ONNX file


class OpenvinoBackend:
    """A graph that OpenVINO compiled for any batch size; the interface is that of `OnnxBackend`."""

    device = "openvino"

    def __init__(self, model: Any, compiled: Any) -> None:
        self.inputs = tuple(_read_tensor(node) for node in model.inputs)
        self.outputs = tuple(_read_tensor(node) for node in model.outputs)
        self.metadata: Mapping[str, str] = _read_metadata(model)
        self._compiled = compiled
        self._idle_requests: deque[Any] = deque()  # each serves one thread at a time

    def run(self, feeds: Feeds) -> NDArray[Any]:
        """Return the first output for one batch of every input."""
        try:
            request = self._idle_requests.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        try:
            output = request.infer(dict(feeds), share_inputs=True, share_outputs=True)[0]
        except RuntimeError as error:
            raise RuntimeError(_reason(error)) from error
        result = np.array(output)  # the request's next run overwrites its output
        self._idle_requests.append(request)
        return result


def open_openvino(model: bytes, *, place: str, precision: str, threads: int) -> OpenvinoBackend:
    """Compile `model` for `threads` cores, in float32 or, for precision "bf16", in bfloat16.

    One compilation serves every batch size, so an image has the same bytes in each. Raises
    `BundleError` for bytes that are not a usable graph, `DeviceError` if the processor has no
    bfloat16, and `MissingExtraError`.
    """
    core = get_core(load_openvino())
    _check_device(core, precision)
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        # Two programs with threads pinned to the same cores run at half the speed.
        "ENABLE_CPU_PINNING": False,
    }
    try:
        network = core.read_model(model, b"")
        return OpenvinoBackend(network, core.compile_model(network, "CPU", settings))
    except Exception as error:  # OpenVINO's exceptions have no public base class
        raise BundleError(place, "an ONNX graph that OpenVINO can load", _reason(error)) from error


def load_openvino() -> ModuleType:
    """Import openvino without its telemetry; raise `MissingExtraError` if it is absent."""
    try:
        with _without_telemetry():
            return import_module("openvino")
    except ImportError as error:
        raise MissingExtraError.for_packages("openvino", "openvino") from error


@cache
def get_core(openvino: ModuleType) -> Any:
    """Return OpenVINO's core, one for the whole process.

    Its CPU plugin installs a signal stack for the thread. If one of two cores ends, it restores a
    stack whose memory is already freed, and the next signal (a plain SIGTERM) crashes the process.
    """
    return openvino.Core()


@contextmanager
def _without_telemetry() -> Iterator[None]:
    # Importing openvino sends a report and writes to the home folder if this package is found.
    if _TELEMETRY in sys.modules:
        yield
        return
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # makes the import fail
    try:
        yield
    finally:
        del sys.modules[_TELEMETRY]


def _check_device(core: Any, precision: str) -> None:
    if "CPU" not in core.available_devices:
        raise DeviceError(
            "device 'openvino'",
            "OpenVINO's plugin for the CPU",
            f"plugins for {', '.join(core.available_devices) or 'no device'}",
            "Install it again: pip install --force-reinstall openvino",
        )
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise DeviceError(
            "precision",
            "a processor with bfloat16 (AVX512_BF16 or AMX)",
            "one without",
            "Use precision='fp32'.",
        )


def _read_tensor(node: Any) -> Tensor:
    # OpenVINO drops the names of dynamic lengths; the contract allows one, "batch", in front.
    lengths = [None if length.is_dynamic else length.get_length() for length in node.partial_shape]
    first = ["batch" if length is None else length for length in lengths[:1]]
    rest = ["?" if length is None else length for length in lengths[1:]]
    return Tensor(node.any_name, node.element_type.to_dtype().name, (*first, *rest))


def _read_metadata(model: Any) -> Mapping[str, str]:
    if not model.has_rt_info(_METADATA_PATH):
        return {}
    metadata = model.get_rt_info(_METADATA_PATH).value
    return {str(key): str(value) for key, value in metadata.items()}


def _reason(error: Exception) -> str:
    """Return OpenVINO's message without the lines that name its source files."""
    lines = [line for line in str(error).splitlines() if not line.startswith("Exception from")]
    return error_summary(ValueError(" ".join(" ".join(lines).split()) or "no reason given"))
