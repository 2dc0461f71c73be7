"""onnxruntime as all its devices use it: import, session options, CPU cores, tensors."""

from __future__ import annotations

import math
import os
import re
import shutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from ganport_runtime.bundle.manifest import Tensor
from ganport_runtime.errors import MissingExtraError

Feeds = Mapping[str, NDArray[Any]]
"""One array for each input."""

_CPP_PLACE = re.compile(r"\S+\.(?:cc|h):\d+ (?:[^()]*\([^()]*\) (?:const )?)?")
"""Where onnxruntime raised an error, such as `/src/reshape_helper.h:47 Reshape(const Shape&) `."""
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


def available_cpu_count() -> int:
    """Return the cores of the affinity mask, limited to the cgroup quota (rounded up), at least 1.

    onnxruntime reads the host's topology instead and starts too many threads in a container.
    Windows and macOS have neither: there it is `os.cpu_count()`.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    cores = affinity or os.cpu_count() or 1
    quota = cgroup_quota(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def cgroup_quota(membership: Path, root: Path) -> float | None:
    """Return the lowest CPU quota, in cores, of this process's control groups, or None.

    `membership` is a file like /proc/self/cgroup, `root` the mount point of the hierarchy.
    """
    try:
        lines = membership.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    quotas: list[float] = []
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        base = root if not controllers else root / "cpu"
        if controllers and "cpu" not in controllers.split(","):
            continue
        # In a container the path may be the host's; the mount point is then the group itself.
        group = PurePosixPath(path.lstrip("/"))
        for ancestor in (group, *group.parents):
            quotas += _read_quota(base / ancestor)
    return min(quotas, default=None)


def _read_quota(group: Path) -> list[float]:
    """Return the quota of one group as a list of one number, or an empty list."""
    try:
        if (group / "cpu.max").exists():  # cgroup version 2
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text().strip()
            period = (group / "cpu.cfs_period_us").read_text().strip()
        cores = int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return []  # "max", or no quota
    return [cores] if cores > 0 else []


def batch_shape(tensor: Tensor, rows: int) -> tuple[int, ...]:
    """Return the shape of `rows` rows; raise `ValueError` if other lengths are dynamic too."""
    lengths = [length for length in tensor.shape[1:] if isinstance(length, int)]
    if len(lengths) != len(tensor.shape) - 1:
        raise ValueError(f"{tensor.name} has a dynamic length besides its batch: {tensor.shape}")
    return (rows, *lengths)


def error_summary(error: Exception) -> str:
    """Return the first line of an exception, at most 200 characters, without a place in C++."""
    text = _CPP_PLACE.sub("", str(error)).strip() or type(error).__name__
    return text.splitlines()[0][:200].rstrip(".")


def _read_tensor(node: Any) -> Tensor:
    shape = tuple("?" if length is None else length for length in node.shape)
    return Tensor(node.name, _DTYPES.get(node.type, node.type), shape)
