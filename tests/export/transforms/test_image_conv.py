"""Convolutions to few channels as convolutions of blocks: closed-form, and every guard."""

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from ganport_export.formats.onnx import serialize
from ganport_export.transforms.image_conv import widen_image_convs

INPUTS = 2


def graph_of(
    *, kernel=(3, 3), outputs=3, out_size=(4, 6), bias=True, seed=0, **attributes
) -> onnx.ModelProto:
    """Return one convolution with small integer weights and an output of a known size."""
    rng = np.random.default_rng(seed)
    groups = attributes.get("group", 1)
    arrays = {"w": rng.integers(-9, 9, (outputs, INPUTS // groups, *kernel)).astype(np.float32)}
    arrays |= {"b": rng.integers(-9, 9, outputs).astype(np.float32)} if bias else {}
    node = helper.make_node("Conv", ["x", *arrays], ["y"], "to_rgb", **attributes)
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", INPUTS, "h", "w0"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", outputs, *out_size])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def run_graph(model: onnx.ModelProto, size: tuple[int, ...]) -> np.ndarray:
    onnx.checker.check_model(model, full_check=True)
    x = np.random.default_rng(1).integers(-9, 9, (2, INPUTS, *size)).astype(np.float32)
    return onnxruntime.InferenceSession(serialize(model)).run(None, {"x": x})[0]


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@settings(max_examples=40, deadline=None)
@given(
    kernel=st.tuples(st.integers(1, 7), st.integers(2, 7)),
    pads=st.lists(st.integers(0, 3), min_size=4, max_size=4),
    half_size=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    outputs=st.integers(1, 4),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
def test_widen_image_convs_keeps_the_output_of_integer_weights(
    kernel, pads, half_size, outputs, bias, seed
) -> None:
    # The sums of integers are exact in any order.
    out_size = tuple(2 * half for half in half_size)
    size = tuple(
        max(1, out_size[axis] + kernel[axis] - 1 - pads[axis] - pads[axis + 2]) for axis in (0, 1)
    )
    grown = tuple(size[a] + pads[a] + pads[a + 2] - kernel[a] + 1 for a in (0, 1))
    assume(grown == out_size)  # else the padding alone is larger than the output
    model = graph_of(
        kernel=kernel, outputs=outputs, out_size=out_size, bias=bias, seed=seed, pads=pads
    )
    widened = widen_image_convs(model)
    assert operators(widened) == ["Conv", "DepthToSpace"]
    np.testing.assert_array_equal(run_graph(widened, size), run_graph(model, size))


def test_widen_image_convs_drops_the_old_weights_and_keeps_the_model_it_was_given() -> None:
    model = graph_of(pads=[1, 1, 1, 1])
    before = model.SerializeToString()
    shapes = [tuple(t.dims) for t in widen_image_convs(model).graph.initializer]
    assert shapes == [(12, INPUTS, 4, 4), (12,)]
    assert model.SerializeToString() == before


@pytest.mark.parametrize(
    "options",
    [
        {"outputs": 5},
        {"kernel": (1, 1)},
        {"out_size": (5, 6)},
        {"out_size": (4, "columns")},
        {"strides": [2, 1]},
        {"dilations": [1, 2]},
        {"group": 2, "outputs": 2},
        {"auto_pad": "SAME_UPPER"},
    ],
)
def test_widen_image_convs_other_convolution_stays(options) -> None:
    assert operators(widen_image_convs(graph_of(**options))) == ["Conv"]


def test_widen_image_convs_computed_kernel_stays() -> None:
    model = graph_of()
    model.graph.initializer[0].name = "w0"
    model.graph.node.insert(0, helper.make_node("Identity", ["w0"], ["w"]))
    assert operators(widen_image_convs(model)) == ["Identity", "Conv"]
