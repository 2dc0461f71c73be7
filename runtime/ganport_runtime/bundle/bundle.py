"""Bundles: a folder, a stored zip or a single graph, untrusted until checked."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from os.path import isdir, isfile, lexists
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle.containers import (
    Container,
    FolderContainer,
    SingleFileContainer,
    ZipContainer,
)
from ganport_runtime.bundle.manifest import (
    DIRECTIONS_NAME,
    MANIFEST_NAME,
    METADATA_KEY,
    SUMS_NAME,
    FileEntry,
    Graph,
    GraphFile,
    Manifest,
)
from ganport_runtime.bundle.onnx_graph import read_metadata
from ganport_runtime.bundle.protobuf import Message
from ganport_runtime.bundle.readers import read_tensors
from ganport_runtime.errors import BundleError, RequestError
from ganport_runtime.files import sha256_of
from ganport_runtime.strictjson import MAX_BYTES, parse
from ganport_runtime.values import repr_short

STARTERS = ("starter", "starter-sprites")
"""The names of the bundles that ship with the runtime: faces, and pixel-art sprites."""

_PACKAGE = Path(__file__).parents[1]
MAX_LOADED = 2**31
"""Bytes of a file that is loaded into memory: the limit of a protobuf message."""
_PART = 2**20
_UNSTATED = "unstated"  # the precision of a single graph file
_ANY_ONNX = "a bundle with an ONNX graph"
_EXPORT_ONNX = "Write the ONNX file: export-gan RUN --format onnx --out NAME.ganport"


@dataclass(frozen=True)
class Bundle:
    """The files of a bundle and its manifest; every file is read with its digest checked.

    `digest` is the SHA-256 of `manifest.json`, or of the graph for a single file: the identity of
    the bundle.
    """

    path: Path
    manifest: Manifest
    digest: str
    is_single_file: bool
    _container: Container

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open a bundle folder, a stored zip of one, a single `.onnx` file, or one of `STARTERS`.

        Raises `BundleError` for a bundle that is absent, damaged, too large, or that refers to
        files outside itself.
        """
        if not isinstance(path, str | os.PathLike):
            raise RequestError("bundle", "a path", repr_short(path), "Give a path or 'starter'.")
        path = resolve_path(Path(path))
        suffix = path.suffix.lower()
        if suffix in (".pt", ".pth", ".ts", ".pt2"):
            found = "an ExportedProgram" if suffix == ".pt2" else "a TorchScript file"
            raise BundleError(str(path), _ANY_ONNX, found, _EXPORT_ONNX)
        if suffix == ".onnx":
            return cls._open_single_file(path)
        is_folder = isdir(path)  # noqa: PTH112  Path.is_dir raises without permission
        container: Container = FolderContainer(path) if is_folder else ZipContainer(path)
        place = str(path / MANIFEST_NAME)
        data = _read(container, MANIFEST_NAME, place, limit=MAX_BYTES)
        manifest = Manifest.from_json(parse(data, place), place)
        return cls(path, manifest, sha256_of(data), False, container)

    @classmethod
    def _open_single_file(cls, path: Path) -> Self:
        container = SingleFileContainer(path)
        data = _read(container, path.name, str(path), limit=MAX_LOADED)
        try:
            text = read_metadata(Message(memoryview(data))).get(METADATA_KEY)
        except ValueError as error:
            raise BundleError(str(path), "an ONNX file", str(error)) from error
        if text is None:
            raise BundleError(
                str(path),
                f"a graph with the metadata {METADATA_KEY!r}",
                "none",
                "Export it with export-gan, or load the whole bundle.",
            )
        entry = FileEntry(sha256_of(data), len(data))
        place = f"{path}: {METADATA_KEY}"
        value = parse(text.encode(), place)
        manifest = Manifest.from_interface(value, place, file=path.name, entry=entry)
        return cls(path, manifest, entry.sha256, True, container)

    def names(self) -> tuple[str, ...]:
        """Return the names of all files in the bundle, sorted."""
        return tuple(sorted(self._container.names()))

    def read(self, name: str) -> bytes:
        """Return the content of a file that the manifest lists, with size and digest checked.

        `manifest.json` and `SHA256SUMS` are not listed and read unchecked. Raises `BundleError`,
        also for a file of more than 2 GiB.
        """
        place = str(self.path / name)
        if not self.is_single_file and name in (MANIFEST_NAME, SUMS_NAME):
            return _read(self._container, name, place, limit=MAX_BYTES)
        entry = self._entry(name)
        if entry.size > MAX_LOADED:
            raise BundleError(place, f"at most {MAX_LOADED} bytes to load", f"{entry.size} bytes")
        data = _read(self._container, name, place, limit=entry.size)
        self._compare(name, len(data), sha256_of(data))
        return data

    def read_manifest(self) -> bytes:
        """Return the bytes of `manifest.json`; raises `BundleError` if they have changed."""
        data = _read(self._container, MANIFEST_NAME, str(self.path), limit=MAX_BYTES)
        if sha256_of(data) != self.digest:
            place = f"{self.path}/{MANIFEST_NAME}"
            raise BundleError(place, f"SHA-256 {self.digest}", "another one", "Open it again.")
        return data

    def check_digest(self, name: str) -> int:
        """Return the size of a file that the manifest lists; raise `BundleError` if it differs.

        The file is read in parts, so it may be larger than the memory.
        """
        digest, size = hashlib.sha256(), 0
        with self._container.open(name) as (file, found):
            self._compare(name, found, None)
            while part := file.read(_PART):
                digest.update(part)
                size += len(part)
        self._compare(name, size, digest.hexdigest())
        return size

    def _entry(self, name: str) -> FileEntry:
        entry = self.manifest.files.get(name)
        if entry is None:
            expected = "a file that the manifest lists"
            raise BundleError(str(self.path / name), expected, "no entry for it")
        return entry

    def _compare(self, name: str, size: int, digest: str | None) -> None:
        entry, place = self._entry(name), str(self.path / name)
        if size != entry.size:
            raise BundleError(place, f"{entry.size} bytes", f"{size} bytes")
        if digest not in (None, entry.sha256):
            raise BundleError(place, f"SHA-256 {entry.sha256}", str(digest))

    def find_onnx(
        self, interface: str, precision: str = "fp32", form: str | None = None
    ) -> tuple[Graph, GraphFile]:
        """Return the graph of `interface` and its ONNX file for a device of that precision.

        "fp16" selects the half-precision file, other precisions the full-precision one. `form` is
        preferred if the bundle has it. Raises `BundleError` if the bundle has no such graph, has it
        only as TorchScript, or only in another precision.
        """
        graph = self.manifest.graph(interface)
        if graph is None:
            found = ", ".join(graph.interface for graph in self.manifest.graphs)
            raise BundleError(str(self.path), f"a graph of interface {interface}", found)
        files = [file for file in graph.files if file.role == "onnx"]
        if not files:
            names = {"torchscript": "TorchScript", "pt2": "an ExportedProgram"}
            found = " and ".join(dict.fromkeys(names[file.role] for file in graph.files))
            raise BundleError(str(self.path), _ANY_ONNX, f"{found} only", _EXPORT_ONNX)
        stored = "fp16" if precision == "fp16" else "fp32"
        suitable = [file for file in files if file.precision in (stored, _UNSTATED)]
        for wanted in (form, None):
            for file in suitable:
                if file.form == wanted:
                    return graph, file
        raise BundleError(
            str(self.path),
            f"an ONNX graph in {stored}",
            ", ".join(f"{file.path} in {file.precision}" for file in files),
            f"Export it with --precision {stored}, or use another precision.",
        )

    def read_directions(self) -> dict[str, NDArray[np.float32]]:
        """Return the latent direction of each label by its name `group/label`.

        A direction, float32 of the manifest's `z_shape`, leads from the noise of images without
        the label to images with it (Kingma & Dhariwal, "Glow", 2018, section 6.2; report 003). The
        result is empty for a bundle without directions. Raises `BundleError` for a damaged file
        and for directions of another type or shape, or with NaN or infinity.
        """
        if DIRECTIONS_NAME not in self.manifest.files:
            return {}
        place = str(self.path / DIRECTIONS_NAME)
        directions = read_tensors(self.read(DIRECTIONS_NAME), place)
        for name, direction in directions.items():
            if direction.dtype != np.float32 or direction.shape != self.manifest.z_shape:
                expected = f"float32 {self.manifest.z_shape}"
                found = f"{direction.dtype} {direction.shape}"
                raise BundleError(f"{place}: {name}", expected, found)
            if not np.isfinite(direction).all():
                raise BundleError(f"{place}: {name}", "finite numbers", "NaN or infinity")
        return directions


def _read(container: Container, name: str, place: str, *, limit: int) -> bytes:
    with container.open(name) as (file, size):
        if size > limit:
            raise BundleError(place, f"at most {limit} bytes", f"{size}")
        return file.read(size + 1)


def resolve_path(path: Path) -> Path:
    """Return where the bundle at `path` is: for `STARTERS`, a bundle that ships with ganport.

    A bundle called `starter` in the working directory takes precedence: Python drops the dot of
    `./starter`, so it would otherwise be unreachable. A folder that is not a bundle does not.
    Raises `BundleError` if the package was installed without its data.
    """
    name = str(path)
    is_file = isfile(path)  # noqa: PTH113  Path.is_file raises without permission
    if name not in STARTERS or is_file or lexists(path / MANIFEST_NAME):
        return path
    shipped = _PACKAGE / f"{name}.ganport"
    if not shipped.is_file():
        raise BundleError(
            name,
            "the bundle that ships with ganport",
            f"no {shipped.name} in the package",
            "Install ganport again; PyInstaller needs --collect-data ganport_runtime.",
        )
    return shipped
