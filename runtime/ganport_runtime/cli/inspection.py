"""`ganport info`, `ganport verify` and `ganport doctor`: inspect a bundle or this machine.

The parity and provenance records of a bundle may contain any JSON. A record of an unexpected form
is shown value by value, and no value can send control characters to a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.manifest import Graph, Image, Manifest
from ganport_runtime.bundle.schema import ENCODE, GENERATE, TRANSLATE
from ganport_runtime.conditions import ConditionGroup, MultiHot, Rgb, Scalar
from ganport_runtime.doctor import examine, find_problems
from ganport_runtime.generator import preferred_batch_size
from ganport_runtime.values import format_choices, sanitize
from ganport_runtime.verify import verify as run_checks

_CAPABILITIES = {
    GENERATE: "generate: images from seeds; sample-gan draw, matrix, sweep, interpolate, …",
    TRANSLATE: "translate: images from images; sample-gan translate",
    ENCODE: "encode: noise from images; sample-gan interpolate --images, edit",
}
_MARKS = {True: "ok  ", False: "FAIL", None: "skip"}
_MAX_NAME_WIDTH = 32

Row = tuple[str, str]
"""A name and its value."""

_MAX_LENGTH = 300
_SUMMARIZED = ("reference", "batches", "limit", "graphs", "sensitivity", "weights")
_FORM_ERRORS = (LookupError, TypeError, ValueError, AttributeError, OverflowError)


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the manifest and the digest as JSON.")
def info(bundle: Path, as_json: bool) -> None:
    """Show what BUNDLE is: conditions with labels and defaults, sizes, parity, provenance."""
    opened = Bundle.open(bundle)
    if as_json:
        value = opened.manifest.to_json() | {"digest": opened.digest}
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
        return
    for line in _describe_bundle(opened):
        click.echo(line)


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--trust-code",
    is_flag=True,
    help="Also run the TorchScript files: they can read and write your files.",
)
def verify(bundle: Path, trust_code: bool) -> None:
    """Check digests, graphs and fixtures of BUNDLE (a folder, a zip or a single .onnx).

    Prints a line for each check. Exits 0 if no check fails, 1 if one fails or BUNDLE is no bundle,
    2 for a wrong option, 6 without a required package. Graphs run in a process with limits of
    time and memory. The code of TorchScript files is read, not run.
    """
    failed = 0
    for check in run_checks(Bundle.open(bundle), trust_code=trust_code):
        click.echo(f"{_MARKS[check.passed]}  {check.name}: {check.detail}")
        failed += check.passed is False
    if failed:
        click.echo(f"{failed} of the checks failed", err=True)
        sys.exit(1)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings and the facts as JSON.")
def doctor(as_json: bool) -> None:
    """Examine this machine: packages, driver, and a tiny graph on every device.

    Prints a line for each finding (ok, warn, fail, or skip if it is not installed and not
    necessary), with the fix. Exits 1 if no device works.
    """
    system = examine()
    findings, devices = find_problems(system), system.working_devices
    if as_json:
        facts = [asdict(finding) for finding in findings]
        report = {"devices": devices, "findings": facts, "system": asdict(system)}
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            click.echo(finding.line())
        if devices:
            click.echo(f"working devices: {', '.join(devices)}; --device auto chooses one of them")
        else:
            click.echo("no device works; the lines above contain the fixes", err=True)
    sys.exit(0 if devices else 1)


def _describe_bundle(bundle: Bundle) -> Iterator[str]:
    manifest = bundle.manifest
    batch = manifest.batch
    yield f"{manifest.name} {manifest.version} ({manifest.family})"
    yield f"  images      {_describe_image(manifest.image)}"
    preferred = preferred_batch_size(manifest, "cpu")
    yield f"  batch       {batch.min} to {batch.max}, preferably {preferred} on a CPU"
    if noise := manifest.noise:
        yield f"  noise       {noise.algorithm}, temperature {noise.temperature:g}"
    yield f"  license     {manifest.license}"
    yield f"  digest      {bundle.digest}"
    for graph in manifest.graphs:
        yield ""
        yield from _describe_graph(graph)
    yield ""
    yield from _describe_conditions(manifest)
    if directions := bundle.read_directions():
        yield f"latent directions: {format_choices(directions)}"
    yield ""
    yield "files"
    for name, entry in manifest.files.items():
        yield f"  {name}  {entry.size:,} bytes  {entry.sha256[:12]}"
    yield from _format_table("parity", parity_rows(manifest.parity))
    yield from _format_table("provenance", provenance_rows(manifest.provenance))


def _describe_image(image: Image) -> str:
    form = image.format
    parts = [f"{form.width} x {form.height} {form.mode}", f"{image.range} {image.layout}"]
    if form.palette:
        parts.append(f"{len(form.palette)} colors")
    if form.alpha_levels == 2:
        parts.append("alpha 0 or 255")
    return ", ".join(parts + ["pixelated"] * form.pixelated)


def _describe_graph(graph: Graph) -> Iterator[str]:
    yield f"graph {graph.interface}"
    yield f"  {_CAPABILITIES.get(graph.interface, 'of a later version of ganport')}"
    for role, tensors in (("input ", graph.inputs), ("output", (graph.output,))):
        for tensor in tensors:
            shape = ", ".join(str(length) for length in tensor.shape)
            yield f"  {role}  {tensor.name}  {tensor.dtype} [{shape}]"
    for file in graph.files:
        form = f", form {file.form}" if file.form else ""
        yield f"  file    {file.path}  {file.role} {file.precision}{form}"


def _describe_conditions(manifest: Manifest) -> Iterator[str]:
    conditions = manifest.conditions
    if not conditions.size:
        yield "conditions: none, the generator is unconditional"
        return
    yield f"conditions: {conditions.size} numbers"
    for name, group in conditions.fields.items():
        yield f"  {name} ({group.kind}), default {format_value(group.default)}"
        yield f"    {_describe_values(group)}"
    yield f'  default of all: "{conditions.caption()}"'


def _describe_values(group: ConditionGroup) -> str:
    if isinstance(group, Scalar):
        return f"a number from {group.min:g} to {group.max:g}"
    if isinstance(group, Rgb):
        return ", ".join(("#rrggbb", "(r, g, b) in 0..255", *group.labels))
    labels = ", ".join(group.labels)
    return f"up to {group.max_active} of: {labels}" if isinstance(group, MultiHot) else labels


def _format_table(title: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    if rows:
        yield ""
        yield title
        width = min(max(len(name) for name, _ in rows), _MAX_NAME_WIDTH)
        for name, text in rows:
            yield f"  {name:<{width}}  {text}".rstrip()


def parity_rows(parity: Mapping[str, Any]) -> list[Row]:
    """Return a row for the reference, each graph, each input and an override, then the rest."""
    try:
        rows = [(sanitize(name), sanitize(text, _MAX_LENGTH)) for name, text in _summarize(parity)]
    except _FORM_ERRORS:
        return list(_flatten(parity))
    return rows + list(_flatten(_unsummarized(parity)))


def provenance_rows(provenance: Mapping[str, Any]) -> list[Row]:
    """Return a row for every fact, and one row for all packages."""
    packages = provenance.get("packages")
    if not isinstance(packages, dict):
        return list(_flatten(provenance))
    versions = ", ".join(f"{name} {format_value(version)}" for name, version in packages.items())
    return list(_flatten({**provenance, "packages": versions}))


def format_value(value: object) -> str:
    """Return any JSON value as one printable line."""
    if isinstance(value, float):
        return f"{value:.3g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return sanitize(text, _MAX_LENGTH)


def _summarize(parity: Mapping[str, Any]) -> Iterator[Row]:
    sizes = ", ".join(str(size) for size in parity["batches"])
    yield "reference", f"{parity['reference']}, batches of {sizes}"
    for path, graph in parity["graphs"].items():
        yield path, _format_graph(graph, parity["limit"])
    if weights := parity.get("weights"):
        count = f"{weights['rounded']:,} of {weights['of']:,} rounded to float16"
        yield "weights", f"{count}; {_format_levels(weights)}"
    sensitivity = parity["sensitivity"]
    yield from _sensitivity_rows(sensitivity, "", "pixels", " on a scale of [-1, 1]")
    if encoder := parity.get("encoder"):
        yield from _sensitivity_rows(encoder["sensitivity"], "encoder: ", "noise", "")


def _unsummarized(parity: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in parity.items() if key not in _SUMMARIZED}
    if isinstance(parity.get("encoder"), dict):
        rest["encoder"] = _unsummarized(parity["encoder"])
    return rest


def _format_graph(graph: Mapping[str, Any], default_limit: float) -> str:
    parts = []
    if errors := graph.get("error"):  # a float16 graph has only levels
        limit = graph.get("limit", default_limit)
        parts.append(f"error at most {max(errors.values()):.3g} (limit {limit:.3g})")
    if graph["levels"]:  # noise has no levels
        parts.append(_format_levels(max(graph["levels"].values(), key=_level_order)))
    return "; ".join(parts)


def _level_order(diff: Mapping[str, int]) -> tuple[int, int]:
    return diff["max"], diff["different"]


def _format_levels(diff: Mapping[str, int]) -> str:
    levels = f"at most {diff['max']} level{'' if diff['max'] == 1 else 's'} off"
    return f"{levels}, on {diff['different']:,} of {diff['values']:,} values"


def _sensitivity_rows(
    sensitivity: Mapping[str, Any], prefix: str, output: str, scale: str
) -> Iterator[Row]:
    required = f"{sensitivity['required']:.2g} required"
    for name, change in sensitivity["moved"].items():
        yield f"{prefix}{name}", f"changes {output} by up to {change:.3g}{scale} ({required})"
    if ignored := sensitivity["overridden"]:
        yield f"{prefix}overridden", f"{', '.join(ignored)}: ignored, but exported on request"


def _flatten(values: Mapping[str, Any], indent: str = "") -> Iterator[Row]:
    for key, value in values.items():
        name = f"{indent}{sanitize(key)}"
        if isinstance(value, dict) and value:
            yield name, ""
            yield from _flatten(value, indent + "  ")
        else:
            yield name, format_value(value)
