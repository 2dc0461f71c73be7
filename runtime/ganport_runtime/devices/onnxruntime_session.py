"""onnxruntime as all its devices use it: import, session options, tensors."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from ganport_runtime.bundle.manifest import Tensor
from ganport_runtime.devices.cpu_count import available_cpu_count
from ganport_runtime.errors import MissingExtraError

Feeds = Mapping[str, NDArray[Any]]
"""One array for each input."""

_DTYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8"}


class OnnxBackend:
    """A graph in an onnxruntime session.

    `device` is where it runs ("cpu", "cuda:0", "tensorrt:0"). `inputs` and `outputs` are those that
    the graph declares, `metadata` is the text that it carries. `run` is thread-safe; its exceptions
    other than `GanportError` are faults of the graph or of the feeds.
    """

    def __init__(self, device: str, session: Any) -> None:
        self.device = device
        self.inputs = tuple(_read_tensor(node) for node in session.get_inputs())
        self.outputs = tuple(_read_tensor(node) for node in session.get_outputs())
        self.metadata: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
        self._session = session

    def run(self, feeds: Feeds) -> NDArray[Any]:
        """Return the first output for one batch of every input."""
        output: NDArray[Any] = self._session.run([self.outputs[0].name], dict(feeds))[0]
        return output


def load_onnxruntime() -> ModuleType:
    """Import onnxruntime; raise `MissingExtraError` if it is absent or partly removed."""
    extra = "gpu" if shutil.which("nvidia-smi") else "cpu"
    try:
        runtime = import_module("onnxruntime")
    except ImportError as error:
        raise MissingExtraError.for_packages(extra, "onnxruntime") from error
    if not hasattr(runtime, "InferenceSession"):  # one of two installed wheels was removed
        raise MissingExtraError.for_packages(extra, "onnxruntime")
    return runtime


def session_options(runtime: ModuleType, *, allow_spinning: bool = False) -> Any:
    """Return the options that every session starts from."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = available_cpu_count()
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors arrive as exceptions
    # Off by default: a game must not lose a core to threads that wait for the next image.
    spinning = "1" if allow_spinning else "0"
    options.add_session_config_entry("session.intra_op.allow_spinning", spinning)
    # A graph is one file: paths inside it must not reach the file system.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", "external-data-is-not-allowed"
    )
    return options


def batch_shape(tensor: Tensor, rows: int) -> tuple[int, ...]:
    """Return the shape of `rows` rows; raise `ValueError` if other lengths are dynamic too."""
    lengths = [length for length in tensor.shape[1:] if isinstance(length, int)]
    if len(lengths) != len(tensor.shape) - 1:
        raise ValueError(f"{tensor.name} has a dynamic length besides its batch: {tensor.shape}")
    return (rows, *lengths)


def error_summary(error: Exception) -> str:
    """Return the first line of an exception, at most 200 characters."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200].rstrip(".")


def _read_tensor(node: Any) -> Tensor:
    shape = tuple("?" if length is None else length for length in node.shape)
    return Tensor(node.name, _DTYPES.get(node.type, node.type), shape)
