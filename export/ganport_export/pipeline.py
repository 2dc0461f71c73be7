"""The whole way from a network to its bundle: prepare, write, gate, pack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from ganport_export.artifact import Artifact
from ganport_export.formats import onnx_artifacts, script_artifact
from ganport_export.gates.all import pass_graphs, pass_sensitivity
from ganport_export.graph import MIN_OPSET
from ganport_export.interface import Interface
from ganport_export.options import Options
from ganport_export.pack import check_json, describe, embedded, pack
from ganport_export.prepare import Prepared, prepare
from ganport_export.progress import Progress, Say
from ganport_export.provenance import package_versions, weights_digest
from ganport_export.report import Report
from ganport_export.samples import BATCHES
from ganport_export.target import Target


def export(
    module: nn.Module,
    interface: Interface,
    path: Path | str,
    *,
    format: str = "bundle",
    image: str = "uint8",
    opset: int = MIN_OPSET,
    precision: str = "fp32",
    license: str = "unspecified",
    allow_insensitive: bool = False,
    overwrite: bool = False,
    provenance: Mapping[str, Any] | None = None,
    progress: Say | None = None,
) -> Report:
    """Port a network to a bundle at `path`, through every gate of the contract.

    `module` is any network in eval mode that keeps `interface`; it is not changed. `format` is
    "onnx", "torchscript" or "bundle" (both); `image` "uint8" for rows a game can show or "float";
    `precision` "fp16" adds a half-precision graph. A path that ends in a slash becomes a folder,
    any other one a stored zip. `provenance` is plain JSON for the manifest; `progress` gets a
    line for each stage.

    Raises OptionError, UnsupportedError, ParityError, ContractError or DependencyError; nothing
    is written then, and an older bundle at `path` is as it was.
    """
    options = Options(format, image, opset, precision, license, allow_insensitive)
    check_json("provenance", provenance or {})
    target = Target.at(path, overwrite=overwrite)
    return _Export(module, interface, options, Progress(progress)).to(target, provenance or {})


@dataclass(frozen=True)
class _Export:
    module: nn.Module
    interface: Interface
    options: Options
    progress: Progress

    def to(self, target: Target, provenance: Mapping[str, Any]) -> Report:
        manifest = describe(self.interface, self.options)
        prepared = self._prepare()
        artifacts = self._write(prepared, embedded(manifest))
        parity = self._pass_gates(artifacts, prepared)
        with self.progress.stage("pack") as told:
            origin = dict(provenance) | self._origin()
            manifest = replace(manifest, parity=parity, provenance=origin)
            manifest, files = pack(manifest, artifacts, self.interface)
            target.write(files)
            told.append(f"{target.path}: {len(files)} files, {_size(files.values())}")
        seconds = self.progress.seconds
        return Report(target.path, manifest, self.options.opset, prepared.folded, seconds)

    def _prepare(self) -> Prepared:
        with self.progress.stage("prepare") as told:
            prepared = prepare(self.module, self.interface, self.options.image)
            weights = sum(weight.numel() for weight in prepared.network.parameters())
            told += [type(self.module).__name__, f"{weights:,} weights"]
            if prepared.folded:
                told.append(f"{len(prepared.folded)} norms folded")
        return prepared

    def _write(self, prepared: Prepared, text: str) -> list[Artifact]:
        artifacts: list[Artifact] = []
        if self.options.onnx:
            with self.progress.stage("onnx") as told:
                artifacts += onnx_artifacts(prepared, self.interface, self.options, text)
                told.append(f"opset {self.options.opset}")
                told += [f"{a.path} {_size([a.data])}" for a in artifacts]
        if self.options.torchscript:
            with self.progress.stage("torchscript") as told:
                artifacts.append(script_artifact(prepared, self.options, text))
                told.append(f"{artifacts[-1].path} {_size([artifacts[-1].data])}")
        return artifacts

    def _pass_gates(self, artifacts: list[Artifact], prepared: Prepared) -> dict[str, Any]:
        with self.progress.stage("parity") as told:
            graphs = pass_graphs(artifacts, prepared)
            errors = [e for graph in graphs.values() for e in graph.get("error", {}).values()]
            told.append(f"largest error {max(errors):.1e}, limit {prepared.limit:.1e}")
        with self.progress.stage("sensitivity") as told:
            allow = self.options.allow_insensitive
            sensitivity = pass_sensitivity(artifacts, self.interface, prepared.limit, allow=allow)
            told += [f"{name} {moved:.2g}" for name, moved in sensitivity["moved"].items()]
        return {
            "reference": "torch float64",
            "batches": list(BATCHES),
            "torch_float32": prepared.own_error,
            "limit": prepared.limit,
            "clipped": prepared.clipped,
            "graphs": graphs,
            "sensitivity": sensitivity,
        }

    def _origin(self) -> dict[str, Any]:
        return {
            "weights_sha256": weights_digest(self.module),
            "packages": package_versions(onnxruntime=self.options.onnx),
        }


def _size(parts: Any) -> str:
    total = sum(len(part) for part in parts)
    return f"{total / 1e6:.1f} MB" if total >= 1e6 else f"{total / 1e3:.1f} kB"
