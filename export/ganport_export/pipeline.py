"""The export of a network: prepare it, write its graphs, check them, write the bundle."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from ganport_export.adapter import uncompiled
from ganport_export.artifact import Artifact, ExportInput
from ganport_export.bundle_writer import (
    BundleWriter,
    assemble,
    build_manifest,
    check_json,
    metadata_json,
    write_directions,
)
from ganport_export.checks import CheckResult, run_checks, summarize
from ganport_export.checks.preflight import prepare
from ganport_export.errors import OptionError
from ganport_export.formats.onnx import write_onnx
from ganport_export.formats.pt2 import write_pt2
from ganport_export.formats.torchscript import write_torchscript
from ganport_export.interface import Interface
from ganport_export.options import ExportOptions
from ganport_export.provenance import describe_origin
from ganport_export.targets import format_report
from ganport_runtime.bundle.manifest import DIRECTIONS_NAME, Manifest
from ganport_runtime.values import repr_short

ProgressCallback = Callable[[str], None]
"""Receives one line of text per stage."""
_WRITERS = {"onnx": write_onnx, "torchscript": write_torchscript, "pt2": write_pt2}


@dataclass(frozen=True)
class ExportReport:
    """A written bundle, with all measurements in its manifest."""

    path: Path
    manifest: Manifest
    opset: int
    folded: tuple[str, ...]
    """Paths of the tensors into which a norm was folded."""
    seconds: Mapping[str, float]
    """Duration of each stage."""
    target: Mapping[str, Any] | None = None
    """Version, sizes and operators of the target, if one was given."""

    def to_json(self) -> dict[str, Any]:
        """Return every measurement as plain JSON."""
        return {
            "path": str(self.path),
            "opset": self.opset,
            "folded": list(self.folded),
            "seconds": dict(self.seconds),
            "files": {name: asdict(entry) for name, entry in self.manifest.files.items()},
            **({"target": dict(self.target)} if self.target else {}),
            "parity": dict(self.manifest.parity),
            "provenance": dict(self.manifest.provenance),
        }


def export(
    module: nn.Module,
    interface: Interface,
    path: Path | str,
    *,
    encoder: nn.Module | None = None,
    directions: Mapping[str, NDArray[Any]] | None = None,
    target: str | None = None,
    format: str | None = None,
    image: str | None = None,
    opset: int | None = None,
    precision: str = "fp32",
    weights: str = "fp32",
    polyphase: bool = False,
    license: str = "unspecified",
    allow_insensitive: bool = False,
    lift_noise: bool = False,
    overwrite: bool = False,
    provenance: Mapping[str, Any] | None = None,
    progress: ProgressCallback | None = None,
) -> ExportReport:
    """Export a network to a bundle at `path`, after it passes every check of the contract.

    - `module`: any network in eval mode whose `forward` has this interface. It is not changed. If
      torch.compile wrapped it, the network inside is exported.
    - `interface`: inputs, output and conditions of the network.
    - `path`: `NAME.ganport`, a folder if it ends in a slash, else a stored zip; with format
      "onnx" also `NAME.onnx`, the graph alone.
    - `encoder`: inverse of an invertible network, `forward(image, condition)` to z. It becomes a
      second graph.
    - `directions`: latent directions by attribute, float32 arrays of the shape of z.
    - `target`: "unity", "web" or "onnxruntime" sets format, image and opset, and checks every
      operator against the list of that program.
    - `format`: "onnx", "torchscript" or "pt2" (an ExportedProgram), several with commas, or
      "bundle" for the first two, the default.
    - `image`: the head, by default "uint8" for images (N, H, W, C) with straight alpha; "float" for
      (N, C, H, W) in [-1, 1] with premultiplied colors; "unit" for (N, C, H, W) in [0, 1] with
      straight alpha.
    - `opset`: ONNX operator set, 18 or higher; from 15 for the target "unity".
    - `precision`: "fp16" adds a float16 graph.
    - `weights`: "fp16" rounds the weights of the ONNX files to float16. This halves the files; the
      arithmetic stays float32.
    - `polyphase`: add a graph in which transposed convolutions are plain convolutions.
    - `license`: license of the weights, one line for the manifest.
    - `allow_insensitive`: export a network that ignores an input, and record this in the manifest.
    - `lift_noise`: make normal numbers that `forward` draws a part of z: the latent, then the noise
      maps in the order of forward, flattened.
    - `overwrite`: replace an existing bundle.
    - `provenance`: plain JSON for the manifest.
    - `progress`: receives a line of text after each stage.

    Raises OptionError, UnsupportedError, ParityError, ContractError or DependencyError. Then
    nothing is written, and an existing bundle at `path` stays as it was.
    """
    options = ExportOptions.of(
        target,
        format=format,
        image=image,
        opset=opset,
        precision=precision,
        weights=weights,
        polyphase=polyphase,
        license=license,
        allow_insensitive=allow_insensitive,
        lift_noise=lift_noise,
    )
    check_json("provenance", provenance or {})
    _check_arguments(module, interface, encoder)
    sources = [(uncompiled(module), interface)]
    if encoder is not None:
        if options.fp16_weights:
            fix = "Leave the option out: rounded networks would not be inverses of each other."
            raise OptionError("weights fp16", "a generator without encoder", "an encoder", fix)
        sources.append((uncompiled(encoder), interface.encoder()))
    extra_files = {DIRECTIONS_NAME: write_directions(directions, interface)} if directions else {}
    graphs = [file.path for _, source in sources for file in options.graph_files(source)]
    writer = BundleWriter.at(path, graphs, overwrite=overwrite)
    stages = _Stages(progress)

    inputs = _prepare(sources, options, stages)
    manifest = build_manifest([export_input.interface for export_input in inputs], options)
    artifacts = _write_graphs(inputs, manifest, options, stages)
    results = _check(artifacts, inputs, options, stages)
    target_report = _check_target(artifacts, options, stages)
    with stages.run("pack") as messages:
        origin = dict(provenance or {}) | describe_origin(
            [module for module, _ in sources], options
        )
        if inputs[0].lifted:
            origin["lifted_noise"] = list(inputs[0].lifted)
        if target_report:
            origin["target"] = {key: target_report[key] for key in ("name", "version", "opset")}
        manifest = replace(manifest, parity=summarize(results), provenance=origin)
        all_artifacts = [artifact for group in artifacts for artifact in group]
        manifest, files = assemble(manifest, all_artifacts, extra_files)
        writer.write(files)
        written = {writer.graph: files[writer.graph]} if writer.graph else files
        messages.append(f"{writer.path}: {len(written)} files, {_format_size(written.values())}")
    folded = dict.fromkeys(name for export_input in inputs for name in export_input.folded)
    return ExportReport(
        writer.path, manifest, options.opset, tuple(folded), stages.seconds, target_report
    )


def _check_arguments(module: object, interface: object, encoder: object) -> None:
    """Raise OptionError for networks that cannot be exported, and for another interface."""
    if not isinstance(interface, Interface):
        fix = "Describe the network: Interface(name=..., z=..., resolution=..., conditions=...)."
        raise OptionError("interface", "an Interface", repr_short(interface), fix)
    for name, network in (("module", module), ("encoder", encoder)):
        if name == "encoder" and network is None:
            continue
        found, fix = type(network).__name__, "Pass the network itself, in eval mode."
        if isinstance(network, torch.jit.ScriptModule):
            fix = "Pass the network that it was traced or scripted from."
        elif isinstance(network, Mapping):
            fix = "Build the network, call load_state_dict with these weights, and pass it."
        elif isinstance(network, nn.Module):
            continue
        raise OptionError(name, "a torch.nn.Module of Python code", found, fix)


class _Stages:
    """Times the stages of an export, and reports each of them."""

    def __init__(self, progress: ProgressCallback | None) -> None:
        self._progress = progress
        self.seconds: dict[str, float] = {}

    @contextmanager
    def run(self, name: str) -> Iterator[list[str]]:
        """Run a stage; its line contains the messages that the block appends to the list."""
        messages: list[str] = []
        start = time.perf_counter()
        yield messages
        self.seconds[name] = round(time.perf_counter() - start, 3)
        if self._progress:
            self._progress(f"{name:<12} {', '.join(messages)} ({self.seconds[name]:.1f} s)")


def _prepare(
    sources: Sequence[tuple[nn.Module, Interface]], options: ExportOptions, stages: _Stages
) -> list[ExportInput]:
    with stages.run("prepare") as messages:
        inputs = []
        for module, interface in sources:
            lift_noise = options.lift_noise and interface.input_name == "z"
            inputs.append(prepare(module, interface, options.image, lift_noise=lift_noise))
            weights = sum(weight.numel() for weight in inputs[-1].network.parameters())
            messages += [type(module).__name__, f"{weights:,} weights"]
        folded = sum(len(export_input.folded) for export_input in inputs)
        messages += [f"{folded} norms folded"] if folded else []
        lifted = inputs[0].lifted
        messages += [f"{len(lifted)} noise maps in z"] if lifted else []
    return inputs


def _write_graphs(
    inputs: Sequence[ExportInput], manifest: Manifest, options: ExportOptions, stages: _Stages
) -> list[list[Artifact]]:
    """Return the graph files of every network."""
    texts = [metadata_json(manifest, graph) for graph in manifest.graphs]
    artifacts: list[list[Artifact]] = [[] for _ in inputs]
    for format in (format for format in _WRITERS if format in options.formats):
        with stages.run(format) as messages:
            messages += [f"opset {options.opset}"] if format == "onnx" else []
            for group, export_input, text in zip(artifacts, inputs, texts, strict=True):
                written = _WRITERS[format](export_input, options, text)
                messages += [f"{a.path} {_format_size([a.data])}" for a in written]
                group += written
    return artifacts


def _check(
    artifacts: Sequence[Sequence[Artifact]],
    inputs: Sequence[ExportInput],
    options: ExportOptions,
    stages: _Stages,
) -> list[CheckResult]:
    with stages.run("checks") as messages:
        results = []
        for group, export_input in zip(artifacts, inputs, strict=True):
            result = run_checks(group, export_input, options)
            effects = (f"{k} {v:.2g}" for k, v in result.sensitivity["moved"].items())
            messages.append(f"largest error {result.max_error:.1e}")
            messages.append(f"limit {export_input.limit:.1e}, effects: {', '.join(effects)}")
            results.append(result)
    return results


def _check_target(
    artifacts: Sequence[Sequence[Artifact]], options: ExportOptions, stages: _Stages
) -> dict[str, Any] | None:
    """Check the ONNX files against the operators of the target; return its report on the first."""
    target = options.target
    if target is None:
        return None
    with stages.run("target") as messages:
        graphs = [artifact for group in artifacts for artifact in group if artifact.raw_data]
        for artifact in graphs:
            target.check_graph(artifact)
        report = target.describe(graphs[0], options.opset)
        messages.append(format_report(report))
    return report


def _format_size(parts: Iterable[bytes]) -> str:
    total = sum(len(part) for part in parts)
    return f"{total / 1e6:.1f} MB" if total >= 1e6 else f"{total / 1e3:.1f} kB"
