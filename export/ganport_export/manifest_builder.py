"""The files of a bundle around its graphs: manifest, fixtures, card, preview, sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import rfc8785

from ganport_export import fixtures, model_card, preview
from ganport_export.errors import OptionError
from ganport_export.formats.formats import graph_files
from ganport_export.interface import Interface
from ganport_export.options import Options
from ganport_export.runners import Artifact
from ganport_runtime.bundle.manifest import (
    MANIFEST_NAME,
    SUMS_NAME,
    BatchLimits,
    FileEntry,
    Graph,
    Image,
    Manifest,
    Noise,
    Tensor,
)
from ganport_runtime.files import sha256_of
from ganport_runtime.strictjson import parse

_IMAGES = {"uint8": ("uint8", (0, 255)), "float": ("float32", (-1, 1))}


def describe(interfaces: Sequence[Interface], options: Options) -> Manifest:
    """The manifest as far as it is known before anything is written.

    The graphs stand in the order of `interfaces`; all else is the same in each of them.
    """
    first = interfaces[0]
    dtype, limits = _IMAGES[options.image]
    return Manifest(
        name=first.name,
        version=first.version,
        family=first.family,
        graphs=tuple(_graph(interface, options) for interface in interfaces),
        conditions=first.conditions,
        noise=Noise(temperature=first.temperature) if first.has_z else None,
        image=Image(first.resolution, limits, dtype=dtype),
        batch=BatchLimits(),
        files={},
        license=options.license,
    )


def check_json(place: str, value: Any) -> None:
    """Refuse what canonical JSON (RFC 8785) cannot hold; raises OptionError."""
    try:
        rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise OptionError(
            place,
            expected="plain JSON with integers below 2^53",
            found=str(error)[:200] or "a circle",
            fix="Give text for what JSON does not have.",
        ) from error


def embedded(manifest: Manifest, graph: Graph) -> str:
    """The text every file of a graph carries inside, so that a lone one explains itself."""
    return rfc8785.dumps(manifest.interface_json(graph)).decode()


def pack(
    manifest: Manifest, artifacts: Sequence[Artifact], more: Mapping[str, bytes]
) -> tuple[Manifest, dict[str, bytes]]:
    """The finished manifest and every file of the bundle by name, those in `more` among them."""
    files = {artifact.path: artifact.data for artifact in artifacts} | dict(more)
    files[fixtures.FILE] = fixtures.record(artifacts)
    files[preview.FILE] = preview.draw_preview(artifacts[0])
    graphs_known = replace(manifest, files=_entries(files))
    files[model_card.FILE] = model_card.write_card(graphs_known).encode()
    manifest = replace(manifest, files=_entries(files))
    files[MANIFEST_NAME] = _canonical(manifest.to_json())
    files[SUMS_NAME] = _sums(files)
    # What a runtime will read is read once here, so that no bundle is written that it refuses.
    return Manifest.from_json(parse(files[MANIFEST_NAME], MANIFEST_NAME)), files


def _graph(interface: Interface, options: Options) -> Graph:
    inputs = (
        Tensor(name, "float32", ("batch", *shape)) for name, shape in interface.inputs.items()
    )
    dtype = _IMAGES[interface.head(options.image)][0]
    output = Tensor(interface.output, dtype, ("batch", *interface.output_shape(options.image)))
    return Graph(interface.kind, tuple(inputs), output, graph_files(interface, options))


def _entries(files: Mapping[str, bytes]) -> dict[str, FileEntry]:
    return {name: FileEntry(sha256_of(files[name]), len(files[name])) for name in sorted(files)}


def _canonical(value: Any) -> bytes:
    data: bytes = rfc8785.dumps(value)
    return data


def _sums(files: Mapping[str, bytes]) -> bytes:
    return "".join(f"{sha256_of(files[name])}  {name}\n" for name in sorted(files)).encode()
