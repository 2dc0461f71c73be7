"""Graphs that cost more than their outputs, and graphs with numbers in foreign wire types."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

node = helper.make_node


def sizes(*numbers: int) -> Any:
    return np.array(numbers, np.int64)


COSTLY_CONSTANTS: dict[str, Any] = {
    "x_sizes": sizes(1, 1, 512, 512), "w_sizes": sizes(1, 16, 64, 64), "many": sizes(2**23),
    "long": sizes(2**15), "maps": sizes(1, 4, 64, 64), "deep": sizes(1, 1, 4, 4, 4, 4),
    "axes_17": np.arange(15), "half": sizes(2**27), "lengths": sizes(1, 1, 20, 10),
    "picture": sizes(1, 1, 64, 64),
}  # fmt: skip


def costly_graphs() -> dict[str, list[onnx.NodeProto]]:
    """Return graphs whose memory or work is not that of their outputs, or of a refused type."""
    x, w = (node("ConstantOfShape", [f"{name}_sizes"], [name]) for name in "xw")
    long = node("ConstantOfShape", ["long"], ["l"])
    maps = node("ConstantOfShape", ["maps"], ["maps_4"])
    powers = [node("Pow", ["m" if i == 0 else f"p{i}", "m"], [f"p{i + 1}"]) for i in range(400)]
    kept = [node("ConstantOfShape", ["half"], [f"k{i}"]) for i in range(6)]
    freed = [node("ReduceMax", [f"k{i}"], [f"r{i}"]) for i in range(6)]
    einsum = {"equation": "a,b,a,b->"}
    resized = {"keep_aspect_ratio_policy": "not_smaller"}
    return {
        "columns of ConvTranspose": [x, w, node("ConvTranspose", ["x", "w"], ["image"])],
        "convolution over four axes": [
            node("ConstantOfShape", ["deep"], ["v"]), node("Conv", ["v", "v"], ["image"])
        ],
        "Einsum of four inputs": [long, node("Einsum", ["l"] * 4, ["image"], **einsum)],
        "Einsum that broadcasts": [
            node("ConstantOfShape", ["row_sizes"], ["row"]),
            node("ConstantOfShape", ["column_sizes"], ["column"]),
            node("Einsum", ["column", "row"], ["image"], equation="ab,ab->ab"),
        ],
        "LRN": [maps, node("LRN", ["maps_4"], ["image"], size=2**18 - 1)],
        "LRN of five channels": [maps, node("LRN", ["maps_4"], ["image"], size=5)],
        "PRelu in both directions": [
            node("ConstantOfShape", ["row_sizes"], ["row"]),
            node("ConstantOfShape", ["column_sizes"], ["column"]),
            node("PRelu", ["row", "column"], ["image"]),
        ],
        "Resize of a kept aspect ratio": [
            maps, node("Resize", ["maps_4", "", "", "lengths"], ["image"], **resized)
        ],
        "Cast to texts": [node("Cast", ["z"], ["image"], to=TensorProto.STRING)],
        "Cast of a constant to float16": [
            node("Cast", ["axes"], ["half_float"], to=TensorProto.FLOAT16),
            node("Relu", ["z"], ["image"]),
        ],
        "constants that are not freed": [*(n for p in zip(kept, freed, strict=True) for n in p)],
        "17 axes": [node("Unsqueeze", ["z", "axes_17"], ["image"])],
        "work of Pow": [
            node("ReduceMax", ["z"], ["largest"], keepdims=0),
            node("Expand", ["largest", "many"], ["m"]),
            *powers,
        ],
        "scales of GroupNormalization": [
            maps, node("GroupNormalization", ["maps_4", "one", "one"], ["image"], num_groups=2)
        ],
        "operators with buffers": [
            node("ConstantOfShape", ["picture"], ["p"]),
            node("ConstantOfShape", ["picture"], ["q"]),
            node("MatMul", ["p", "q"], ["pq"]),
            node("Conv", ["p", "q"], ["c"]),
            node("ConvTranspose", ["p", "q"], ["t"], strides=[2, 2]),
            node("Einsum", ["p", "q"], ["e"], equation="abcd,abed->abce"),
            node("MaxPool", ["p"], ["m"], kernel_shape=[3, 3]),
            node("Where", ["p", "q", "pq"], ["image"]),
        ],
    }  # fmt: skip


def foreign_types() -> dict[str, bytes]:
    """Return graphs with numbers in wire types that protobuf ignores in these fields."""
    tensor = numpy_helper.from_array(np.ones(2, np.float32), "t").SerializeToString()
    ints = node("Constant", [], ["c"], value_ints=[1, 2]).attribute[0].SerializeToString()
    floats = node("Constant", [], ["c"], value_floats=[1, 2]).attribute[0].SerializeToString()
    changes = {
        "dims in fixed64": (tensor, b"\x09" + bytes(8)),
        "dims in fixed32": (tensor, b"\x0d" + bytes(4)),
        "ints in fixed64": (ints, b"\x41" + bytes(8)),
        "ints in fixed32": (ints, b"\x45" + bytes(4)),
        "floats in fixed64": (floats, b"\x39" + bytes(8)),
        "floats in a varint": (floats, b"\x38\x01"),
    }
    graphs = {name: with_message(part, part + more) for name, (part, more) in changes.items()}
    graphs["a length of the output in bytes"] = with_bytes_as_length()
    return graphs


def with_bytes_as_length() -> bytes:
    """Return a graph whose output has a length that is bytes, which protobuf ignores."""
    z, image = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 12])
        for name in ("z", "image")
    )
    image.type.tensor_type.shape.dim[1].ParseFromString(b"\x0a\x01a")
    graph = helper.make_graph([node("Relu", ["z"], ["image"])], "g", [z], [image])
    opsets = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def with_message(part: bytes, replacement: bytes) -> bytes:
    """Return a graph that holds `replacement`, an initializer or the attribute of a constant."""
    relu = node("Relu", ["z"], ["image"]).SerializeToString()
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 12])
        for name in ("z", "image")
    ]
    graph = helper.make_graph([], "g", values[:1], values[1:]).SerializeToString() + field(1, relu)
    if part.startswith(b"\x08"):  # dims come first in a tensor
        graph += field(5, replacement)
    else:
        graph += field(1, field(2, b"c") + field(4, b"Constant") + field(5, replacement))
    opset = helper.make_opsetid("", 18).SerializeToString()
    return b"\x08\x08" + field(7, graph) + field(8, opset)


def field(number: int, value: bytes) -> bytes:
    """Return a field of a protobuf message with a length below 2^14."""
    return bytes([number << 3 | 2, len(value) & 0x7F | 0x80, len(value) >> 7]) + value
