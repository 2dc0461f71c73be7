import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import TensorProto, helper

from ganport_export.artifact import onnx_runners
from ganport_export.formats.onnx import serialize
from ganport_export.test_inputs import InputBatch
from ganport_export.transforms.output_heads import ToUint8, add_uint8_head
from ganport_runtime.images.encode import to_uint8

FLOATS = st.floats(-3, 3, width=32)
IMAGES = arrays(np.float32, (2, 3, 4, 5), elements=FLOATS)


@pytest.fixture(scope="module")
def graph() -> onnx.ModelProto:
    """Return a graph that copies z (batch, 3, 4, 5) to `image`."""
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3, 4, 5])
        for name in ("z", "image")
    ]
    node = helper.make_node("Identity", ["z"], ["image"])
    body = helper.make_graph([node], "body", tensors[:1], tensors[1:])
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


@pytest.fixture(scope="module")
def runners(graph):
    return onnx_runners(serialize(add_uint8_head(graph)), "graph")


@settings(max_examples=60)
@given(IMAGES)
def test_uint8_heads_equal_the_runtime(runners, images):
    expected = to_uint8(images)
    script = ToUint8()(torch.from_numpy(images.copy()))
    assert script.is_contiguous()
    assert np.array_equal(script.numpy(), expected)
    for runner in runners.values():
        assert np.array_equal(runner(InputBatch({"z": images})), expected)


def test_to_uint8_of_range_limits_and_middle():
    values = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]).view(1, 1, 1, 5).expand(1, 3, 1, 5)
    assert ToUint8()(values)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]


def test_add_uint8_head_returns_a_valid_copy(graph):
    before = serialize(graph)
    final = add_uint8_head(graph)
    onnx.checker.check_model(final, full_check=True)
    assert serialize(graph) == before
    output = final.graph.output[0]
    assert output.type.tensor_type.elem_type == TensorProto.UINT8
    dims = output.type.tensor_type.shape.dim
    assert [dim.dim_param or dim.dim_value for dim in dims] == ["batch", 4, 5, 3]
