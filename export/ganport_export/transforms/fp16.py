"""A graph with its weights and arithmetic in float16, and its inputs and output as they were."""

from __future__ import annotations

import sys

import onnx

from ganport_export.formats.onnx_graph import stripped


def in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The float16 twin of a float32 graph; its inputs and output stay float32.

    The converter is the one inside onnxruntime, which every export has at hand for its gates; it
    is the maintained fork of onnxconverter-common's.
    """
    path = list(sys.path)
    from onnxruntime.transformers.float16 import convert_float_to_float16

    sys.path[:] = path  # the import above appends a folder of modules with everyday names
    twin = onnx.ModelProto()
    twin.CopyFrom(model)
    twin = convert_float_to_float16(twin, keep_io_types=True)
    _sort(twin.graph)
    return stripped(twin)


def _sort(graph: onnx.GraphProto) -> None:
    """Put every node behind those it reads from: the converter appends its casts at the end."""
    waiting = list(graph.node)
    made = {tensor.name for tensor in (*graph.input, *graph.initializer)} | {""}
    in_order: list[onnx.NodeProto] = []
    while waiting:
        ready = [node for node in waiting if made.issuperset(node.input)]
        assert ready, "the float16 graph has a circle"
        in_order += ready
        made.update(name for node in ready for name in node.output)
        waiting = [node for node in waiting if not made.issuperset(node.output)]
    del graph.node[:]
    graph.node.extend(in_order)
