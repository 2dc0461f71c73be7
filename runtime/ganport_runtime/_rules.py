"""What the parts of a manifest must have in common: the contract's rules across keys."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from ganport_runtime.errors import BundleError

if TYPE_CHECKING:
    from ganport_runtime._parts import Graph, Tensor
    from ganport_runtime.manifest import Manifest

MAX_SIDE = 8192
MAX_FILES = 1024
MAX_NOISE = 2**24
RANGES = {"uint8": (0, 255), "float32": (-1, 1)}
GENERATE, TRANSLATE, ENCODE = "gan.generate/1", "gan.translate/1", "gan.encode/1"
_ENDS = {GENERATE: ("z", "image"), TRANSLATE: ("image_in", "image"), ENCODE: ("image_in", "z")}
Shape = tuple[int | str, ...]


def check(manifest: Manifest, place: str) -> None:
    """Raise `BundleError` where graphs, files, conditions, noise and image do not fit together."""
    if not manifest.graphs:
        raise _bad(f"{place}: graphs", "at least one graph", "none")
    interfaces = [graph.interface for graph in manifest.graphs]
    if len(set(interfaces)) != len(interfaces):
        raise _bad(f"{place}: graphs", "each interface once", ", ".join(interfaces))
    _check_files(manifest, place)
    for index, graph in enumerate(manifest.graphs):
        if graph.interface in _ENDS:  # others are a later version's
            _check_tensors(manifest, graph, f"{place}: graphs[{index}]")


def _check_files(manifest: Manifest, place: str) -> None:
    names = [name.lower() for name in manifest.files]
    if len(names) > MAX_FILES:
        raise _bad(f"{place}: files", f"at most {MAX_FILES} files", f"{len(names)}")
    if len(set(names)) != len(names):
        raise _bad(f"{place}: files", "names that differ in more than case", "two that do not")
    for own in ("manifest.json", "sha256sums"):
        if own in names:
            raise _bad(f"{place}: files", f"every file but {own}", own)
    for graph in manifest.graphs:
        for file in graph.files:
            if file.path not in manifest.files:
                raise _bad(f"{place}: files", f"an entry for the graph {file.path}", "none")


def _check_tensors(manifest: Manifest, graph: Graph, place: str) -> None:
    first, last = _ENDS[graph.interface]
    wanted = [first, "condition"] if manifest.conditions.size else [first]
    found = [tensor.name for tensor in graph.inputs]
    if found != wanted:
        raise _bad(f"{place}.inputs", ", ".join(wanted), ", ".join(found) or "none")
    if graph.output.name != last:
        raise _bad(f"{place}.output", last, graph.output.name)
    exact = _exact(manifest)
    for tensor in (*graph.inputs, graph.output):
        if tensor.name == "z":
            _check_noise(manifest, tensor, f"{place}: z")
        elif (tensor.dtype, tensor.shape) != exact[tensor.name]:
            expected = _spell(*exact[tensor.name])
            raise _bad(f"{place}: {tensor.name}", expected, _spell(tensor.dtype, tensor.shape))


def _exact(manifest: Manifest) -> dict[str, tuple[str, Shape]]:
    height, width = manifest.image.size
    planes = ("batch", 3, height, width)
    pixels = ("batch", height, width, 3) if manifest.image.dtype == "uint8" else planes
    return {
        "condition": ("float32", ("batch", manifest.conditions.size)),
        "image_in": ("float32", planes),
        "image": (manifest.image.dtype, pixels),
    }


def _check_noise(manifest: Manifest, z: Tensor, place: str) -> None:
    if manifest.noise is None:
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
