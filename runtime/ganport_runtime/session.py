"""One graph on one device, run by onnxruntime."""

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.cpus import usable_cpus
from ganport_runtime.errors import BundleError, DeviceError, GanportWarning, MissingExtraError
from ganport_runtime.launch import missing_extra
from ganport_runtime.manifest import Graph, Tensor

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_DEVICE = re.compile(r"cuda(?::(\d{1,3}))?")
_DTYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8"}


class Session:
    """An ONNX graph ready to run on `device`: "auto", "cpu", "cuda" or "cuda:N".

    A device named is a device used: `DeviceError` when it cannot be. "auto" takes CUDA where
    onnxruntime offers it and else the CPU, with a warning if CUDA was offered and failed.
    Raises `BundleError` for bytes that are no usable graph (`place` says which), and
    `MissingExtraError` without onnxruntime. `run` may be called from several threads.
    """

    def __init__(self, model: bytes, device: str = "auto", *, place: str = "graph") -> None:
        self._place = place
        self.device, self._session = _open(model, device, place)
        self.inputs = tuple(_tensor(node) for node in self._session.get_inputs())
        self.outputs = tuple(_tensor(node) for node in self._session.get_outputs())
        self.metadata: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map

    @property
    def output(self) -> Tensor:
        """The first output, which is the only one of a graph that keeps the contract."""
        return self.outputs[0]

    def check(self, graph: Graph) -> None:
        """Raise `BundleError` unless inputs and output are, in order, those the manifest names."""
        for what, found, expected in (
            ("inputs", self.inputs, graph.inputs),
            ("output", self.outputs, (graph.output,)),
        ):
            if found != expected:
                raise BundleError(
                    f"{self._place}: {what}",
                    expected=_spell(expected),
                    found=_spell(found),
                    fix="The manifest describes another graph: export the bundle again.",
                )

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """The first output for one batch of every input; raises `BundleError` if it fails."""
        try:
            result: NDArray[Any] = self._session.run([self.output.name], dict(feeds))[0]
        except Exception as error:  # onnxruntime's exceptions have no public base
            shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in feeds.items())
            raise BundleError(
                self._place,
                expected=f"a graph that runs on {self.device} with {shapes}",
                found=_first_line(error),
                fix="Try a smaller batch_size or device='cpu'; else export the bundle again.",
            ) from error
        return result


def _open(model: bytes, device: str, place: str) -> tuple[str, Any]:
    runtime = _onnxruntime()
    if device == "cpu":
        return "cpu", _on_cpu(runtime, model, place)
    named = _DEVICE.fullmatch(device)
    if named:
        index = int(named[1] or 0)
        return f"cuda:{index}", _on_cuda(runtime, model, index, place)
    if device != "auto":
        raise DeviceError(
            "device", expected="auto, cpu, cuda or cuda:N", found=repr(device), fix="Name one."
        )
    if _CUDA in runtime.get_available_providers():
        try:
            return "cuda:0", _on_cuda(runtime, model, 0, place)
        except DeviceError as error:
            warnings.warn(f"drawing on the CPU: {error}", GanportWarning, stacklevel=3)
    return "cpu", _on_cpu(runtime, model, place)


def _on_cpu(runtime: ModuleType, model: bytes, place: str) -> Any:
    try:
        return runtime.InferenceSession(model, _options(runtime), providers=[_CPU])
    except Exception as error:  # onnxruntime's exceptions have no public base
        raise BundleError(
            place,
            expected="an ONNX graph that onnxruntime can load",
            found=_first_line(error),
            fix="The file is damaged or not from export-gan: export or copy the bundle again.",
        ) from error


def _on_cuda(runtime: ModuleType, model: bytes, index: int, place: str) -> Any:
    if _CUDA not in runtime.get_available_providers():
        raise _no_cuda(index, "an onnxruntime without CUDA")
    if hasattr(runtime, "preload_dlls"):
        runtime.preload_dlls()
    options = _options(runtime)
    # Without this a node, or the whole graph, moves to the CPU and only a log line says so.
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    settings = {"device_id": index, "use_tf32": 0, "cudnn_conv_algo_search": "HEURISTIC"}
    try:
        session = runtime.InferenceSession(model, options, providers=[(_CUDA, settings)])
    except Exception as error:  # onnxruntime's exceptions have no public base
        _on_cpu(runtime, model, place)  # a bad graph is the bundle's fault, not the device's
        raise _no_cuda(index, _first_line(error)) from error
    if _CUDA not in session.get_providers():
        raise _no_cuda(index, f"a session on {', '.join(session.get_providers())}")
    session.disable_fallback()
    return session


def _options(runtime: ModuleType) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = usable_cpus()
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what matters arrives as an exception
    # A game must not lose a core to threads that wait for the next picture.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # A graph is one file: no path inside it may reach into the file system.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", "external-data-is-not-allowed"
    )
    return options


def _onnxruntime() -> ModuleType:
    try:
        runtime = import_module("onnxruntime")
    except ImportError as error:
        raise _no_runtime() from error
    if not hasattr(runtime, "InferenceSession"):  # what is left after removing one of two wheels
        raise _no_runtime()
    return runtime


def _no_runtime() -> MissingExtraError:
    return missing_extra("gpu" if shutil.which("nvidia-smi") else "cpu", "onnxruntime")


def _no_cuda(index: int, found: str) -> DeviceError:
    return DeviceError(
        f"device 'cuda:{index}'",
        expected="a CUDA device that onnxruntime can use",
        found=found,
        fix="Run: pip install 'ganport[gpu]' (without onnxruntime beside it), or ask for cpu.",
    )


def _tensor(node: Any) -> Tensor:
    shape = tuple("?" if length is None else length for length in node.shape)
    return Tensor(node.name, _DTYPES.get(node.type, node.type), shape)


def _spell(tensors: tuple[Tensor, ...]) -> str:
    return "; ".join(
        f"{tensor.name} {tensor.dtype} [{', '.join(map(str, tensor.shape))}]" for tensor in tensors
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200].rstrip(".")
