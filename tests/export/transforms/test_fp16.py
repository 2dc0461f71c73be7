import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ganport_export import OptionError, ParityError, export
from ganport_export.artifact import onnx_runners
from ganport_export.formats.onnx import serialize
from ganport_export.transforms.fp16 import (
    convert_to_fp16,
    count_weights,
    round_weights,
    store_weights_as_fp16,
)
from ganport_runtime import Bundle, Generator
from ganport_runtime.verify import verify


@pytest.fixture(scope="module")
def graphs(captured) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    full = onnx.load_from_string(captured)
    return full, convert_to_fp16(full)


def test_convert_to_fp16_keeps_inputs_and_output_float32(graphs):
    full, half = graphs
    onnx.checker.check_model(half, full_check=True)
    kinds = {tensor.data_type for tensor in half.graph.initializer}
    assert TensorProto.FLOAT not in kinds and TensorProto.FLOAT16 in kinds
    outside = (*half.graph.input, *half.graph.output)
    assert {t.type.tensor_type.elem_type for t in outside} == {TensorProto.FLOAT}
    assert half.ir_version == full.ir_version


def test_convert_to_fp16_keeps_the_output_within_two_levels(graphs, prepared):
    full, half = (next(iter(onnx_runners(serialize(g), "graph").values())) for g in graphs)
    error = np.abs(full(prepared.batches[3]) - half(prepared.batches[3])).max()
    assert 0 < error < 2 / 127.5


def test_convert_to_fp16_does_not_change_the_given_graph(graphs):
    before = serialize(graphs[0])
    convert_to_fp16(graphs[0])
    assert serialize(graphs[0]) == before


def test_convert_to_fp16_restores_the_import_path(graphs):
    assert not any("transformers" in entry for entry in sys.path)


@pytest.fixture(scope="module")
def full(graphs) -> onnx.ModelProto:
    return graphs[0]


def weights(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def graph_of(array: np.ndarray) -> onnx.ModelProto:
    """Return the graph x + w with the weight w."""
    kinds = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape) for name in ("x", "y")
    ]
    node = helper.make_node("Add", ["x", "w"], ["y"])
    weight = numpy_helper.from_array(array, "w")
    graph = helper.make_graph([node], "sum", kinds[:1], kinds[1:], [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def test_round_weights_changes_matrices_and_kernels_only(full):
    before, after = weights(full), weights(round_weights(full))
    assert before.keys() == after.keys()
    for name, array in before.items():
        rounded = array.astype(np.float16).astype(np.float32) if array.size >= 256 else array
        assert np.array_equal(after[name], rounded), name
    assert after["stem.weight"].dtype == np.float32
    assert not np.array_equal(after["stem.weight"], before["stem.weight"])


def test_round_weights_of_a_vector_changes_nothing():
    assert weights(round_weights(graph_of(np.full(1000, 1e-9, np.float32))))["w"][0] == np.float32(
        1e-9
    )


def test_store_weights_as_fp16_keeps_the_output_bit_for_bit(full, prepared):
    rounded = round_weights(full)
    half = store_weights_as_fp16(rounded)
    onnx.checker.check_model(half, full_check=True)
    large = sum(array.nbytes for array in weights(rounded).values() if array.size >= 256)
    saved = len(serialize(rounded)) - len(serialize(half))
    assert 0.4 * large < saved < 0.5 * large
    before, after = (list(onnx_runners(serialize(g), "graph").values()) for g in (rounded, half))
    for batch in prepared.batches:
        assert np.array_equal(before[1](batch), after[1](batch))


def test_store_weights_as_fp16_of_inexact_values_stays_float32():
    tenths = graph_of(np.full((16, 16), 0.1, np.float32))
    assert store_weights_as_fp16(tenths) == tenths
    assert [
        t.data_type for t in store_weights_as_fp16(round_weights(tenths)).graph.initializer
    ] == [TensorProto.FLOAT16]


def test_fp16_weights_do_not_change_the_given_graph(full):
    before = serialize(full)
    store_weights_as_fp16(round_weights(full))
    assert serialize(full) == before


def test_round_weights_beyond_float16_raises_with_the_name():
    with pytest.raises(ParityError) as caught:
        round_weights(graph_of(np.full((16, 16), -7e4, np.float32)))
    assert (caught.value.place, caught.value.found) == ("weight 'w'", "7e+04")


def test_count_weights_returns_rounded_and_all(full):
    assert count_weights(full) == (
        864 + 288,
        864 + 96 + 288 + 3 + 4 * 6 + 1,
    )  # 1 is the factor 3 of tanh


def test_export_with_fp16_weights_verifies_and_records_the_counts(
    make, interface, tmp_path, bundle_path
):
    choices = {"format": "bundle", "weights": "fp16", "precision": "fp16"}
    bundle = Bundle.open(export(make(), interface, tmp_path / "x.ganport", **choices).path)
    assert not [check for check in verify(bundle) if check.passed is False]
    counts = bundle.manifest.parity["weights"]
    assert (counts["stored"], counts["rounded"], counts["of"]) == ("float16", 1152, 1276)
    assert counts["max"] <= 1 and 0 < counts["different"] < counts["values"] == 13 * 8 * 8 * 3
    assert 0 < counts["error_before"] <= bundle.manifest.parity["limit"]
    assert "| all ONNX | weights rounded to float16 |" in bundle.read("MODEL_CARD.md").decode()
    assert "weights" not in Bundle.open(bundle_path).manifest.parity
    generators = [Generator.load(path, device="cpu") for path in (bundle.path, bundle_path)]
    images = [generator.generate(seed=1, count=9).astype(int) for generator in generators]
    assert 0 < np.abs(images[0] - images[1]).max() <= 2


def test_export_with_fp16_weights_and_encoder_raises(make, interface, tmp_path):
    with pytest.raises(OptionError, match=r"^weights fp16: "):
        export(make(), interface, tmp_path / "x.ganport", encoder=make(), weights="fp16")
