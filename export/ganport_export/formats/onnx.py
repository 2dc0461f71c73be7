"""The ONNX files of a graph: plain, float16, polyphase, or with float16 weights."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import onnx
from onnx import helper

from ganport_export.artifact import Artifact, ExportInput, RoundedWeights, fp16_runner, onnx_runners
from ganport_export.formats.onnx_capture import capture_graph, module_paths
from ganport_export.interface import BATCH_DIM
from ganport_export.options import MIN_OPSET, ExportOptions
from ganport_export.transforms.fp16 import (
    convert_to_fp16,
    count_weights,
    round_weights,
    store_weights_as_fp16,
)
from ganport_export.transforms.onnx_heads import add_head
from ganport_export.transforms.opset import convert_opset
from ganport_export.transforms.polyphase import to_polyphase
from ganport_runtime.bundle.manifest import METADATA_KEY, GraphFile
from ganport_runtime.bundle.schema import POLYPHASE

PRODUCER = "ganport"


def write_onnx(export_input: ExportInput, options: ExportOptions, metadata: str) -> list[Artifact]:
    """Return the ONNX files that the options request, each with `metadata` inside.

    Raises UnsupportedError, ContractError or ParityError.
    """
    network, interface = export_input.network, export_input.interface
    opset = max(MIN_OPSET, options.opset)
    captured = capture_graph(network, interface, export_input.example, opset)
    modules = module_paths(captured, network)
    full = strip(captured)
    if options.opset < MIN_OPSET:
        full = convert_opset(full, options.opset, modules)
    graph, rounding = _round(full, export_input) if options.fp16_weights else (full, None)
    artifacts = []
    for file in options.graph_files(interface):
        if file.role != "onnx":
            continue
        if file.precision == "fp16":
            half = strip(convert_to_fp16(full))
            artifact = _make_artifact(file, half, export_input, options, metadata)
            modes = {"torch float16": fp16_runner(network, interface, file.path)}
            artifacts.append(replace(artifact, final_runners={**modes, **artifact.final_runners}))
        else:
            written = to_polyphase(graph, interface.stem) if file.form == POLYPHASE else graph
            stored = store_weights_as_fp16(written) if rounding else written
            artifact = _make_artifact(file, stored, export_input, options, metadata)
            artifacts.append(replace(artifact, rounding=rounding))
    return [replace(artifact, modules=modules) for artifact in artifacts]


def strip(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy without texts about people, paths or programs.

    The exporter writes stack traces with local paths into every node. Shapes inside the graph
    remain if only the batch is dynamic.
    """
    copied = copy.deepcopy(model)
    _clear_texts(copied)
    copied.producer_name, copied.producer_version = PRODUCER, ""
    copied.domain, copied.model_version = "", 0
    copied.ir_version = helper.find_min_ir_version_for(list(copied.opset_import))
    _rename_batch_dim(copied.graph)
    weights = {tensor.name for tensor in copied.graph.initializer}
    kept = [t for t in copied.graph.value_info if _is_static(t) and t.name not in weights]
    kept.sort(key=lambda tensor: tensor.name)
    del copied.graph.value_info[:]
    copied.graph.value_info.extend(kept)
    return copied


def serialize(model: onnx.ModelProto) -> bytes:
    """Return the bytes of a graph; equal graphs have equal bytes."""
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _round(
    full: onnx.ModelProto, export_input: ExportInput
) -> tuple[onnx.ModelProto, RoundedWeights]:
    """Return a graph with weights rounded to float16, and the effect of the rounding."""
    stem, rounded = export_input.interface.stem, round_weights(full)
    runners = onnx_runners(serialize(rounded), f"{stem}.onnx with rounded weights")
    runner = next(iter(runners.values()))
    before = onnx_runners(serialize(full), f"{stem}.onnx before rounding")
    reference = [runner(batch) for batch in export_input.batches]
    return rounded, RoundedWeights(*count_weights(full), before, reference)


def _make_artifact(
    file: GraphFile,
    graph: onnx.ModelProto,
    export_input: ExportInput,
    options: ExportOptions,
    metadata: str,
) -> Artifact:
    interface = export_input.interface
    head = interface.head(options.image)
    final = add_head(graph, interface.format, head)
    helper.set_model_props(final, {METADATA_KEY: metadata})
    raw_data, data = serialize(graph), serialize(final)
    raw_runners, final_runners = onnx_runners(raw_data, file.path), onnx_runners(data, file.path)
    return Artifact(file, interface, data, raw_runners, final_runners, head, raw_data)


def _clear_texts(message: Any) -> None:
    for field, value in message.ListFields():
        if field.name in ("doc_string", "metadata_props"):
            message.ClearField(field.name)
        elif field.message_type is not None:
            for part in [value] if hasattr(value, "ListFields") else value:
                _clear_texts(part)


def _rename_batch_dim(graph: onnx.GraphProto) -> None:
    # torch gives the dynamic dimension a name such as s20.
    names = {_first_dim(tensor) for tensor in graph.input} - {""}
    for tensor in (*graph.input, *graph.output, *graph.value_info):
        if _first_dim(tensor) in names:
            tensor.type.tensor_type.shape.dim[0].dim_param = BATCH_DIM


def _first_dim(tensor: onnx.ValueInfoProto) -> str:
    dims = tensor.type.tensor_type.shape.dim
    return str(dims[0].dim_param) if dims else ""


def _is_static(tensor: onnx.ValueInfoProto) -> bool:
    """Return whether all dimensions but the batch are numbers."""
    shape = tensor.type.tensor_type.shape
    return all(
        dim.HasField("dim_value") or (index == 0 and dim.dim_param == BATCH_DIM)
        for index, dim in enumerate(shape.dim)
    )
