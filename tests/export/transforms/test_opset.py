"""Graphs under an older opset: equal outputs, and errors for what it cannot express."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from ganport_export import UnsupportedError
from ganport_export.formats.onnx import serialize
from ganport_export.transforms.opset import convert_opset

OPSET = 15
Nodes = list[tuple[str, list[str], list[str], dict[str, Any]]]


def graph_of(nodes: Nodes, **constants: Any) -> onnx.ModelProto:
    """Return a graph of opset 18 from `x` to the last output of `nodes`."""
    made = [helper.make_node(kind, *names, kind, **options) for kind, *names, options in nodes]
    graph = helper.make_graph(
        made,
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 6])],
        [helper.make_tensor_value_info(made[-1].output[0], TensorProto.FLOAT, ["rows", "columns"])],
        [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def run_graph(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(serialize(model)).run(None, {"x": x})[0]


@pytest.mark.parametrize(
    ("nodes", "constants"),
    [
        ([("Split", ["x"], ["y", "z"], {"axis": 1, "num_outputs": 2})], {}),
        ([("Pad", ["x", "pads", "", ""], ["y"], {})], {"pads": [0, 1, 0, 2]}),
        ([("Split", ["x", "sizes"], ["y", "z"], {"axis": 1})], {"sizes": [2, 4]}),
        ([("ReduceMean", ["x", "axes"], ["y"], {"keepdims": 1})], {"axes": [1]}),
        ([("ReduceMean", ["x"], ["y"], {"keepdims": 1})], {}),
        ([("ReduceSum", ["x", "axes"], ["y"], {"keepdims": 1})], {"axes": [1]}),
        ([("Mish", ["x"], ["y"], {})], {}),
        ([("LayerNormalization", ["x", "s"], ["y"], {"axis": 1})], {"s": np.ones(6, np.float32)}),
    ],
)
def test_convert_opset_keeps_the_output(nodes: Nodes, constants: dict[str, Any]) -> None:
    x = np.random.default_rng(0).standard_normal((3, 6)).astype(np.float32)
    model = graph_of(nodes, **constants)
    converted = convert_opset(model, OPSET, {})
    onnx.checker.check_model(converted)
    assert converted.opset_import[0].version == OPSET
    # The replacements sum in another order, so the last bits may differ.
    np.testing.assert_allclose(run_graph(converted, x), run_graph(model, x), rtol=1e-5, atol=1e-6)


COMPUTED_AXES = [
    ("Shape", ["x"], ["axes"], {"start": 0, "end": 1}),
    ("ReduceMean", ["x", "axes"], ["y"], {}),
]
UNKNOWN_RANK = [
    ("Expand", ["x", "size"], ["w"], {}),
    ("LayerNormalization", ["w", "scale"], ["y"], {"axis": 1}),
]


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        (COMPUTED_AXES, "computed axes"),
        (UNKNOWN_RANK, "unknown rank"),
        ([("Split", ["x"], ["y", "z"], {"axis": 0, "num_outputs": 2})], "unknown length"),
        ([("Pad", ["x", "pads", "", "axes"], ["y"], {})], "Pad with 4 inputs"),
        ([("Resize", ["x", "", "scales"], ["y"], {"antialias": 1})], "antialias = 1"),
        ([("BitwiseNot", ["x"], ["y"], {})], "BitwiseNot"),
    ],
)
def test_convert_opset_names_the_module_of_what_it_cannot_express(nodes: Nodes, found: str) -> None:
    model = graph_of(nodes)
    with pytest.raises(UnsupportedError) as caught:
        convert_opset(model, OPSET, {"y": "decoder.up"})
    assert found in caught.value.found
    assert caught.value.place == "module 'decoder.up'"
