"""The ExportedProgram of a graph, `.pt2`: the successor of TorchScript in torch."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram

from ganport_export.artifact import Artifact, ExportInput, torch_runner
from ganport_export.formats import suppress_known_messages
from ganport_export.formats.onnx_capture import capture_program
from ganport_export.formats.torch_wrappers import wrap
from ganport_export.formats.trusted_files import compare_files
from ganport_export.options import ExportOptions
from ganport_export.transforms.output_heads import OutputHead
from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.manifest import METADATA_KEY
from ganport_runtime.verify import Check

_LOCAL_RECORDS = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node")
"""Metadata of nodes with source paths and module names, which no program reads."""
MODE = "ExportedProgram"


def write_pt2(export_input: ExportInput, options: ExportOptions, metadata: str) -> list[Artifact]:
    """Return the file of the network's ExportedProgram with `metadata` inside.

    Raises UnsupportedError, or ContractError for a network with a fixed batch.
    """
    interface, example = export_input.interface, export_input.example
    head = OutputHead(interface.format, interface.head(options.image)).eval()
    programs = [
        capture_program(wrap(export_input.network, part, example), example)
        for part in (nn.Identity(), head)
    ]
    data = save(programs[1], METADATA_KEY, metadata)
    (file,) = (file for file in options.graph_files(interface) if file.role == "pt2")
    raw, final = programs[0].module(), load(data, METADATA_KEY)[0]
    raw_runners, final_runners = {MODE: torch_runner(raw)}, {MODE: torch_runner(final)}
    return [Artifact(file, interface, data, raw_runners, final_runners, head.head)]


def save(program: ExportedProgram, key: str, metadata: str) -> bytes:
    """Return the file of a program with `metadata` under `key`, without local paths."""
    for part in program.graph_module.modules():
        for node in part.graph.nodes if isinstance(part, torch.fx.GraphModule) else ():
            for record in _LOCAL_RECORDS:
                node.meta.pop(record, None)
    buffer = io.BytesIO()
    with suppress_known_messages():
        torch.export.save(program, buffer, extra_files={key: metadata})
    return buffer.getvalue()


def load(data: bytes, key: str) -> tuple[nn.Module, str]:
    """Return the network of an ExportedProgram, and its metadata under `key` or "".

    Loading runs code of the file's author.
    """
    extra_files: dict[str, Any] = {key: ""}
    with suppress_known_messages():
        program = torch.export.load(io.BytesIO(data), extra_files=extra_files)
    return program.module(), str(extra_files[key])


def compare_pt2(bundle: Bundle) -> Iterator[Check]:
    """Run every ExportedProgram of a bundle, and compare it with its manifest and fixtures."""
    return compare_files(bundle, "pt2", lambda data: load(data, METADATA_KEY))
