"""The files of a bundle, and how they are written: a zip or a folder, complete or not at all."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import rfc8785
import safetensors.numpy
from numpy.typing import NDArray

from ganport_export import model_card, preview
from ganport_export.artifact import Artifact
from ganport_export.errors import OptionError
from ganport_export.interface import Interface, is_single_line
from ganport_export.options import ExportOptions
from ganport_export.test_inputs import make_batches
from ganport_runtime.bundle.manifest import (
    MANIFEST_NAME,
    SUMS_NAME,
    BatchLimits,
    FileEntry,
    Graph,
    Image,
    Manifest,
    Noise,
)
from ganport_runtime.errors import RequestError
from ganport_runtime.files import atomic_directory, atomic_write, check_folder, sha256_of
from ganport_runtime.strictjson import parse
from ganport_runtime.values import repr_short
from ganport_runtime.verify import FIXTURE_COUNTS, FIXTURES_NAME

SUFFIX, GRAPH_SUFFIX = ".ganport", ".onnx"
_RANGES = {"uint8": "uint8", "float": "signed", "unit": "unit"}
"""Range of the images, by the option `image`."""
_MAX_NAME = 300


@dataclass(frozen=True)
class BundleWriter:
    """Writes a bundle at `path`, as a folder or as a zip, or its only graph."""

    path: Path
    is_folder: bool
    graph: str = ""
    """Name of the only file to write; empty for a bundle."""

    @classmethod
    def at(cls, path: Path | str, graphs: Sequence[str] = (), *, overwrite: bool) -> BundleWriter:
        """Return a writer: for a folder if `path` ends in a slash or is a folder, else for a zip.

        A `path` that ends in `.onnx` takes a single graph; `graphs` are the names of all graph
        files. Raises OptionError for another suffix, for a missing parent folder, and for an
        existing path unless `overwrite` is set and the path is a bundle.
        """
        if not isinstance(path, str | os.PathLike):
            raise OptionError("path", "a path", repr_short(path), f"Give NAME{SUFFIX}.")
        text, target = os.fspath(path), Path(path)
        is_graph = target.suffix == GRAPH_SUFFIX
        if is_graph and (len(graphs) != 1 or not graphs[0].endswith(GRAPH_SUFFIX)):
            fix = f"Use --format onnx without other graphs, or name it {target.stem}{SUFFIX}."
            raise OptionError(text, "an export of one ONNX graph", ", ".join(graphs), fix)
        if target.suffix not in (SUFFIX, GRAPH_SUFFIX):
            fix = f"Name it {target.stem or 'NAME'}{SUFFIX}."
            raise OptionError(text, f"a name that ends in {SUFFIX}", repr(target.name), fix)
        try:
            check_folder(target.parent)
        except RequestError as error:
            raise OptionError.from_error(error) from error
        if target.exists() or target.is_symlink():
            if not overwrite:
                fix = "Use --force to replace it."
                raise OptionError(text, "a new path", "an existing file or folder", fix)
            if target.is_dir() and not (target / MANIFEST_NAME).is_file():
                fix = "Write to another path."
                raise OptionError(text, "a bundle to replace", "a folder without manifest", fix)
        is_folder = text.endswith(("/", os.sep)) or target.is_dir()
        return cls(target, is_folder, graphs[0] if is_graph else "")

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write every file; a reader finds the complete bundle, or the previous content."""
        if not self.is_folder:
            atomic_write(self.path, files[self.graph] if self.graph else _zip(files))
            return
        with atomic_directory(self.path) as folder:
            for name, data in files.items():
                (folder / name).write_bytes(data)


def build_manifest(interfaces: Sequence[Interface], options: ExportOptions) -> Manifest:
    """Return the manifest as far as it is known before the export, one graph per interface."""
    first = interfaces[0]
    return Manifest(
        name=first.name,
        version=first.version,
        family=first.family,
        graphs=tuple(
            Graph(x.kind, *x.tensors(options.image), options.graph_files(x)) for x in interfaces
        ),
        conditions=first.conditions,
        noise=Noise(temperature=first.temperature) if first.has_z else None,
        image=Image(first.format, _RANGES[options.image]),
        batch=BatchLimits(),
        files={},
        license=options.license,
    )


def metadata_json(manifest: Manifest, graph: Graph) -> str:
    """Return the metadata text of a graph's files, which makes a single file self-describing."""
    return rfc8785.dumps(manifest.interface_json(graph)).decode()


def check_json(place: str, value: Any) -> None:
    """Raise OptionError for a value that canonical JSON (RFC 8785) cannot represent."""
    try:
        rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        expected, found = "plain JSON with integers below 2^53", str(error)[:200] or "a cycle"
        fix = "Convert other values to text."
        raise OptionError(place, expected, found, fix) from error


def assemble(
    manifest: Manifest, artifacts: Sequence[Artifact], extra_files: Mapping[str, bytes]
) -> tuple[Manifest, dict[str, bytes]]:
    """Return the final manifest, and every file of the bundle by name."""
    files = {artifact.path: artifact.data for artifact in artifacts} | dict(extra_files)
    files[FIXTURES_NAME] = record_fixtures(artifacts)
    files[preview.PREVIEW_NAME] = preview.render_preview(artifacts[0])
    files[model_card.CARD_NAME] = model_card.write_card(
        replace(manifest, files=_file_entries(files))
    ).encode()
    manifest = replace(manifest, files=_file_entries(files))
    files[MANIFEST_NAME] = rfc8785.dumps(manifest.to_json())
    sums = (f"{sha256_of(files[name])}  {name}\n" for name in sorted(files))
    files[SUMS_NAME] = "".join(sums).encode()
    # Parse what was written, so that the exporter writes no manifest that the runtime refuses.
    return Manifest.from_json(parse(files[MANIFEST_NAME], MANIFEST_NAME)), files


def record_fixtures(artifacts: Sequence[Artifact]) -> bytes:
    """Return a safetensors file of inputs and outputs, `<graph path>/n<N>/<tensor>`, N = 1 and 3.

    z is the runtime's noise of the seeds 0 to 3; input images are `first_inputs` of these seeds.
    """
    tensors: dict[str, NDArray[Any]] = {}
    for artifact in artifacts:
        for batch in make_batches(artifact.interface, FIXTURE_COUNTS):
            output = {artifact.interface.output_name: artifact.best_runner(batch)}
            prefix = f"{artifact.path}/n{len(batch)}"
            tensors |= {f"{prefix}/{name}": a for name, a in (batch.inputs | output).items()}
    data: bytes = safetensors.numpy.save(tensors)
    return data


def write_directions(directions: Mapping[str, NDArray[Any]], interface: Interface) -> bytes:
    """Return the safetensors file of latent directions, float32 of the shape of z, by name.

    Raises OptionError for a name, type or shape that does not fit, and for NaN or infinity.
    """
    for name, direction in directions.items():
        fits = direction.dtype == np.float32 and direction.shape == interface.z
        if not (fits and np.isfinite(direction).all() and is_single_line(name, _MAX_NAME)):
            expected = f"finite float32 of shape {interface.z} with a name of one line"
            found = f"{direction.dtype} of shape {direction.shape} named {name!r}"
            fix = "Pass directions in the noise of this network, or none."
            raise OptionError("directions", expected, found, fix)
    data: bytes = safetensors.numpy.save(
        {name: np.ascontiguousarray(directions[name]) for name in sorted(directions)}
    )
    return data


def _file_entries(files: Mapping[str, bytes]) -> dict[str, FileEntry]:
    return {name: FileEntry(sha256_of(files[name]), len(files[name])) for name in sorted(files)}


def _zip(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of stored members, sorted by name and dated 1980, so that bytes repeat."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()
