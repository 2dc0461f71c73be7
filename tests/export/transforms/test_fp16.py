import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from ganport_export.formats.onnx_graph import serialized, write_graph
from ganport_export.runners import onnx_players
from ganport_export.transforms.fp16 import in_half


@pytest.fixture(scope="module")
def graphs(prepared, interface) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    full = write_graph(prepared.network, interface, prepared.samples[1], 18)
    return full, in_half(full)


def test_weights_are_half_and_tensors_outside_are_not(graphs):
    full, half = graphs
    onnx.checker.check_model(half, full_check=True)
    kinds = {tensor.data_type for tensor in half.graph.initializer}
    assert TensorProto.FLOAT not in kinds and TensorProto.FLOAT16 in kinds
    outside = (*half.graph.input, *half.graph.output)
    assert {t.type.tensor_type.elem_type for t in outside} == {TensorProto.FLOAT}
    assert half.ir_version == full.ir_version


def test_it_draws_nearly_the_same(graphs, prepared):
    full, half = (next(iter(onnx_players(serialized(g), "graph").values())) for g in graphs)
    error = np.abs(full(prepared.samples[3]) - half(prepared.samples[3])).max()
    assert 0 < error < 2 / 127.5


def test_the_float32_graph_is_untouched(graphs):
    before = serialized(graphs[0])
    in_half(graphs[0])
    assert serialized(graphs[0]) == before


def test_the_converter_leaves_the_import_path_as_it_was(graphs):
    assert not any("transformers" in entry for entry in sys.path)
