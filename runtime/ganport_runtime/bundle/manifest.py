"""The manifest of a bundle: everything that a runtime must know, checked when it is read.

`docs/interface.md` specifies every key, its type and its limits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import prod
from typing import Any, Self

from ganport_runtime.bundle.schema import (
    FIRST_AND_LAST,
    MAX_FILES,
    MAX_NOISE,
    SCHEMA_VERSION,
    VERBS,
    check_file_name,
)
from ganport_runtime.bundle.schema import BatchLimits as BatchLimits
from ganport_runtime.bundle.schema import FileEntry as FileEntry
from ganport_runtime.bundle.schema import Graph as Graph
from ganport_runtime.bundle.schema import GraphFile as GraphFile
from ganport_runtime.bundle.schema import Image as Image
from ganport_runtime.bundle.schema import Noise as Noise
from ganport_runtime.bundle.schema import Tensor as Tensor
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import BundleError
from ganport_runtime.strictjson import JsonObject, check_text

METADATA_KEY = "ganport.interface"
MANIFEST_NAME = "manifest.json"
SUMS_NAME = "SHA256SUMS"
DIRECTIONS_NAME = "directions.safetensors"

Signature = tuple[str, tuple[int | str, ...]]
"""The dtype and shape of a tensor."""


@dataclass(frozen=True)
class Manifest:
    """The content of `manifest.json`; `from_json` is the inverse of `to_json`."""

    name: str
    version: str
    family: str
    graphs: tuple[Graph, ...]
    conditions: Conditions
    noise: Noise | None  # None if no graph takes z
    image: Image
    batch: BatchLimits
    files: Mapping[str, FileEntry]
    parity: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    license: str = "unspecified"
    schema_version: int = SCHEMA_VERSION

    def graph(self, interface: str) -> Graph | None:
        """Return the graph of `interface`, or None."""
        return next((graph for graph in self.graphs if graph.interface == interface), None)

    @property
    def z_shape(self) -> tuple[int, ...]:
        """The shape of the noise of one image; empty if no graph has a `z`."""
        for graph in self.graphs:
            for tensor in (*graph.inputs, graph.output):
                if tensor.name == "z" and graph.interface in VERBS:
                    return tuple(int(length) for length in tensor.shape[1:])
        return ()

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as JSON values, ready for canonical writing (RFC 8785)."""
        return self._common_json() | {
            "name": self.name,
            "version": self.version,
            "family": self.family,
            "graphs": [graph.to_json() for graph in self.graphs],
            "batch": asdict(self.batch),
            "files": {name: asdict(entry) for name, entry in self.files.items()},
            "parity": dict(self.parity),
            "provenance": dict(self.provenance),
            "license": self.license,
        }

    def interface_json(self, graph: Graph | None = None) -> dict[str, Any]:
        """Return the part that is embedded in each file of `graph` (default: the first graph)."""
        entry = (graph or self.graphs[0]).to_json()
        del entry["files"]
        return self._common_json() | entry

    def states(self, interface: object, graph: Graph) -> bool:
        """Return whether the JSON that is embedded in a file of `graph` states what this does."""
        entry = FileEntry("0" * 64, 0)
        try:
            found = Manifest.from_interface(interface, METADATA_KEY, file="graph", entry=entry)
        except BundleError:
            return False
        return found.interface_json() == self.interface_json(graph)

    def _common_json(self) -> dict[str, Any]:
        return {
            "schema_version": self.schema_version,
            "conditions": self.conditions.to_json(),
            "noise": asdict(self.noise) if self.noise else None,
            "image": self.image.to_json(self.schema_version),
        }

    def _check(self, place: str) -> None:
        _check_files(self.graphs, self.files, place)
        _check_graphs(self.graphs, self.conditions.size, self.noise, self.image, place)

    @classmethod
    def from_json(cls, value: object, place: str = MANIFEST_NAME) -> Self:
        """Return the manifest of parsed JSON; unknown keys are ignored.

        Raises `BundleError`, which names the key, for a key that is missing, of the wrong type, out
        of range or inconsistent with others, and for a newer schema.
        """
        fields = JsonObject(value, place)
        common = _read_common(fields)
        graphs = [
            Graph.from_json(entry, f"{place}: graphs[{i}]")
            for i, entry in enumerate(fields.items("graphs", limit=16))
        ]
        files: dict[str, FileEntry] = {}
        for name, entry in fields.mapping("files").items():
            check_file_name(name, f"{place}: files")
            files[name] = FileEntry.from_json(entry, f"{place}: files[{name!r}]")
        manifest = cls(
            name=fields.text("name"),
            version=fields.text("version", limit=64),
            family=fields.text("family"),
            graphs=tuple(graphs),
            batch=BatchLimits.from_json(fields.value("batch"), f"{place}: batch"),
            files=files,
            parity=fields.mapping("parity"),
            provenance=fields.mapping("provenance"),
            license=check_text(fields.value("license"), f"{place}: license", limit=1000),
            **common,
        )
        manifest._check(place)
        return manifest

    @classmethod
    def from_interface(cls, value: object, place: str, *, file: str, entry: FileEntry) -> Self:
        """Return the manifest of a single graph file: its embedded interface, else defaults."""
        fields = JsonObject(value, place)
        graph = Graph.from_json(value, place, (GraphFile(file, "onnx", "unstated"),))
        manifest = cls(
            name=file.removesuffix(".onnx"),
            version="unstated",
            family="unstated",
            graphs=(graph,),
            batch=BatchLimits(),
            files={file: entry},
            **_read_common(fields),
        )
        manifest._check(place)
        return manifest


def _read_common(fields: JsonObject) -> dict[str, Any]:
    """Return the fields that a manifest and an embedded interface share."""
    place = fields.place
    version = fields.integer("schema_version", 1, 2**31)
    if version > SCHEMA_VERSION:
        raise BundleError(
            place,
            f"schema_version {SCHEMA_VERSION} or lower",
            f"schema_version {version}",
            "Install a newer ganport: pip install --upgrade ganport",
        )
    noise = fields.value("noise")
    return {
        "schema_version": version,
        "conditions": Conditions.from_json(fields.value("conditions"), f"{place}: conditions"),
        "noise": None if noise is None else Noise.from_json(noise, f"{place}: noise"),
        "image": Image.from_json(fields.value("image"), f"{place}: image", version),
    }


def _check_files(graphs: Sequence[Graph], names: Collection[str], place: str) -> None:
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


def _check_graphs(
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
        if graph.interface in FIRST_AND_LAST:  # other interfaces belong to later versions
            graph_place = f"{place}: graphs[{index}]"
            _check_names(graph, bool(condition_size), graph_place)
            _check_tensors(graph, signatures, noise, graph_place)


def _check_names(graph: Graph, is_conditional: bool, place: str) -> None:
    first, last = FIRST_AND_LAST[graph.interface]
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
    return {
        "condition": ("float32", ("batch", condition_size)),
        "image_in": ("float32", ("batch", image.format.channels, *image.size)),
        "image": (image.dtype, ("batch", *image.shape)),
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
