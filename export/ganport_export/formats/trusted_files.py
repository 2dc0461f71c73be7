"""Files that run code of their author when torch loads them: compared with their fixtures.

`ganport verify --trust-code` calls `compare` through an entry point, in a process with limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.manifest import METADATA_KEY, Graph, GraphFile
from ganport_runtime.devices.onnxruntime_session import error_summary
from ganport_runtime.errors import BundleError, GanportError
from ganport_runtime.strictjson import parse
from ganport_runtime.verify import FIXTURE_COUNTS, Check, compare, fixture, fixtures

Load = Callable[[bytes], tuple[nn.Module, str]]
"""Returns the network of a file and the interface inside it."""
_NAMES = {"torchscript": "a TorchScript file", "pt2": "an ExportedProgram"}
_DAMAGED = "The bundle is damaged or was changed: copy or export it again."
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
                name = f"fixtures of {file.path}"
                try:
                    detail = _compare_with_fixtures(bundle, graph, file, load)
                    yield Check(name, True, detail)
                except GanportError as error:
                    yield Check(name, False, str(error))


def _compare_with_fixtures(bundle: Bundle, graph: Graph, file: GraphFile, load: Load) -> str:
    data = bundle.read(file.path)
    try:
        network, metadata = load(data)
    except Exception as error:  # torch's errors for a corrupt file have no common base class
        # torch reads the file from memory: an OSError is about the machine.
        fix = _UNUSABLE_MACHINE if isinstance(error, OSError) else _DAMAGED
        raise BundleError(file.path, _NAMES[file.role], error_summary(error), fix) from error
    interface = parse(metadata.encode() or b"null", METADATA_KEY)
    if not bundle.manifest.states(interface, graph):
        raise BundleError(file.path, "the interface of the manifest", "another one", _DAMAGED)
    tensors = fixtures(bundle)
    image = bundle.manifest.image if graph.output.name == "image" else None
    results = []
    for count in FIXTURE_COUNTS:
        inputs = [fixture(tensors, file.path, count, tensor) for tensor in graph.inputs]
        expected = fixture(tensors, file.path, count, graph.output)
        output = _run(network, inputs, file)
        distance = compare(output, expected, file, dict(bundle.manifest.parity), image)
        results.append(f"N = {count}: {distance}")
    return "; ".join(results)


def _run(network: nn.Module, inputs: list[NDArray[Any]], file: GraphFile) -> NDArray[Any]:
    try:
        with torch.no_grad():
            output = network(*(torch.from_numpy(array.copy()) for array in inputs))
    except RuntimeError as error:
        expected, found = "a network that runs its recorded inputs", error_summary(error)
        raise BundleError(file.path, expected, found, _DAMAGED) from error
    if not isinstance(output, torch.Tensor):
        raise BundleError(file.path, "one tensor as output", type(output).__name__, _DAMAGED)
    array: NDArray[Any] = output.numpy()
    return array
