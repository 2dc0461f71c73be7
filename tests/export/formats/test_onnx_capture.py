from dataclasses import replace

import onnx
import pytest
import torch
from torch import Tensor, nn

from ganport_export import ContractError, UnsupportedError, export
from ganport_export.adapter import adapt
from ganport_export.artifact import onnx_runners
from ganport_export.formats.onnx import serialize, strip
from ganport_export.formats.onnx_capture import capture_graph
from ganport_export.test_inputs import make_batch
from ganport_export.transforms.parametrizations import detached_copy


@pytest.fixture(scope="module")
def graph(captured) -> onnx.ModelProto:
    return onnx.load_from_string(captured)


def capture(make, interface, last: nn.Module, opset: int = 18) -> onnx.ModelProto:
    batch = make_batch(interface, 2)
    return strip(capture_graph(detached_copy(make(last)), interface, batch, opset))


def dims(tensor) -> list:
    return [dim.dim_param or dim.dim_value for dim in tensor.type.tensor_type.shape.dim]


def test_capture_gives_tensors_the_names_of_the_contract(graph):
    tensors = {t.name: dims(t) for t in (*graph.graph.input, *graph.graph.output)}
    assert tensors == {
        "z": ["batch", 4],
        "condition": ["batch", 5],
        "image": ["batch", 3, 8, 8],
    }
    inner = [dims(tensor) for tensor in graph.graph.value_info]
    assert inner
    assert all(shape[0] == "batch" and all(shape[1:]) for shape in inner)


def test_strip_sets_the_lowest_ir_version_of_the_opset(graph, make, interface):
    assert (graph.opset_import[0].version, graph.ir_version) == (18, 8)
    newer = capture(make, interface, nn.Identity(), opset=21)
    assert (newer.opset_import[0].version, newer.ir_version) == (21, 10)


def test_capture_folds_what_depends_on_weights_only(make, interface):
    class Rotating(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factors = nn.Parameter(torch.eye(192).repeat(2, 1, 1))

        def forward(self, x: Tensor) -> Tensor:
            weight = self.factors[0] @ self.factors[1].tril().exp()
            return (x.flatten(1) @ weight).view_as(x)

    operators = [node.op_type for node in capture(make, interface, Rotating()).graph.node]
    assert operators.count("MatMul") + operators.count("Gemm") == 2  # the stem and the rotation
    assert "Trilu" not in operators


@pytest.mark.parametrize("size", ["len(x)", "int(x.shape[0])"])
def test_capture_of_a_batch_size_as_python_number_stays_dynamic(make, interface, size):
    class Reading(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.reshape(len(x) if size == "len(x)" else int(x.shape[0]), 3, 8, 8)

    data = serialize(capture(make, interface, Reading()))
    for runner in onnx_runners(data, "graph").values():
        assert runner(make_batch(interface, 5)).shape == (5, 3, 8, 8)


def test_capture_of_a_static_batch_raises(make, interface):
    class Frozen(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + torch.zeros(2, 3, 8, 8)

    with pytest.raises(ContractError, match="batch size of 2") as caught:
        capture(make, interface, Frozen())
    assert caught.value.place == "module 'last'"


class Looping(nn.Module):
    """Runs the rows of a batch in a loop, which a graph unrolls."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x[row : row + 1] * 1.0 for row in range(x.shape[0])])


@pytest.mark.parametrize("format", ["onnx", "pt2"])
def test_export_of_a_loop_over_the_batch_names_the_module(make, interface, tmp_path, format):
    """Also behind the adapter of an interface with arguments."""
    network = make(nn.Sequential(nn.Identity(), Looping()))
    described = replace(interface, arguments={"z": "z", "condition": "condition"})
    with pytest.raises(ContractError, match="batch size of 2 only") as caught:
        export(network, described, tmp_path / "x.ganport", format=format)
    assert caught.value.place == "module 'last.1'"
    assert "not in a loop over the batch" in caught.value.fix


def test_capture_of_a_fixed_batch_outside_of_modules_names_the_class_of_the_user(make, interface):
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = make()

        def forward(self, *, z: Tensor, condition: Tensor) -> Tensor:
            image = self.inner(z, condition)
            return torch.cat([image[row : row + 1] for row in range(image.shape[0])])

    described = replace(interface, arguments={"z": "z", "condition": "condition"})
    network = adapt(detached_copy(Outer().eval()), described)
    with pytest.raises(ContractError) as caught:
        capture_graph(network, described, make_batch(interface, 2), 18)
    assert caught.value.place == "network Outer"


@pytest.mark.parametrize("is_adapted", [False, True])
def test_capture_of_an_unsupported_operator_of_the_network_names_its_class(
    make, interface, is_adapted
):
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = make()
            self.weight = nn.Parameter(torch.eye(8))

        def forward(self, z: Tensor, condition: Tensor) -> Tensor:
            return self.inner(z, condition) @ torch.linalg.inv(self.weight)

    described = replace(interface, arguments=("z", "condition") if is_adapted else ())
    network = adapt(detached_copy(Outer().eval()), described)
    with pytest.raises(UnsupportedError) as caught:
        capture_graph(network, described, make_batch(interface, 2), 18)
    assert caught.value.place == "module 'Outer'"


def test_capture_of_an_unsupported_operator_raises_with_its_module(make, interface):
    class Inverse(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.eye(8))

        def forward(self, x: Tensor) -> Tensor:
            return x @ torch.linalg.inv(self.weight)

    with pytest.raises(UnsupportedError) as caught:
        capture(make, interface, Inverse())
    assert caught.value.exit_code == 3
    assert caught.value.place == "module 'last'"
    assert "aten.linalg_inv" in caught.value.found
    assert "in __init__" in caught.value.fix


def test_capture_of_an_unsupported_form_raises_with_the_reason(make, interface):
    class Attending(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            rows = x.flatten(2)
            return nn.functional.scaled_dot_product_attention(rows, rows, rows).view_as(x)

    with pytest.raises(UnsupportedError) as caught:
        capture(make, interface, Attending())
    assert caught.value.place == "module 'last'"
    assert "aten.scaled_dot_product_attention in an unsupported form" in caught.value.found
    assert "only 4D query" in caught.value.found


def test_capture_of_weights_beyond_2_gib_raises(make, interface, monkeypatch):
    monkeypatch.setattr("ganport_export.formats.onnx_capture.MAX_BYTES", 1000)
    with pytest.raises(UnsupportedError, match="1,000 bytes") as caught:
        capture(make, interface, nn.Identity())
    assert caught.value.fix == "Use --format torchscript."


def test_capture_of_a_data_dependent_branch_raises_with_its_line(make, interface, capfd):
    class Branching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(UnsupportedError) as caught:
        capture(make, interface, Branching())
    assert "a branch on the content of a tensor" in caught.value.found
    assert "return x if x.sum() > 0 else -x" in caught.value.found
    assert "torch.where" in caught.value.fix
    assert capfd.readouterr() == ("", "")
