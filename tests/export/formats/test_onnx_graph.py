from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor, nn

from ganport_export import ContractError, UnsupportedError
from ganport_export.formats.onnx_graph import (
    serialized,
    set_metadata,
    stripped,
    write_graph,
)
from ganport_export.runners import onnx_players
from ganport_export.test_inputs import sample
from ganport_export.transforms.parametrizations import detached_copy


@pytest.fixture(scope="module")
def graph(prepared, interface) -> onnx.ModelProto:
    return write_graph(prepared.network, interface, prepared.samples[1], 18)


def write(make, interface, last: nn.Module, opset: int = 18) -> onnx.ModelProto:
    return write_graph(detached_copy(make(last)), interface, sample(interface, 2), opset)


def dims(tensor) -> list:
    return [dim.dim_param or dim.dim_value for dim in tensor.type.tensor_type.shape.dim]


def test_tensors_have_the_contract_s_names_and_only_batch_is_open(graph):
    tensors = {t.name: dims(t) for t in (*graph.graph.input, *graph.graph.output)}
    assert tensors == {
        "z": ["batch", 4],
        "condition": ["batch", 5],
        "image": ["batch", 3, 8, 8],
    }
    inner = [dims(tensor) for tensor in graph.graph.value_info]
    assert inner
    assert all(shape[0] == "batch" and all(shape[1:]) for shape in inner)


def test_the_lowest_legal_ir_goes_with_the_opset(graph, make, interface):
    assert (graph.opset_import[0].version, graph.ir_version) == (18, 8)
    newer = write(make, interface, nn.Identity(), opset=21)
    assert (newer.opset_import[0].version, newer.ir_version) == (21, 10)


def test_nothing_local_is_left(graph):
    data = serialized(graph)
    for trace in (b"conftest", b"site-packages", b"torch", b"Plain", str(Path.cwd()).encode()):
        assert trace not in data
    assert not graph.metadata_props
    assert not graph.producer_version


def test_stripping_reaches_every_corner(graph):
    dirty = onnx.ModelProto()
    dirty.CopyFrom(graph)
    dirty.doc_string = dirty.graph.doc_string = "/home/someone"
    dirty.producer_version = "/home/someone"
    dirty.graph.node[0].doc_string = "/home/someone"
    entries = (dirty, dirty.graph, dirty.graph.node[0], dirty.graph.input[0])
    for part in (*entries, dirty.graph.initializer[0]):
        part.metadata_props.add(key="trace", value="/home/someone")
    dirty.graph.input[0].doc_string = dirty.graph.initializer[0].doc_string = "/home/someone"
    assert b"someone" not in serialized(stripped(dirty))
    assert serialized(stripped(dirty)) == serialized(graph)


def test_what_weights_alone_decide_is_worked_out(make, interface):
    class Rotating(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factors = nn.Parameter(torch.eye(192).repeat(2, 1, 1))

        def forward(self, x: Tensor) -> Tensor:
            weight = self.factors[0] @ self.factors[1].tril().exp()
            return (x.flatten(1) @ weight).view_as(x)

    operators = [node.op_type for node in write(make, interface, Rotating()).graph.node]
    assert operators.count("MatMul") + operators.count("Gemm") == 2  # the stem, and one of these
    assert "Trilu" not in operators


def test_metadata_is_the_one_entry(graph):
    copy = stripped(graph)
    set_metadata(copy, "key", "one")
    set_metadata(copy, "key", "two")
    assert [(entry.key, entry.value) for entry in copy.metadata_props] == [("key", "two")]


@pytest.mark.parametrize("size", ["len(x)", "int(x.shape[0])"])
def test_a_batch_size_read_as_a_python_number_stays_open(make, interface, size):
    class Reading(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.reshape(len(x) if size == "len(x)" else int(x.shape[0]), 3, 8, 8)

    data = serialized(write(make, interface, Reading()))
    for player in onnx_players(data, "graph").values():
        assert player(sample(interface, 5)).shape == (5, 3, 8, 8)


def test_a_frozen_batch_is_refused(make, interface):
    class Frozen(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + torch.zeros(2, 3, 8, 8)

    with pytest.raises(ContractError, match=r"batch of 2 alone.*Use -1, expand"):
        write(make, interface, Frozen())


def test_an_operator_onnx_lacks_is_named_with_its_module(make, interface):
    class Inverse(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.eye(8))

        def forward(self, x: Tensor) -> Tensor:
            return x @ torch.linalg.inv(self.weight)

    with pytest.raises(UnsupportedError) as refused:
        write(make, interface, Inverse())
    assert refused.value.exit_code == 3
    assert refused.value.place == "module 'last'"
    assert "aten.linalg_inv" in refused.value.found
    assert "in __init__" in refused.value.fix


def test_a_form_of_an_operator_onnx_lacks_is_named_with_the_reason(make, interface):
    class Attending(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            rows = x.flatten(2)
            return nn.functional.scaled_dot_product_attention(rows, rows, rows).view_as(x)

    with pytest.raises(UnsupportedError) as refused:
        write(make, interface, Attending())
    assert refused.value.place == "module 'last'"
    assert "aten.scaled_dot_product_attention in a form it does not" in refused.value.found
    assert "only 4D query" in refused.value.found


def test_weights_too_large_for_one_file_are_refused(make, interface, monkeypatch):
    monkeypatch.setattr("ganport_export.formats.onnx_graph.MAX_BYTES", 1000)
    with pytest.raises(UnsupportedError, match="what one ONNX file holds") as refused:
        write(make, interface, nn.Identity())
    assert refused.value.fix == "Use --format torchscript."


def test_a_branch_on_content_is_named_with_its_line(make, interface, capfd):
    class Branching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(UnsupportedError) as refused:
        write(make, interface, Branching())
    assert "a branch on the content of a tensor" in refused.value.found
    assert "return x if x.sum() > 0 else -x" in refused.value.found
    assert "torch.where" in refused.value.fix
    assert capfd.readouterr() == ("", "")
