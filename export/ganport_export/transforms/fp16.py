"""float16: a graph in half precision, and weights stored in half precision."""

from __future__ import annotations

import copy
import sys

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ganport_export.errors import ParityError

_MIN_SIZE = 256
"""Elements of the smallest weight that is stored in float16; a smaller one saves nothing."""


def convert_to_fp16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a float16 copy of a float32 graph whose inputs and output stay float32.

    The converter is the one of onnxruntime, a maintained fork of onnxconverter-common's.
    """
    path = list(sys.path)
    from onnxruntime.transformers.float16 import convert_float_to_float16

    sys.path[:] = path  # the import appends a folder of modules with generic names
    copied = copy.deepcopy(model)
    converted: onnx.ModelProto = convert_float_to_float16(copied, keep_io_types=True)
    _sort_nodes(converted.graph)
    return converted


def round_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy with matrices and kernels rounded to float16 and still stored in float32.

    Vectors are not rounded: biases and norm statistics are small, and float16 cannot represent a
    small variance. Raises ParityError for a weight beyond the largest float16 number, 65504.
    """
    copied = copy.deepcopy(model)
    for tensor in copied.graph.initializer:
        if _is_rounded(tensor):
            values = _to_fp16(tensor).astype(np.float32)
            if not np.isfinite(values).all():
                largest = float(np.abs(numpy_helper.to_array(tensor)).max())
                raise ParityError(
                    f"weight {tensor.name!r}",
                    "numbers that float16 can represent, up to 65504",
                    f"{largest:.3g}",
                    "This network requires float32 weights: export it without --weights fp16.",
                )
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return copied


def store_weights_as_fp16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy that stores every weight that float16 represents exactly as float16 plus Cast.

    The copy computes the same bits as `model`: runtimes evaluate the casts when they load it.
    """
    copied = copy.deepcopy(model)
    casts = []
    for tensor in copied.graph.initializer:
        if _is_rounded(tensor) and np.array_equal(_to_fp16(tensor), numpy_helper.to_array(tensor)):
            name, stored = tensor.name, f"{tensor.name}.stored"
            tensor.CopyFrom(numpy_helper.from_array(_to_fp16(tensor), stored))
            cast = helper.make_node("Cast", [stored], [name], f"{name}.cast", to=TensorProto.FLOAT)
            casts.append(cast)
    nodes = [*casts, *copied.graph.node]
    del copied.graph.node[:]
    copied.graph.node.extend(nodes)
    return copied


def count_weights(model: onnx.ModelProto) -> tuple[int, int]:
    """Return how many numbers `round_weights` rounds, and how many float32 numbers there are."""
    weights = [t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT]
    sizes = [(int(np.prod(t.dims)), _is_rounded(t)) for t in weights]
    return sum(size for size, rounded in sizes if rounded), sum(size for size, _ in sizes)


def _sort_nodes(graph: onnx.GraphProto) -> None:
    """Sort the nodes topologically: the converter appends its casts at the end."""
    remaining = list(graph.node)
    known = {tensor.name for tensor in (*graph.input, *graph.initializer)} | {""}
    in_order: list[onnx.NodeProto] = []
    while remaining:
        ready = [node for node in remaining if known.issuperset(node.input)]
        assert ready, "the float16 graph has a cycle"
        in_order += ready
        known.update(name for node in ready for name in node.output)
        remaining = [node for node in remaining if not known.issuperset(node.output)]
    del graph.node[:]
    graph.node.extend(in_order)


def _is_rounded(tensor: onnx.TensorProto) -> bool:
    shape = tensor.dims
    return tensor.data_type == TensorProto.FLOAT and len(shape) > 1 and np.prod(shape) >= _MIN_SIZE


def _to_fp16(tensor: onnx.TensorProto) -> NDArray[np.float16]:
    with np.errstate(over="ignore"):  # a number that is too large becomes infinity
        return numpy_helper.to_array(tensor).astype(np.float16)
