"""Inputs and graphs for the tests of CUDA."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="session")
def feeds() -> Callable[[int], dict[str, Any]]:
    """Return a function that makes random inputs of `tiny.onnx`."""

    def make(rows: int) -> dict[str, Any]:
        random = np.random.default_rng(rows)
        return {
            "z": random.standard_normal((rows, 4)).astype(np.float32),
            "condition": random.random((rows, 5), np.float32),
        }

    return make


@pytest.fixture(scope="module")
def convolutions() -> dict[str, bytes]:
    """Return a graph of `tiny.onnx`'s inputs with a ConvTranspose and a bias, by precision."""
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, {"fp32": np.float32, "fp16": np.float16}
    random, models = np.random.default_rng(0), {}
    shapes = {"w": (9, 128), "k": (8, 3, 4, 4), "b": (3,)}
    numbers = {name: random.normal(0, 0.3, shape) for name, shape in shapes.items()}
    for precision, dtype in kinds.items():
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        weights = [onnx.numpy_helper.from_array(x.astype(dtype), n) for n, x in numbers.items()]
        shape = onnx.numpy_helper.from_array(np.array([-1, 8, 4, 4]), "shape")
        scale = onnx.numpy_helper.from_array(np.float32(127.5), "scale")
        strides = {"strides": [2, 2], "pads": [1, 1, 1, 1]}
        nodes = [
            helper.make_node("Concat", ["z", "condition"], ["joined"], axis=1),
            helper.make_node("Cast", ["joined"], ["x"], to=kind),
            helper.make_node("MatMul", ["x", "w"], ["flat"]),
            helper.make_node("Reshape", ["flat", "shape"], ["map"]),
            helper.make_node("ConvTranspose", ["map", "k", "b"], ["up"], **strides),
            helper.make_node("Tanh", ["up"], ["squashed"]),
            helper.make_node("Cast", ["squashed"], ["float"], to=1),
            helper.make_node("Mul", ["float", "scale"], ["scaled"]),
            helper.make_node("Add", ["scaled", "scale"], ["levels"]),
            helper.make_node("Cast", ["levels"], ["image"], to=2),
        ]
        tensors = [("z", 1, ["n", 4]), ("condition", 1, ["n", 5]), ("image", 2, ["n", 3, 8, 8])]
        z, condition, image = (helper.make_tensor_value_info(*tensor) for tensor in tensors)
        graph = helper.make_graph(nodes, "up", [z, condition], [image], [*weights, shape, scale])
        opsets = [helper.make_opsetid("", 18)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        models[precision] = model.SerializeToString()
    return models
