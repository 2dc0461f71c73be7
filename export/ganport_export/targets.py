"""Targets of an export: programs that run the graph, with the operators that they have."""

from __future__ import annotations

import tomllib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from typing import Any

import onnx
from onnx import helper

from ganport_export.artifact import Artifact
from ganport_export.errors import OptionError, UnsupportedError

TARGETS = ("unity", "web", "onnxruntime")


@dataclass(frozen=True)
class Target:
    """One entry of `targets.toml`, which explains the fields."""

    name: str
    title: str
    version: str
    source: str
    head: str
    heads: Sequence[str]
    opset: int
    note: str
    head_reason: str = ""
    operators: str = ""
    gpu_operators: str = ""
    max_opset: int | None = None
    newer_version: str = ""
    newer_max_opset: int | None = None
    runtime_bytes: int = 0
    attributes: Mapping[str, Mapping[str, Sequence[Any]]] = field(default_factory=dict)
    attributes_note: str = ""

    def version_for(self, opset: int) -> str:
        """Return the lowest version known to read an opset; raises OptionError if there is none."""
        if self.max_opset is None or opset <= self.max_opset:
            return self.version
        if self.newer_max_opset and opset <= self.newer_max_opset:
            return self.newer_version
        limit = self.newer_max_opset or self.max_opset
        expected, fix = f"an opset of at most {limit}", f"Use --opset {self.opset}."
        raise OptionError(f"opset for {self.name}", expected, str(opset), fix)

    def check_head(self, head: str) -> None:
        """Raise OptionError for a head that the target cannot show."""
        if head not in self.heads:
            expected = f"--image {' or '.join(self.heads)}, because {self.head_reason}"
            raise OptionError(f"image for {self.name}", expected, head, f"Use {self.head}.")

    def check_graph(self, artifact: Artifact) -> None:
        """Raise UnsupportedError, with the modules, for an operator or value that is missing."""
        missing = self._missing(artifact, self.operators)
        if missing:
            operator, paths = next(iter(missing.items()))
            others = f"; also {', '.join(list(missing)[1:])}" if len(missing) > 1 else ""
            raise UnsupportedError(
                f"module {paths[0]!r}",
                f"operators of {self.title} {self.version}",
                f"{operator}, in {len(paths)} nodes{others}",
                f"Replace it in the network. {self.note} The list: {self.source}",
            )
        for node in onnx.load_from_string(artifact.data).graph.node:
            self._check_attributes(node, artifact)

    def _check_attributes(self, node: onnx.NodeProto, artifact: Artifact) -> None:
        known = self.attributes.get(node.op_type, {})
        for attribute in node.attribute:
            value = helper.get_attribute_value(attribute)
            text = value.decode() if isinstance(value, bytes) else value
            if attribute.name in known and text not in known[attribute.name]:
                values = " or ".join(map(str, known[attribute.name]))
                raise UnsupportedError(
                    f"module {artifact.modules.get(node.output[0], 'output head')!r}",
                    f"{node.op_type} with {attribute.name} = {values} for {self.title}",
                    f"{attribute.name} = {text}",
                    self.attributes_note,
                )

    def describe(self, artifact: Artifact, opset: int) -> dict[str, Any]:
        """Return what the target makes of a graph, as plain JSON: sizes, and nodes off the GPU."""
        size, packed = len(artifact.data), len(zlib.compress(artifact.data, 9))
        report: dict[str, Any] = {"name": self.name, "version": self.version_for(opset)}
        report |= {"opset": opset, "bytes": size, "gzip_bytes": packed}
        if self.runtime_bytes:
            report["runtime_bytes"] = self.runtime_bytes
        if self.gpu_operators:
            outside = self._missing(artifact, self.gpu_operators)
            report["cpu_operators"] = {name: len(paths) for name, paths in outside.items()}
        return report

    def _missing(self, artifact: Artifact, known: str) -> dict[str, list[str]]:
        """Return the modules of the nodes outside a list of operators, by operator."""
        listed, found = set(known.split()), dict[str, list[str]]()
        graph = onnx.load_from_string(artifact.data).graph
        for node in graph.node if listed else ():
            if node.op_type not in listed:
                path = artifact.modules.get(node.output[0], "output head")
                found.setdefault(node.op_type, []).append(path)
        return found


def find_target(name: str) -> Target:
    """Return the target called `name`; raises OptionError for another name."""
    table = _table()
    if name not in table:
        fix = f"Use target={TARGETS[0]!r}."
        raise OptionError("target", f"one of {', '.join(TARGETS)}", repr(name), fix)
    known = {field.name for field in fields(Target)}
    return Target(name, **{key: value for key, value in table[name].items() if key in known})


def format_report(report: Mapping[str, Any]) -> str:
    """Return a line of text for a target's report."""
    parts = [f"{report['name']} {report['version']}, opset {report['opset']}"]
    parts.append(f"{report['bytes'] / 1e6:.1f} MB, {report['gzip_bytes'] / 1e6:.1f} MB compressed")
    if "runtime_bytes" in report:
        parts.append(f"runtime {report['runtime_bytes'] / 1e6:.1f} MB")
    if report.get("cpu_operators"):
        parts.append(f"on the CPU under WebGPU: {', '.join(report['cpu_operators'])}")
    return ", ".join(parts)


@cache
def _table() -> dict[str, Any]:
    text = files("ganport_export").joinpath("targets.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
