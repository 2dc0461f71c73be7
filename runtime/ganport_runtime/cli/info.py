"""`ganport info`: what a bundle is and which conditions it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.constants import ENCODE, GENERATE, TRANSLATE
from ganport_runtime.bundle.latent_directions import read_directions
from ganport_runtime.bundle.manifest import Graph, Manifest
from ganport_runtime.cli.export_summary import parity_rows, provenance_rows, short
from ganport_runtime.conditions import (
    ConditionGroup,
    MultiHot,
    Rgb,
    Scalar,
)
from ganport_runtime.generator import preferred_batch_size
from ganport_runtime.values import format_choices

_ASKED = {
    GENERATE: "generate: pictures of seeds; sample-gan draw, matrix, sweep, interpolate, …",
    TRANSLATE: "translate: pictures to others; sample-gan translate",
    ENCODE: "encode: the noise of pictures; sample-gan interpolate --images, manipulate",
}


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The manifest and the digest as JSON.")
def info(bundle: Path, as_json: bool) -> None:
    """Show what BUNDLE is: conditions with their labels and defaults, sizes, parity, provenance."""
    opened = Bundle.open(bundle)
    if as_json:
        value = opened.manifest.to_json() | {"digest": opened.digest}
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
        return
    for line in _lines(opened):
        click.echo(line)


def _lines(bundle: Bundle) -> Iterator[str]:
    manifest = bundle.manifest
    height, width = manifest.image.size
    yield f"{manifest.name} {manifest.version} ({manifest.family})"
    yield f"  pictures    {width} x {height} {manifest.image.color}, {manifest.image.dtype}"
    batch = manifest.batch
    at_once = preferred_batch_size(manifest, "cpu")
    yield f"  batch       {batch.min} to {batch.max}; drawn {at_once} at a time on a CPU"
    if noise := manifest.noise:
        yield f"  noise       {noise.algorithm}, temperature {noise.temperature:g}"
    yield f"  licence     {manifest.license}"
    yield f"  digest      {bundle.digest}"
    for graph in manifest.graphs:
        yield ""
        yield from _graph_lines(graph)
    yield ""
    yield from _condition_lines(manifest)
    if directions := read_directions(bundle, manifest.z_shape):
        yield f"latent directions: {format_choices(directions)}"
    yield ""
    yield "files"
    for name, entry in manifest.files.items():
        yield f"  {name}  {entry.size:,} bytes  {entry.sha256[:12]}"
    yield from _table("parity", parity_rows(manifest.parity))
    yield from _table("provenance", provenance_rows(manifest.provenance))


def _graph_lines(graph: Graph) -> Iterator[str]:
    yield f"graph {graph.interface}"
    yield f"  {_ASKED.get(graph.interface, 'of a later version of ganport')}"
    for word, tensors in (("takes", graph.inputs), ("gives", (graph.output,))):
        for tensor in tensors:
            shape = ", ".join(str(length) for length in tensor.shape)
            yield f"  {word}  {tensor.name}  {tensor.dtype} [{shape}]"
    for file in graph.files:
        form = f", form {file.form}" if file.form else ""
        yield f"  in     {file.path}  {file.role} {file.precision}{form}"


def _condition_lines(manifest: Manifest) -> Iterator[str]:
    conditions = manifest.conditions
    if not conditions.size:
        yield "conditions: none, the generator is unconditional"
        return
    yield f"conditions: {conditions.size} numbers"
    for name, group in conditions.fields.items():
        yield f"  {name} ({group.kind}), default {short(group.default)}"
        yield f"    {_allowed(group)}"
    yield f'  left out, all of them: "{conditions.caption()}"'


def _allowed(group: ConditionGroup) -> str:
    if isinstance(group, Scalar):
        return f"a number from {group.min:g} to {group.max:g}"
    if isinstance(group, Rgb):
        return ", ".join(("#rrggbb", "(r, g, b) in 0..255", *group.labels))
    labels = ", ".join(group.labels)
    return f"up to {group.max_active} of: {labels}" if isinstance(group, MultiHot) else labels


def _table(title: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    if rows:
        yield ""
        yield title
        width = min(max(len(name) for name, _ in rows), 32)
        for name, text in rows:
            yield f"  {name:<{width}}  {text}".rstrip()
