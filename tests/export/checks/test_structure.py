import onnx
import pytest
from onnx import TensorProto, helper

from ganport_export import ContractError
from ganport_export.checks.structure import check_structure
from ganport_export.formats.onnx import serialize
from ganport_export.options import ExportOptions


@pytest.fixture
def model(captured) -> onnx.ModelProto:
    return onnx.load_from_string(captured)


def structure_error(model, interface, *, final=False, opset=18) -> ContractError:
    options = ExportOptions(opset=opset)
    with pytest.raises(ContractError) as caught:
        check_structure(serialize(model), "generator.onnx", interface, options, final=final)
    assert caught.value.exit_code == 5
    return caught.value


def insert_before_output(model: onnx.ModelProto, *nodes: onnx.NodeProto) -> None:
    """Rename the output to `inner`, and append nodes from `inner` to `image`."""
    for node in model.graph.node:
        node.output[:] = ["inner" if name == "image" else name for name in node.output]
    model.graph.node.extend(nodes)


def test_structure_of_a_captured_graph_passes(model, interface):
    check_structure(serialize(model), "generator.onnx", interface, ExportOptions())


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("RandomNormalLike", ["inner"], ["image"], "noise"),
        helper.make_node("RandomUniformLike", ["inner"], ["image"], "noise"),
        helper.make_node("Bernoulli", ["inner"], ["image"], "noise"),
    ],
)
def test_structure_with_a_random_operator_raises(model, interface, node):
    insert_before_output(model, node)
    assert structure_error(model, interface).found == f"the node {node.op_type} noise"


def test_structure_with_a_random_operator_in_a_branch_raises(model, interface):
    inside = helper.make_tensor_value_info("inside", TensorProto.FLOAT, None)
    noise = helper.make_node("RandomNormalLike", ["inner"], ["inside"], "noise")
    branch = helper.make_graph([noise], "branch", [], [inside])
    yes = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
    model.graph.initializer.append(yes)
    branches = helper.make_node(
        "If", ["yes"], ["image"], "if", then_branch=branch, else_branch=branch
    )
    insert_before_output(model, branches)
    assert "RandomNormalLike" in structure_error(model, interface).found


def test_structure_with_an_operator_that_is_not_in_the_list_names_its_module(model, interface):
    model.graph.initializer.append(helper.make_tensor("size", TensorProto.INT64, [3], [3, 8, 8]))
    crop = helper.make_node(
        "CenterCropPad", ["inner", "size"], ["node_1"], "node_1", axes=[1, 2, 3]
    )
    insert_before_output(model, crop, helper.make_node("Tanh", ["node_1"], ["image"], "node_10"))
    modules = {"node_1": "last.crop", "image": "last"}
    with pytest.raises(ContractError) as caught:
        check_structure(serialize(model), "g", interface, ExportOptions(), modules=modules)
    assert caught.value.place == "module 'last.crop'"
    assert caught.value.found.startswith("the node CenterCropPad node_1: an operator that is not")
    assert "Replace it by other operators" in caught.value.fix


def test_structure_in_training_mode_raises(model, interface):
    model.graph.initializer.append(helper.make_tensor("on", TensorProto.BOOL, [], [True]))
    insert_before_output(model, helper.make_node("Dropout", ["inner", "", "on"], ["image"], "drop"))
    assert structure_error(model, interface).found == "the node Dropout drop in training mode"


def test_structure_with_a_custom_operator_raises(model, interface):
    model.opset_import.append(helper.make_opsetid("com.mine", 1))
    insert_before_output(
        model, helper.make_node("Mine", ["inner"], ["image"], "mine", domain="com.mine")
    )
    assert "com.mine" in str(structure_error(model, interface))


def test_structure_with_a_static_batch_raises(model, interface):
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    error = structure_error(model, interface)
    assert "z float32 [batch, 4]" in error.expected
    assert "z float32 [2, 4]" in error.found


def test_structure_with_a_second_dynamic_dimension_raises(model, interface):
    model.graph.output[0].type.tensor_type.shape.dim[3].dim_param = "width"
    assert "[batch, 3, 8, width]" in structure_error(model, interface).found


def test_structure_with_swapped_inputs_raises(model, interface):
    first, second = model.graph.input[0], model.graph.input[1]
    swapped = [second, first]
    copies = [onnx.ValueInfoProto.FromString(t.SerializeToString()) for t in swapped]
    del model.graph.input[:]
    model.graph.input.extend(copies)
    assert structure_error(model, interface).place == "generator.onnx: inputs"


def test_structure_with_another_output_type_raises(model, interface):
    error = structure_error(model, interface, final=True)
    assert error.expected == "image uint8 [batch, 8, 8, 3]"
    assert error.found == "image float32 [batch, 3, 8, 8]"


def test_structure_with_a_second_output_raises(model, interface):
    model.graph.output.append(model.graph.value_info[0])
    assert structure_error(model, interface).place == "generator.onnx: output"


def test_structure_with_another_opset_raises(model, interface):
    assert structure_error(model, interface, opset=20).expected == "opset 20 and no other"


def test_structure_with_another_ir_version_raises(model, interface):
    model.ir_version = 10
    assert structure_error(model, interface).expected == "IR version 8"


def test_structure_of_an_invalid_graph_raises(model, interface):
    model.graph.node[0].input[0] = "nowhere"
    assert structure_error(model, interface).expected == "a valid ONNX graph"


def test_structure_with_external_weights_raises(model, interface, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    tensor = model.graph.initializer[0]
    (tmp_path / "weights").write_bytes(tensor.raw_data)
    onnx.external_data_helper.set_external_data(tensor, "weights")
    tensor.ClearField("raw_data")
    assert structure_error(model, interface)
