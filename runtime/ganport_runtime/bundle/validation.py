"""The rules of the contract that relate several keys of a manifest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import prod

from ganport_runtime.bundle.schema import (
    ENCODE,
    GENERATE,
    MAX_FILES,
    MAX_NOISE,
    TRANSLATE,
    Graph,
    Image,
    Noise,
    Tensor,
)
from ganport_runtime.errors import BundleError

_FIRST_AND_LAST = {
    GENERATE: ("z", "image"),
    TRANSLATE: ("image_in", "image"),
    ENCODE: ("image_in", "z"),
}
"""The first input and the output of each interface."""
Signature = tuple[str, tuple[int | str, ...]]
"""The dtype and shape of a tensor."""


def check_files(graphs: Sequence[Graph], names: Collection[str], place: str) -> None:
    """Raise `BundleError` if the file `names` clash, or if the file of a graph is missing."""
    place = f"{place}: files"
    lower = [name.lower() for name in names]
    if len(lower) > MAX_FILES:
        raise BundleError(place, f"at most {MAX_FILES} files", f"{len(lower)}")
    if len(set(lower)) != len(lower):
        raise BundleError(place, "names that differ in more than case", "two that do not")
    for own in ("manifest.json", "sha256sums"):
        if own in lower:
            raise BundleError(place, f"every file but {own}", own)
    for graph in graphs:
        for file in graph.files:
            if file.path not in names:
                raise BundleError(place, f"an entry for the graph {file.path}", "none")


def check_graphs(
    graphs: Sequence[Graph], condition_size: int, noise: Noise | None, image: Image, place: str
) -> None:
    """Raise `BundleError` if the tensors of a graph do not match the rest of the manifest."""
    if not graphs:
        raise BundleError(f"{place}: graphs", "at least one graph", "none")
    interfaces = [graph.interface for graph in graphs]
    if len(set(interfaces)) != len(interfaces):
        raise BundleError(f"{place}: graphs", "each interface once", ", ".join(interfaces))
    signatures = _signatures(condition_size, image)
    for index, graph in enumerate(graphs):
        if graph.interface in _FIRST_AND_LAST:  # other interfaces belong to later versions
            graph_place = f"{place}: graphs[{index}]"
            _check_names(graph, bool(condition_size), graph_place)
            _check_tensors(graph, signatures, noise, graph_place)


def _check_names(graph: Graph, is_conditional: bool, place: str) -> None:
    first, last = _FIRST_AND_LAST[graph.interface]
    expected = [first, "condition"] if is_conditional else [first]
    found = [tensor.name for tensor in graph.inputs]
    if found != expected:
        raise BundleError(f"{place}.inputs", ", ".join(expected), ", ".join(found) or "none")
    if graph.output.name != last:
        raise BundleError(f"{place}.output", last, graph.output.name)


def _check_tensors(
    graph: Graph, signatures: Mapping[str, Signature], noise: Noise | None, place: str
) -> None:
    for tensor in (*graph.inputs, graph.output):
        found = tensor.dtype, tensor.shape
        if tensor.name == "z":
            _check_noise(tensor, noise, f"{place}: z")
        elif found != signatures[tensor.name]:
            expected = _format(signatures[tensor.name])
            raise BundleError(f"{place}: {tensor.name}", expected, _format(found))


def _signatures(condition_size: int, image: Image) -> dict[str, Signature]:
    """Return the required signature of each tensor but `z`."""
    height, width = image.size
    nchw = ("batch", 3, height, width)
    nhwc = ("batch", height, width, 3)
    return {
        "condition": ("float32", ("batch", condition_size)),
        "image_in": ("float32", nchw),
        "image": (image.dtype, nhwc if image.dtype == "uint8" else nchw),
    }


def _check_noise(z: Tensor, noise: Noise | None, place: str) -> None:
    if noise is None:
        raise BundleError(place, "a noise rule in the manifest", "noise: null")
    lengths = [length for length in z.shape[1:] if isinstance(length, int)]
    if z.dtype != "float32" or len(lengths) not in (1, 3):
        expected = "float32 [batch, Z] or [batch, C, H, W]"
        raise BundleError(place, expected, _format((z.dtype, z.shape)))
    if prod(lengths) > MAX_NOISE:
        raise BundleError(place, f"at most {MAX_NOISE} numbers for an image", f"{prod(lengths)}")


def _format(signature: Signature) -> str:
    dtype, shape = signature
    return f"{dtype} [{', '.join(str(length) for length in shape)}]"
