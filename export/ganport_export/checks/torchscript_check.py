"""What `ganport verify` adds where torch is installed: the TorchScript files, replayed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from numpy.typing import NDArray

from ganport_export.formats.torchscript import loaded
from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.manifest import METADATA_KEY, Graph, GraphFile
from ganport_runtime.bundle.verify import (
    FIXTURE_COUNTS,
    Check,
    compare,
    fixture,
    fixtures,
)
from ganport_runtime.errors import BundleError, GanportError
from ganport_runtime.strictjson import parse

_FIX = "The bundle is damaged or was changed: copy or export it again."


def check_torchscript(bundle: Bundle) -> Iterator[Check]:
    """Load every TorchScript file of a bundle and compare it with manifest and fixtures.

    The file's digest is checked before torch sees it.
    """
    for graph in bundle.manifest.graphs:
        for file in graph.files:
            if file.role == "torchscript":
                yield _check_file(bundle, graph, file)


def _check_file(bundle: Bundle, graph: Graph, file: GraphFile) -> Check:
    name = f"fixtures of {file.path}"
    try:
        return Check(name, True, _replay(bundle, graph, file))
    except GanportError as error:
        return Check(name, False, str(error))


def _replay(bundle: Bundle, graph: Graph, file: GraphFile) -> str:
    data = bundle.read(file.path)
    try:
        script, interface = loaded(data, METADATA_KEY)
    except (RuntimeError, UnicodeDecodeError) as error:  # what torch raises for a torn file
        raise _bad(file, "a TorchScript file", _first_line(error)) from error
    if parse(interface.encode() or b"null", METADATA_KEY) != bundle.manifest.interface_json(graph):
        raise _bad(file, "the manifest's interface inside", "another one")
    tensors = fixtures(bundle)
    told = []
    for count in FIXTURE_COUNTS:
        inputs = [fixture(tensors, file.path, count, tensor) for tensor in graph.inputs]
        expected = fixture(tensors, file.path, count, graph.output)
        image = _play(script, inputs, file)
        distance = compare(image, expected, file, dict(bundle.manifest.parity))
        told.append(f"N = {count}: {distance}")
    return "; ".join(told)


def _play(
    script: torch.jit.ScriptModule, inputs: list[NDArray[Any]], file: GraphFile
) -> NDArray[Any]:
    try:
        with torch.no_grad():
            image = script(*(torch.from_numpy(array.copy()) for array in inputs))
    except RuntimeError as error:
        raise _bad(file, "a network that runs its recorded inputs", _first_line(error)) from error
    if not isinstance(image, torch.Tensor):
        raise _bad(file, "one picture tensor", type(image).__name__)
    array: NDArray[Any] = image.numpy()
    return array


def _bad(file: GraphFile, expected: str, found: str) -> BundleError:
    return BundleError(file.path, expected=expected, found=found, fix=_FIX)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
