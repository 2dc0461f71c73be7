"""The shapes that the rules compute are those that onnxruntime computes."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from ganport_runtime.bundle.graph_check import check_graph
from ganport_runtime.bundle.onnx_graph import Node, Value
from ganport_runtime.bundle.protobuf import Message
from ganport_runtime.bundle.shape_rules import infer_shapes

X = np.ones((2, 8, 6, 6), np.float32)
FLAT = np.ones((2, 12), np.float32)
SCALE = np.ones(8, np.float32)


def ints(*numbers: int) -> Any:
    return np.array(numbers, np.int64)


def ones(*shape: int) -> Any:
    return np.ones(shape, np.float32)


CASES: list[tuple[str, list[Any], dict[str, Any], int]] = [
    ("ArgMax", [X], {"axis": 1, "keepdims": 0}, 1),
    ("ArgMin", [X], {"axis": -1}, 1),
    ("AveragePool", [X], {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, 1),
    ("AveragePool", [X], {"kernel_shape": [2, 2], "auto_pad": "SAME_UPPER"}, 1),
    ("BatchNormalization", [X, SCALE, SCALE, SCALE, SCALE], {}, 1),
    ("Concat", [X, X], {"axis": -3}, 1),
    ("ConstantOfShape", [ints(2, 3)], {}, 1),
    ("Conv", [X, ones(4, 8, 3, 3)], {"pads": [1, 1, 1, 1], "strides": [2, 2]}, 1),
    ("Conv", [X, ones(8, 1, 3, 3)], {"group": 8, "dilations": [2, 2]}, 1),
    ("Conv", [X, ones(4, 8, 2, 2)], {"auto_pad": "SAME_LOWER", "strides": [2, 2]}, 1),
    ("Conv", [X, ones(4, 8, 2, 2)], {"auto_pad": "VALID"}, 1),
    ("ConvTranspose", [X, ones(8, 3, 4, 4)], {"strides": [2, 2], "pads": [1, 1, 1, 1]}, 1),
    ("ConvTranspose", [X, ones(8, 3, 3, 3)], {"strides": [2, 2], "output_padding": [1, 1]}, 1),
    ("ConvTranspose", [X, ones(8, 3, 3, 3)], {"output_shape": [9, 9], "strides": [2, 2]}, 1),
    ("ConvTranspose", [X, ones(8, 3, 3, 3)], {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, 1),
    ("DepthToSpace", [X], {"blocksize": 2}, 1),
    ("SpaceToDepth", [X], {"blocksize": 2}, 1),
    ("Einsum", [FLAT, ones(12, 3)], {"equation": "ni, io -> on"}, 1),
    ("Expand", [ones(2, 1, 6), ints(5, 1, 4, 1)], {}, 1),
    ("Flatten", [X], {"axis": -2}, 1),
    ("Gather", [X, ints(0, 2, 1)], {"axis": 1}, 1),
    ("GatherElements", [FLAT, np.zeros((2, 5), np.int64)], {"axis": 1}, 1),
    ("GatherND", [X, np.zeros((2, 3, 2), np.int64)], {}, 1),
    ("GatherND", [X, np.zeros((2, 3, 2), np.int64)], {"batch_dims": 1}, 1),
    ("Gemm", [FLAT, ones(3, 12)], {"transB": 1}, 1),
    ("Gemm", [FLAT, ones(2, 3)], {"transA": 1}, 1),
    ("GlobalAveragePool", [X], {}, 1),
    ("GlobalMaxPool", [X], {}, 1),
    ("EyeLike", [FLAT], {}, 1),
    ("LpPool", [X], {"kernel_shape": [2, 3], "strides": [1, 2]}, 1),
    ("GridSample", [X, np.zeros((2, 3, 4, 2), np.float32)], {}, 1),
    ("InstanceNormalization", [X, SCALE, SCALE], {}, 1),
    ("LayerNormalization", [X, ones(6)], {"axis": -1}, 1),
    ("MatMul", [ones(3, 1, 2, 12), ones(5, 12, 4)], {}, 1),
    ("MatMul", [ones(12), ones(5, 12, 4)], {}, 1),
    ("MatMul", [FLAT, ones(12)], {}, 1),
    ("MaxPool", [X], {"kernel_shape": [2, 2], "pads": [1, 0, 1, 0]}, 1),
    ("Mul", [ones(2, 1, 6), ones(8, 1)], {}, 1),
    ("OneHot", [ints(0, 1, 2), ints(7), ones(2)], {"axis": 0}, 1),
    ("Pad", [X, ints(0, 0, 1, 2, 0, 0, 3, -4)], {}, 1),
    ("Pad", [X, ints(1, 2, 3, 4), np.float32(0), ints(-1, 1)], {}, 1),
    ("Range", [np.float32(0), np.float32(3), np.float32(0.7)], {}, 1),
    ("Range", [np.int64(9), np.int64(0), np.int64(-2)], {}, 1),
    ("ReduceMean", [X], {"keepdims": 0}, 1),
    ("ReduceSum", [X, ints(-1, 1)], {}, 1),
    ("ReduceSum", [X], {"noop_with_empty_axes": 1}, 1),
    ("Reshape", [X, ints(0, -1, 2)], {}, 1),
    ("Resize", [X, None, np.array([1, 1, 2.5, 0.5], np.float32)], {}, 1),
    ("Resize", [X, None, None, ints(9, 4)], {"axes": [2, 3]}, 1),
    ("Shape", [X], {"start": -2}, 1),
    ("Size", [X], {}, 1),
    ("Slice", [X, ints(1, -1), ints(9, -9), ints(1, 3), ints(2, -1)], {}, 1),
    ("Slice", [X, ints(0), ints(2**62)], {}, 1),
    ("Split", [X, ints(3, 5)], {"axis": 1}, 2),
    ("Split", [X], {"axis": 1, "num_outputs": 3}, 3),
    ("Squeeze", [ones(1, 2, 1), ints(-1)], {}, 1),
    ("Squeeze", [ones(1, 2, 1)], {}, 1),
    ("Tanh", [X], {}, 1),
    ("Tile", [FLAT, ints(3, 2)], {}, 1),
    ("TopK", [X, ints(3)], {"axis": 1}, 2),
    ("Transpose", [X], {"perm": [0, 2, 3, 1]}, 1),
    ("Transpose", [ones(2, 3, 4)], {}, 1),
    ("Unsqueeze", [FLAT, ints(-1, 1)], {}, 1),
    ("Where", [np.ones((2, 1), bool), FLAT, ones(1)], {}, 1),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_infer_shapes_returns_the_shapes_of_onnxruntime(
    case: tuple[str, list[Any], dict[str, Any], int],
) -> None:
    operator, arrays, attributes, count = case
    names = ["" if array is None else f"i{index}" for index, array in enumerate(arrays)]
    outputs = [f"o{index}" for index in range(count)]
    node = helper.make_node(operator, names, outputs, **attributes)
    found = Node(Message(memoryview(node.SerializeToString())), 0, [1])
    found.inputs = [None if a is None else Value(np.shape(a), np.asarray(a)) for a in arrays]
    assert infer_shapes(found) == [image.shape for image in run(node, names, arrays)]


def run(node: onnx.NodeProto, names: list[str], arrays: list[Any]) -> list[Any]:
    """Return what onnxruntime computes."""
    inputs, feeds = [], {}
    for name, array in zip(names, arrays, strict=True):
        if array is not None:
            dtype = helper.np_dtype_to_tensor_dtype(np.asarray(array).dtype)
            inputs.append(helper.make_tensor_value_info(name, dtype, np.shape(array)))
            feeds[name] = np.asarray(array)
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
    model = helper.make_model(
        helper.make_graph([node], "g", inputs, outputs),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=8,
    )
    found = onnx.shape_inference.infer_shapes(model)
    session = onnxruntime.InferenceSession(
        found.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return list(session.run(None, feeds))


def test_content_of_shapes_is_followed_through_arithmetic() -> None:
    """A reshape to sizes that are computed from the batch, as exporters write it."""
    nodes = [
        helper.make_node("Shape", ["z"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["batch"], axis=0),
        helper.make_node("Mul", ["batch", "two"], ["double"]),
        helper.make_node("Div", ["double", "two"], ["half"]),
        helper.make_node("Unsqueeze", ["half", "axes"], ["list"]),
        helper.make_node("Concat", ["list", "rest"], ["wanted"], axis=0),
        helper.make_node("Reshape", ["z", "wanted"], ["image"]),
    ]
    constants = {"zero": np.int64(0), "two": np.int64(2), "axes": ints(0), "rest": ints(3, 2, 2)}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", 12])],
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 2, 2])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    check_graph(helper.make_model(graph).SerializeToString(), "here")
