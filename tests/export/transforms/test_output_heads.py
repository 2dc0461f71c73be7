import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import TensorProto, helper

from ganport_export.formats.onnx_graph import serialized
from ganport_export.runners import onnx_players
from ganport_export.test_inputs import Sample
from ganport_export.transforms.output_heads import ToUint8, with_uint8_head
from ganport_runtime.images.encode import to_uint8

FLOATS = st.floats(-3, 3, width=32)
PICTURES = arrays(np.float32, (2, 3, 4, 5), elements=FLOATS)


@pytest.fixture(scope="module")
def graph() -> onnx.ModelProto:
    """z (batch, 3, 4, 5) straight to `image`."""
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3, 4, 5])
        for name in ("z", "image")
    ]
    node = helper.make_node("Identity", ["z"], ["image"])
    body = helper.make_graph([node], "body", tensors[:1], tensors[1:])
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


@pytest.fixture(scope="module")
def players(graph):
    return onnx_players(serialized(with_uint8_head(graph)), "graph")


@settings(max_examples=60, deadline=None)
@given(PICTURES)
def test_both_heads_give_the_runtime_s_numbers(players, pictures):
    expected = to_uint8(pictures)
    script = ToUint8()(torch.from_numpy(pictures.copy()))
    assert script.is_contiguous()
    assert np.array_equal(script.numpy(), expected)
    for player in players.values():
        assert np.array_equal(player(Sample({"z": pictures})), expected)


def test_ends_and_middle_of_the_range():
    values = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]).view(1, 1, 1, 5).expand(1, 3, 1, 5)
    assert ToUint8()(values)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]


def test_the_headed_graph_is_valid_and_the_plain_one_untouched(graph):
    before = serialized(graph)
    headed = with_uint8_head(graph)
    onnx.checker.check_model(headed, full_check=True)
    assert serialized(graph) == before
    output = headed.graph.output[0]
    assert output.type.tensor_type.elem_type == TensorProto.UINT8
    dims = output.type.tensor_type.shape.dim
    assert [dim.dim_param or dim.dim_value for dim in dims] == ["batch", 4, 5, 3]
