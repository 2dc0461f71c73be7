"""Files that run code of their author when torch loads them: compared with their fixtures.

`ganport verify --trust-code` calls `compare` through an entry point, in a process with limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.manifest import Graph, GraphFile
from ganport_runtime.devices.onnxruntime_session import error_summary
from ganport_runtime.errors import BundleError
from ganport_runtime.verify import Check, check_fixtures, check_metadata, run_check

Load = Callable[[bytes], tuple[nn.Module, str]]
"""Returns the network of a file and the interface inside it."""
_NAMES = {"torchscript": "a TorchScript file", "pt2": "an ExportedProgram"}
_UNUSABLE_MACHINE = (
    "Check that the folder for temporary files exists and is writable. If it is, copy the bundle "
    "or export it again."
)


def compare_files(bundle: Bundle, role: str, load: Load) -> Iterator[Check]:
    """Run every file of a role, and compare it with the manifest and the fixtures.

    The digest of a file is verified before torch reads it.
    """
    for graph in bundle.manifest.graphs:
        for file in graph.files:
            if file.role == role:
                rerun = partial(_compare_with_fixtures, bundle, graph, file, load)
                yield run_check(f"fixtures of {file.path}", rerun)


def _compare_with_fixtures(bundle: Bundle, graph: Graph, file: GraphFile, load: Load) -> str:
    data = bundle.read(file.path)
    try:
        network, metadata = load(data)
    except Exception as error:  # torch's errors for a corrupt file have no common base class
        # torch reads the file from memory: an OSError is about the machine.
        fix = _UNUSABLE_MACHINE if isinstance(error, OSError) else ""
        raise BundleError(file.path, _NAMES[file.role], error_summary(error), fix) from error
    check_metadata(bundle, graph, metadata or None)
    return check_fixtures(bundle, graph, file, partial(_run, network, file))


def _run(network: nn.Module, file: GraphFile, feeds: dict[str, NDArray[Any]]) -> NDArray[Any]:
    try:
        with torch.no_grad():
            output = network(*(torch.from_numpy(array.copy()) for array in feeds.values()))
    except RuntimeError as error:
        expected = "a network that runs its recorded inputs"
        raise BundleError(file.path, expected, error_summary(error)) from error
    if not isinstance(output, torch.Tensor):
        raise BundleError(file.path, "one tensor as output", type(output).__name__)
    array: NDArray[Any] = output.numpy()
    return array
