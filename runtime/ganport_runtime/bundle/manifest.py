"""The manifest of a bundle: everything that a runtime must know, checked when it is read.

`docs/interface.md` specifies every key, its type and its limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ganport_runtime.bundle.schema import VERBS, check_file_name
from ganport_runtime.bundle.schema import BatchLimits as BatchLimits
from ganport_runtime.bundle.schema import FileEntry as FileEntry
from ganport_runtime.bundle.schema import Graph as Graph
from ganport_runtime.bundle.schema import GraphFile as GraphFile
from ganport_runtime.bundle.schema import Image as Image
from ganport_runtime.bundle.schema import Noise as Noise
from ganport_runtime.bundle.schema import Tensor as Tensor
from ganport_runtime.bundle.validation import check_files, check_graphs
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import BundleError
from ganport_runtime.strictjson import JsonObject, check_text

SCHEMA_VERSION = 1
METADATA_KEY = "ganport.interface"
MANIFEST_NAME = "manifest.json"
SUMS_NAME = "SHA256SUMS"
DIRECTIONS_NAME = "directions.safetensors"


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
            "batch": self.batch.to_json(),
            "files": {name: entry.to_json() for name, entry in self.files.items()},
            "parity": dict(self.parity),
            "provenance": dict(self.provenance),
            "license": self.license,
        }

    def interface_json(self, graph: Graph | None = None) -> dict[str, Any]:
        """Return the part that is embedded in each file of `graph` (default: the first graph)."""
        entry = (graph or self.graphs[0]).to_json()
        del entry["files"]
        return self._common_json() | entry

    def _common_json(self) -> dict[str, Any]:
        return {
            "schema_version": self.schema_version,
            "conditions": self.conditions.to_json(),
            "noise": self.noise.to_json() if self.noise else None,
            "image": self.image.to_json(),
        }

    def _check(self, place: str) -> None:
        check_files(self.graphs, self.files, place)
        check_graphs(self.graphs, self.conditions.size, self.noise, self.image, place)

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
        "image": Image.from_json(fields.value("image"), f"{place}: image"),
    }
