"""onnxruntime, as all devices that it serves use it: how it is found, set up and asked."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from ganport_runtime.bundle.manifest import Tensor
from ganport_runtime.cli.launch import missing_extra
from ganport_runtime.devices.cpu_count import available_cpu_count
from ganport_runtime.errors import MissingExtraError

_DTYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8"}


class OnnxBackend:
    """A `Backend` whose graph an onnxruntime session holds."""

    def __init__(self, device: str, session: Any) -> None:
        self.device = device
        self.inputs = tuple(_tensor(node) for node in session.get_inputs())
        self.outputs = tuple(_tensor(node) for node in session.get_outputs())
        self.metadata: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
        self._session = session

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        result: NDArray[Any] = self._session.run([self.outputs[0].name], dict(feeds))[0]
        return result


def load_onnxruntime() -> ModuleType:
    """The package; raises `MissingExtraError` where it is absent or half removed."""
    try:
        runtime = import_module("onnxruntime")
    except ImportError as error:
        raise _no_onnxruntime() from error
    if not hasattr(runtime, "InferenceSession"):  # what is left after removing one of two wheels
        raise _no_onnxruntime()
    return runtime


def session_options(runtime: ModuleType, *, allow_spinning: bool = False) -> Any:
    """The options every session of ours starts from."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = available_cpu_count()
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what matters arrives as an exception
    # Unless asked to: a game must not lose a core to threads that wait for the next picture.
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "1" if allow_spinning else "0"
    )
    # A graph is one file: no path inside it may reach into the file system.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", "external-data-is-not-allowed"
    )
    return options


def batch_shape(tensor: Tensor, rows: int) -> tuple[int, ...]:
    """The shape of so many rows; raises `ValueError` where more than their number is open."""
    lengths = [length for length in tensor.shape[1:] if isinstance(length, int)]
    if len(lengths) != len(tensor.shape) - 1:
        raise ValueError(f"{tensor.name} leaves open more than its batch: {tensor.shape}")
    return (rows, *lengths)


def error_summary(error: Exception) -> str:
    """What an exception says, short enough for a message of ours."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200].rstrip(".")


def _no_onnxruntime() -> MissingExtraError:
    return missing_extra("gpu" if shutil.which("nvidia-smi") else "cpu", "onnxruntime")


def _tensor(node: Any) -> Tensor:
    shape = tuple("?" if length is None else length for length in node.shape)
    return Tensor(node.name, _DTYPES.get(node.type, node.type), shape)
