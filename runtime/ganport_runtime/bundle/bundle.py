"""Bundles: a folder, a stored zip or a lone graph, hostile until checked."""

from __future__ import annotations

from dataclasses import dataclass
from os.path import isdir
from pathlib import Path
from typing import Self

from ganport_runtime.bundle import builtin
from ganport_runtime.bundle.containers import (
    Container,
    FolderContainer,
    SingleFileContainer,
    ZipContainer,
)
from ganport_runtime.bundle.manifest import (
    MANIFEST_NAME,
    METADATA_KEY,
    SUMS_NAME,
    FileEntry,
    Graph,
    GraphFile,
    Manifest,
)
from ganport_runtime.errors import BundleError
from ganport_runtime.files import sha256_of
from ganport_runtime.strictjson import MAX_BYTES, parse

_MAX_GRAPH = 2**31  # a protobuf holds no more
_UNSTATED = "unstated"  # what a lone graph is, which is all there is to take
_TO_ONNX = "Write the ONNX file: export-gan RUN --format onnx --out NAME.ganport"


@dataclass(frozen=True)
class Bundle:
    """The files of a bundle and its manifest; nothing is read unless its digest matches."""

    path: Path
    manifest: Manifest
    digest: str
    """SHA-256 of manifest.json (of the graph, for a lone one): the identity of the bundle."""
    is_single_file: bool
    _container: Container

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open a bundle folder, the same as one stored zip, a lone `.onnx`, or `starter`, the
        bundle that ships with the runtime.

        Raises `BundleError` for whatever is missing, damaged, too large, or reaches out of the
        bundle. Reading a lone graph's metadata needs onnxruntime.
        """
        path = builtin.resolve(Path(path))
        suffix = path.suffix.lower()
        if suffix in (".pt", ".pth", ".ts"):
            raise _no_onnx(str(path), "a TorchScript file")
        if suffix == ".onnx":
            return cls._open_lone(path)
        is_folder = isdir(path)  # noqa: PTH112  Path.is_dir raises where the way is closed
        container: Container = FolderContainer(path) if is_folder else ZipContainer(path)
        data = container.read(MANIFEST_NAME, limit=MAX_BYTES)
        place = str(path / MANIFEST_NAME)
        manifest = Manifest.from_json(parse(data, place), place)
        return cls(path, manifest, sha256_of(data), False, container)

    @classmethod
    def _open_lone(cls, path: Path) -> Self:
        from ganport_runtime.generation.session import Session  # draws in onnxruntime when it opens

        container = SingleFileContainer(path)
        data = container.read(path.name, limit=_MAX_GRAPH)
        text = Session(data, "cpu", place=str(path)).metadata.get(METADATA_KEY)
        if text is None:
            raise BundleError(
                str(path),
                expected=f"a graph that carries {METADATA_KEY!r}",
                found="none",
                fix="Export it with export-gan, or load the whole bundle.",
            )
        entry = FileEntry(sha256_of(data), len(data))
        place = f"{path}: {METADATA_KEY}"
        value = parse(text.encode(), place)
        manifest = Manifest.from_interface(value, place, file=path.name, entry=entry)
        return cls(path, manifest, entry.sha256, True, container)

    def names(self) -> tuple[str, ...]:
        """The files that lie in the bundle, sorted."""
        return tuple(sorted(self._container.names()))

    def read(self, name: str) -> bytes:
        """The content of a file the manifest lists, its size and digest checked.

        `manifest.json` and `SHA256SUMS` are read as they are. Raises `BundleError`.
        """
        if not self.is_single_file and name in (MANIFEST_NAME, SUMS_NAME):
            return self._container.read(name, limit=MAX_BYTES)
        entry = self.manifest.files.get(name)
        if entry is None:
            raise _bad(self._at(name), "a file the manifest lists", "no entry for it")
        data = self._container.read(name, limit=entry.size)
        if len(data) != entry.size:
            raise _bad(self._at(name), f"{entry.size} bytes", f"{len(data)} bytes")
        found = sha256_of(data)
        if found != entry.sha256:
            raise _bad(self._at(name), f"SHA-256 {entry.sha256}", found)
        return data

    def onnx(
        self, interface: str, precision: str = "fp32", form: str | None = None
    ) -> tuple[Graph, GraphFile]:
        """The graph of `interface`, and its ONNX file for a device that computes in `precision`.

        fp16 takes the half-precision file, anything else the first at full precision; `form` the
        one written so, where there is one. Raises `BundleError` when the bundle has no such
        graph, or only as TorchScript or in another precision.
        """
        graph = self.manifest.graph(interface)
        if graph is None:
            found = ", ".join(graph.interface for graph in self.manifest.graphs)
            raise _bad(str(self.path), f"a graph of interface {interface}", found)
        files = [file for file in graph.files if file.role == "onnx"]
        if not files:
            raise _no_onnx(str(self.path), "TorchScript only")
        stored = "fp16" if precision == "fp16" else "fp32"
        fitting = [file for file in files if file.precision in (stored, _UNSTATED)]
        for wanted in (form, None):
            for file in fitting:
                if file.form == wanted:
                    return graph, file
        raise BundleError(
            str(self.path),
            expected=f"an ONNX graph in {stored}",
            found=", ".join(f"{file.path} in {file.precision}" for file in files),
            fix=f"Export it with --precision {stored}, or ask for another precision.",
        )

    def _at(self, name: str) -> str:
        return str(self.path / name)


def _no_onnx(place: str, found: str) -> BundleError:
    return BundleError(place, expected="a bundle with an ONNX graph", found=found, fix=_TO_ONNX)


def _bad(place: str, expected: str, found: str) -> BundleError:
    fix = "The bundle is damaged or was changed: copy or export it again."
    return BundleError(place, expected=expected, found=found, fix=fix)
