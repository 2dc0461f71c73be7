import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ganport_export import OptionError, ParityError, export
from ganport_export.formats.onnx_graph import serialized, write_graph
from ganport_export.runners import onnx_players
from ganport_export.transforms.fp16_weights import count_weights, rounded, stored_half
from ganport_runtime import Bundle, Generator
from ganport_runtime.bundle.verify import verify


@pytest.fixture(scope="module")
def full(prepared, interface) -> onnx.ModelProto:
    return write_graph(prepared.network, interface, prepared.samples[1], 18)


def weights(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def graph_of(array: np.ndarray) -> onnx.ModelProto:
    """x + w, with w the weight."""
    kinds = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape) for name in ("x", "y")
    ]
    node = helper.make_node("Add", ["x", "w"], ["y"])
    weight = numpy_helper.from_array(array, "w")
    graph = helper.make_graph([node], "sum", kinds[:1], kinds[1:], [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def test_matrices_and_kernels_are_on_float16_s_grid_and_the_rest_is_as_it_was(full):
    before, after = weights(full), weights(rounded(full))
    assert before.keys() == after.keys()
    for name, array in before.items():
        near = array.astype(np.float16).astype(np.float32) if array.size >= 256 else array
        assert np.array_equal(after[name], near), name
    assert after["stem.weight"].dtype == np.float32
    assert not np.array_equal(after["stem.weight"], before["stem.weight"])


def test_a_vector_is_not_rounded_however_long():
    assert weights(rounded(graph_of(np.full(1000, 1e-9, np.float32))))["w"][0] == np.float32(1e-9)


def test_half_a_file_draws_the_same_bit_for_bit_once_it_is_loaded(full, prepared):
    near = rounded(full)
    half = stored_half(near)
    onnx.checker.check_model(half, full_check=True)
    large = sum(array.nbytes for array in weights(near).values() if array.size >= 256)
    saved = len(serialized(near)) - len(serialized(half))
    assert 0.4 * large < saved < 0.5 * large
    plain, stored = (list(onnx_players(serialized(g), "graph").values()) for g in (near, half))
    for sample in prepared.samples:
        assert np.array_equal(plain[1](sample), stored[1](sample))


def test_what_float16_cannot_hold_exactly_stays_float32():
    tenths = graph_of(np.full((16, 16), 0.1, np.float32))
    assert stored_half(tenths) == tenths
    assert [t.data_type for t in stored_half(rounded(tenths)).graph.initializer] == [
        TensorProto.FLOAT16
    ]


def test_the_graph_that_was_given_is_untouched(full):
    before = serialized(full)
    stored_half(rounded(full))
    assert serialized(full) == before


def test_a_weight_beyond_float16_is_refused_by_name():
    with pytest.raises(ParityError) as refused:
        rounded(graph_of(np.full((16, 16), -7e4, np.float32)))
    assert str(refused.value) == (
        "weight 'w': expected numbers that float16 holds, up to 65504; found 7e+04. "
        "This network needs its weights in float32: export it without --weights fp16."
    )


def test_weights_are_counted(full):
    assert count_weights(full) == (864 + 288, 864 + 96 + 288 + 3 + 4 * 6 + 1)  # the 1 is a factor


def test_the_bundle_says_what_was_rounded_and_verifies(make, interface, tmp_path, bundle_path):
    choices = {"format": "bundle", "weights": "fp16", "precision": "fp16"}
    bundle = Bundle.open(export(make(), interface, tmp_path / "x.ganport", **choices).path)
    assert not [check for check in verify(bundle) if check.passed is False]
    told = bundle.manifest.parity["weights"]
    assert (told["stored"], told["rounded"], told["of"]) == ("float16", 1152, 1276)
    assert told["max"] <= 1 and 0 < told["different"] < told["values"] == 13 * 8 * 8 * 3
    assert 0 < told["error_before"] <= bundle.manifest.parity["limit"]
    assert "| all ONNX | weights rounded to float16 |" in bundle.read("MODEL_CARD.md").decode()
    assert "weights" not in Bundle.open(bundle_path).manifest.parity
    loaded = [Generator.load(path, device="cpu") for path in (bundle.path, bundle_path)]
    drawn = [generator.generate(seed=1, count=9).astype(int) for generator in loaded]
    assert 0 < np.abs(drawn[0] - drawn[1]).max() <= 2


def test_a_flow_keeps_its_weights(make, interface, tmp_path):
    with pytest.raises(OptionError, match="weights fp16: expected a generator without an encoder"):
        export(make(), interface, tmp_path / "x.ganport", encoder=make(), weights="fp16")
