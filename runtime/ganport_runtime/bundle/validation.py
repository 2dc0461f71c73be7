"""What the parts of a manifest must have in common: the contract's rules across keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import prod

from ganport_runtime.bundle.constants import (
    ENCODE,
    GENERATE,
    MAX_FILES,
    MAX_NOISE,
    TRANSLATE,
)
from ganport_runtime.bundle.schema import (
    Graph,
    Image,
    Noise,
    Tensor,
)
from ganport_runtime.errors import BundleError

_ENDS = {GENERATE: ("z", "image"), TRANSLATE: ("image_in", "image"), ENCODE: ("image_in", "z")}
Shape = tuple[int | str, ...]
Kind = tuple[str, Shape]
"""Dtype and shape of a tensor."""


def check_files(graphs: Sequence[Graph], names: Collection[str], place: str) -> None:
    """Raise `BundleError` where the file `names` clash, or lack one that a graph lies in."""
    lower = [name.lower() for name in names]
    if len(lower) > MAX_FILES:
        raise _bad(f"{place}: files", f"at most {MAX_FILES} files", f"{len(lower)}")
    if len(set(lower)) != len(lower):
        raise _bad(f"{place}: files", "names that differ in more than case", "two that do not")
    for own in ("manifest.json", "sha256sums"):
        if own in lower:
            raise _bad(f"{place}: files", f"every file but {own}", own)
    for graph in graphs:
        for file in graph.files:
            if file.path not in names:
                raise _bad(f"{place}: files", f"an entry for the graph {file.path}", "none")


def check_graphs(
    graphs: Sequence[Graph], condition_size: int, noise: Noise | None, image: Image, place: str
) -> None:
    """Raise `BundleError` where the tensors of a graph are not what the rest asks of them."""
    if not graphs:
        raise _bad(f"{place}: graphs", "at least one graph", "none")
    interfaces = [graph.interface for graph in graphs]
    if len(set(interfaces)) != len(interfaces):
        raise _bad(f"{place}: graphs", "each interface once", ", ".join(interfaces))
    exact = _exact(condition_size, image)
    for index, graph in enumerate(graphs):
        if graph.interface in _ENDS:  # others are a later version's
            where = f"{place}: graphs[{index}]"
            _check_names(graph, bool(condition_size), where)
            _check_tensors(graph, exact, noise, where)


def _check_names(graph: Graph, conditional: bool, place: str) -> None:
    first, last = _ENDS[graph.interface]
    wanted = [first, "condition"] if conditional else [first]
    found = [tensor.name for tensor in graph.inputs]
    if found != wanted:
        raise _bad(f"{place}.inputs", ", ".join(wanted), ", ".join(found) or "none")
    if graph.output.name != last:
        raise _bad(f"{place}.output", last, graph.output.name)


def _check_tensors(
    graph: Graph, exact: Mapping[str, Kind], noise: Noise | None, place: str
) -> None:
    for tensor in (*graph.inputs, graph.output):
        if tensor.name == "z":
            _check_noise(tensor, noise, f"{place}: z")
        elif (tensor.dtype, tensor.shape) != exact[tensor.name]:
            expected = _spell(*exact[tensor.name])
            raise _bad(f"{place}: {tensor.name}", expected, _spell(tensor.dtype, tensor.shape))


def _exact(condition_size: int, image: Image) -> dict[str, Kind]:
    height, width = image.size
    planes = ("batch", 3, height, width)
    pixels = ("batch", height, width, 3) if image.dtype == "uint8" else planes
    return {
        "condition": ("float32", ("batch", condition_size)),
        "image_in": ("float32", planes),
        "image": (image.dtype, pixels),
    }


def _check_noise(z: Tensor, noise: Noise | None, place: str) -> None:
    if noise is None:
        raise _bad(place, "a noise rule in the manifest", "noise: null")
    lengths = [length for length in z.shape[1:] if isinstance(length, int)]
    if z.dtype != "float32" or len(lengths) not in (1, 3):
        raise _bad(place, "float32 [batch, Z] or [batch, C, H, W]", _spell(z.dtype, z.shape))
    if prod(lengths) > MAX_NOISE:
        raise _bad(place, f"at most {MAX_NOISE} numbers for a picture", f"{prod(lengths)}")


def _spell(dtype: str, shape: Shape) -> str:
    return f"{dtype} [{', '.join(str(length) for length in shape)}]"


def _bad(place: str, expected: str, found: str) -> BundleError:
    return BundleError(place, expected=expected, found=found, fix="Export the bundle again.")
