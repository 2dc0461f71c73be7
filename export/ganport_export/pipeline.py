"""The whole way from networks to their bundle: prepare, write, gate, pack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from torch import nn

from ganport_export.bundle_writer import Target
from ganport_export.checks.all import (
    measured,
    pass_graphs,
    pass_rounding,
    pass_sensitivity,
)
from ganport_export.directions import write_directions
from ganport_export.formats.formats import onnx_artifacts, script_artifact
from ganport_export.formats.onnx_graph import MIN_OPSET
from ganport_export.interface import Interface
from ganport_export.manifest_builder import (
    check_json,
    describe,
    embedded,
    pack,
)
from ganport_export.options import Options, check_encoder
from ganport_export.prepare import Prepared, prepare
from ganport_export.progress import Progress, Say
from ganport_export.provenance import package_versions, weights_digest
from ganport_export.report import Report
from ganport_export.runners import Artifact
from ganport_runtime.bundle.latent_directions import DIRECTIONS_NAME


def export(
    module: nn.Module,
    interface: Interface,
    path: Path | str,
    *,
    encoder: nn.Module | None = None,
    directions: Mapping[str, NDArray[Any]] | None = None,
    format: str = "bundle",
    image: str = "uint8",
    opset: int = MIN_OPSET,
    precision: str = "fp32",
    weights: str = "fp32",
    phase: bool = False,
    license: str = "unspecified",
    allow_insensitive: bool = False,
    overwrite: bool = False,
    provenance: Mapping[str, Any] | None = None,
    progress: Say | None = None,
) -> Report:
    """Port a network to a bundle at `path`, through every gate of the contract.

    `module` is any network in eval mode that keeps `interface`; it is not changed. `encoder` is
    the way back of an invertible one, `forward(image, condition)` to z, and becomes a second graph
    of the bundle; `directions` are float32 arrays of z's shape, by the name of an attribute.
    `format` is "onnx", "torchscript" or "bundle" (both); `image` "uint8" for rows a game can show
    or "float"; `precision` "fp16" adds a half-precision graph; `weights` "fp16" rounds those of the
    ONNX files, which halves the files and leaves their arithmetic in float32; `phase` adds a graph
    in which transposed convolutions are plain ones. A path that ends in a slash becomes a folder,
    any other one a stored zip. `provenance` is plain JSON for the manifest; `progress` gets a line
    for each stage.

    Raises OptionError, UnsupportedError, ParityError, ContractError or DependencyError; nothing
    is written then, and an older bundle at `path` is as it was.
    """
    options = Options(
        format=format,
        image=image,
        opset=opset,
        precision=precision,
        weights=weights,
        phase=phase,
        license=license,
        allow_insensitive=allow_insensitive,
    )
    check_json("provenance", provenance or {})
    parts = [_Part(module, interface)]
    if encoder is not None:
        check_encoder(options)
        parts.append(_Part(encoder, interface.encoder()))
    more = {DIRECTIONS_NAME: write_directions(directions, interface)} if directions else {}
    target = Target.at(path, overwrite=overwrite)
    return _Export(parts, options, Progress(progress)).to(target, provenance or {}, more)


@dataclass(frozen=True)
class _Part:
    """A network, and what the graph that it becomes will be."""

    module: nn.Module
    interface: Interface


@dataclass(frozen=True)
class _Export:
    parts: Sequence[_Part]
    options: Options
    progress: Progress

    def to(
        self, target: Target, provenance: Mapping[str, Any], more: Mapping[str, bytes]
    ) -> Report:
        manifest = describe([part.interface for part in self.parts], self.options)
        prepared = self._prepare()
        texts = [embedded(manifest, graph) for graph in manifest.graphs]
        written = self._write(prepared, texts)
        parity = self._pass_gates(written, prepared)
        with self.progress.stage("pack") as told:
            origin = dict(provenance) | self._origin()
            manifest = replace(manifest, parity=parity, provenance=origin)
            manifest, files = pack(manifest, [a for one in written for a in one], more)
            target.write(files)
            told.append(f"{target.path}: {len(files)} files, {_size(files.values())}")
        folded = dict.fromkeys(name for one in prepared for name in one.folded)
        seconds = self.progress.seconds
        return Report(target.path, manifest, self.options.opset, tuple(folded), seconds)

    def _prepare(self) -> list[Prepared]:
        with self.progress.stage("prepare") as told:
            found = []
            for part in self.parts:
                found.append(prepare(part.module, part.interface, self.options.image))
                weights = sum(weight.numel() for weight in found[-1].network.parameters())
                told += [type(part.module).__name__, f"{weights:,} weights"]
            folded = sum(len(one.folded) for one in found)
            told += [f"{folded} norms folded"] if folded else []
        return found

    def _write(self, prepared: Sequence[Prepared], texts: Sequence[str]) -> list[list[Artifact]]:
        """The files of every part."""
        written: list[list[Artifact]] = [[] for _ in prepared]
        if self.options.onnx:
            with self.progress.stage("onnx") as told:
                told.append(f"opset {self.options.opset}")
                for artifacts, one, text in zip(written, prepared, texts, strict=True):
                    artifacts += onnx_artifacts(one, self.options, text)
                    told += [f"{a.path} {_size([a.data])}" for a in artifacts]
        if self.options.torchscript:
            with self.progress.stage("torchscript") as told:
                for artifacts, one, text in zip(written, prepared, texts, strict=True):
                    artifacts.append(script_artifact(one, self.options, text))
                    told.append(f"{artifacts[-1].path} {_size([artifacts[-1].data])}")
        return written

    def _pass_gates(
        self, written: Sequence[Sequence[Artifact]], prepared: Sequence[Prepared]
    ) -> dict[str, Any]:
        pairs = list(zip(written, prepared, strict=True))
        with self.progress.stage("parity") as told:
            rounding = [pass_rounding(artifacts, one) for artifacts, one in pairs]
            graphs = [pass_graphs(artifacts, one) for artifacts, one in pairs]
            for files, one in zip(graphs, prepared, strict=True):
                errors = [e for file in files.values() for e in file.get("error", {}).values()]
                told.append(f"largest error {max(errors):.1e}, limit {one.limit:.1e}")
        with self.progress.stage("sensitivity") as told:
            allow = self.options.allow_insensitive
            moved = [pass_sensitivity(artifacts, one, allow=allow) for artifacts, one in pairs]
            for figures in moved:
                told += [f"{name} {distance:.2g}" for name, distance in figures["moved"].items()]
        return measured(prepared, graphs, moved, rounding)

    def _origin(self) -> dict[str, Any]:
        digests = {
            f"{'encoder_' if place else ''}weights_sha256": weights_digest(part.module)
            for place, part in enumerate(self.parts)
        }
        return digests | {"packages": package_versions(onnxruntime=self.options.onnx)}


def _size(parts: Any) -> str:
    total = sum(len(part) for part in parts)
    return f"{total / 1e6:.1f} MB" if total >= 1e6 else f"{total / 1e3:.1f} kB"
