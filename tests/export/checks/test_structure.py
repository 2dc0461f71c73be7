import onnx
import pytest
from onnx import TensorProto, helper

from ganport_export import ContractError
from ganport_export.checks.structure import check_structure
from ganport_export.formats.onnx_graph import serialized, write_graph


@pytest.fixture(scope="module")
def written_graph(prepared, interface) -> bytes:
    return serialized(write_graph(prepared.network, interface, prepared.samples[1], 18))


@pytest.fixture
def model(written_graph) -> onnx.ModelProto:
    return onnx.load_from_string(written_graph)


def refused(model, interface, image="float", opset=18) -> ContractError:
    with pytest.raises(ContractError) as error:
        check_structure(model, "generator.onnx", interface, image, opset)
    assert error.value.exit_code == 5
    return error.value


def before_output(model: onnx.ModelProto, *nodes: onnx.NodeProto) -> None:
    """Put nodes from `inner` to `image` behind what made the image."""
    for node in model.graph.node:
        node.output[:] = ["inner" if name == "image" else name for name in node.output]
    model.graph.node.extend(nodes)


def test_a_written_graph_passes(model, interface):
    check_structure(model, "generator.onnx", interface, "float", 18)


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("RandomNormalLike", ["inner"], ["image"], "noise"),
        helper.make_node("RandomUniformLike", ["inner"], ["image"], "noise"),
        helper.make_node("Bernoulli", ["inner"], ["image"], "noise"),
    ],
)
def test_randomness_is_banned(model, interface, node):
    before_output(model, node)
    error = refused(model, interface)
    assert error.place == "generator.onnx: node 'noise'"
    assert error.expected == "no randomness inside the graph"


def test_randomness_inside_a_branch_is_banned(model, interface):
    inside = helper.make_tensor_value_info("inside", TensorProto.FLOAT, None)
    noise = helper.make_node("RandomNormalLike", ["inner"], ["inside"], "noise")
    branch = helper.make_graph([noise], "branch", [], [inside])
    yes = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
    model.graph.initializer.append(yes)
    chosen = helper.make_node(
        "If", ["yes"], ["image"], "if", then_branch=branch, else_branch=branch
    )
    before_output(model, chosen)
    assert "RandomNormalLike" in refused(model, interface).found


def test_training_mode_is_banned(model, interface):
    model.graph.initializer.append(helper.make_tensor("on", TensorProto.BOOL, [], [True]))
    before_output(model, helper.make_node("Dropout", ["inner", "", "on"], ["image"], "drop"))
    assert refused(model, interface).expected == "no node in training mode"


def test_custom_operators_are_banned(model, interface):
    model.opset_import.append(helper.make_opsetid("com.mine", 1))
    before_output(model, helper.make_node("Mine", ["inner"], ["image"], "mine", domain="com.mine"))
    assert "com.mine" in str(refused(model, interface))


def test_a_frozen_batch_is_seen(model, interface):
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    error = refused(model, interface)
    assert "z float [batch, 4]" in error.expected
    assert "z float [2, 4]" in error.found


def test_another_open_length_is_seen(model, interface):
    model.graph.output[0].type.tensor_type.shape.dim[3].dim_param = "width"
    assert "[batch, 3, 8, width]" in refused(model, interface).found


def test_names_and_their_order_are_checked(model, interface):
    first, second = model.graph.input[0], model.graph.input[1]
    swapped = [second, first]
    copies = [onnx.ValueInfoProto.FromString(t.SerializeToString()) for t in swapped]
    del model.graph.input[:]
    model.graph.input.extend(copies)
    assert refused(model, interface).place == "generator.onnx: inputs"


def test_the_output_s_type_is_checked(model, interface):
    error = refused(model, interface, image="uint8")
    assert error.expected == "image uint8 [batch, 8, 8, 3]"
    assert error.found == "image float [batch, 3, 8, 8]"


def test_a_second_output_is_refused(model, interface):
    model.graph.output.append(model.graph.value_info[0])
    assert refused(model, interface).place == "generator.onnx: output"


def test_the_opset_asked_for_is_the_opset_written(model, interface):
    assert refused(model, interface, opset=20).expected == "opset 20 alone"


def test_the_ir_version_is_the_lowest_legal_one(model, interface):
    model.ir_version = 10
    assert refused(model, interface).expected == "IR version 8"


def test_an_invalid_graph_is_refused(model, interface):
    model.graph.node[0].input[0] = "nowhere"
    assert refused(model, interface).expected == "a valid ONNX graph"


def test_weights_elsewhere_are_refused(model, interface, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    tensor = model.graph.initializer[0]
    (tmp_path / "weights").write_bytes(tensor.raw_data)
    onnx.external_data_helper.set_external_data(tensor, "weights")
    tensor.ClearField("raw_data")
    assert refused(model, interface)
