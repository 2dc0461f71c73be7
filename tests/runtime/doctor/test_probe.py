import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ganport_runtime.doctor.probe import MODEL, probe


def graph() -> onnx.ModelProto:
    """How the doctor's graph was made."""
    nodes = [
        helper.make_node("MatMul", ["z", "a"], ["b"]),
        helper.make_node("Reshape", ["b", "c"], ["d"]),
        helper.make_node("ConvTranspose", ["d", "e"], ["image"], strides=[2, 2]),
    ]
    constants = {
        "a": np.full((4, 4), 0.25, np.float32),
        "c": np.array([-1, 4, 1, 1], np.int64),
        "e": np.full((4, 1, 2, 2), 0.5, np.float32),
    }
    made = helper.make_graph(
        nodes,
        "probe",
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 2, 2])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def test_the_graph_is_what_it_is_said_to_be() -> None:
    model = onnx.load_from_string(MODEL)
    onnx.checker.check_model(model)
    assert model == graph()


def test_the_cpu_draws() -> None:
    assert probe("cpu").keys() == {"milliseconds"}
    assert 0 < probe("cpu")["milliseconds"] < 1000


def test_a_device_nobody_knows_is_an_answer() -> None:
    answer = probe("abacus")
    assert "abacus" in answer["error"]
    assert answer["fix"]
    assert answer["missing"] == []
