import numpy as np
import pytest

from ganport_export import ContractError, Interface, ParityError
from ganport_export.artifact import Artifact
from ganport_export.checks.parity import (
    check_batch_invariance,
    check_parity,
    check_sensitivity,
    error_limit,
    max_error,
    measure_sensitivity,
)
from ganport_runtime.bundle.manifest import GraphFile
from ganport_runtime.conditions import Conditions, OneHot


def make_artifact(runner) -> Artifact:
    file = GraphFile("generator.onnx", "onnx", "fp32")
    return Artifact(file, Interface("a", (4,), (8, 8)), b"", {"mode": runner}, {})


def modified(prepared, modify):
    """Return an artifact whose output is the modified reference."""
    by_size = dict(zip(map(len, prepared.batches), prepared.reference, strict=True))
    return make_artifact(lambda batch: modify(by_size[len(batch)].copy()))


@pytest.mark.parametrize(
    ("own", "limit"), [(0.0, 1e-5), (2e-6, 1e-5), (1e-5, 4e-5), (2.5e-4, 1e-3), (9e-4, 1e-3)]
)
def test_error_limit_is_four_times_the_own_error_within_bounds(own, limit):
    assert error_limit(own) == pytest.approx(limit)


def test_error_limit_of_large_outputs_is_relative():
    assert error_limit(1e-2, 30.0) == pytest.approx(3e-2)
    assert error_limit(1e-3, 30.0) == pytest.approx(4e-3)
    assert error_limit(1e-6, 30.0) == pytest.approx(1e-5)
    with pytest.raises(ParityError, match="3e-02"):
        error_limit(4e-2, 30.0)


def test_error_limit_of_a_large_own_error_raises():
    with pytest.raises(ParityError, match=r"torch float32: .*1e-03"):
        error_limit(1.1e-3)


def test_max_error_is_the_largest_of_all_batches():
    exact = [np.zeros((1, 3, 2, 2)), np.zeros((2, 3, 2, 2))]
    images = [np.full((1, 3, 2, 2), 1e-3), np.full((2, 3, 2, 2), 2e-3)]
    assert max_error(images, exact) == pytest.approx(2e-3)


def test_check_parity_below_the_limit_returns_the_error(prepared):
    off = modified(prepared, lambda image: image + 0.9e-5)
    errors = check_parity(off, prepared.batches, prepared.reference, 1e-5)
    assert errors == {"mode": pytest.approx(0.9e-5)}


@pytest.mark.parametrize("by", [1.1e-5, -1.1e-5, 1.0, float("nan")])
def test_check_parity_above_the_limit_raises(prepared, by):
    off = modified(prepared, lambda image: image + by)
    with pytest.raises(ParityError, match=r"generator.onnx \(mode, batch of 1\)") as caught:
        check_parity(off, prepared.batches, prepared.reference, 1e-5)
    assert caught.value.exit_code == 4


def test_check_parity_with_one_wrong_pixel_raises(prepared):
    def modify(image):
        if len(image) == 7:
            image[6, 2, 7, 7] += 2e-5
        return image

    with pytest.raises(ParityError, match="batch of 7"):
        check_parity(modified(prepared, modify), prepared.batches, prepared.reference, 1e-5)


def test_check_parity_with_another_shape_raises(prepared):
    off = modified(prepared, lambda image: image[:, :, :4])
    with pytest.raises(ParityError, match=r"found shape \(1, 3, 4, 8\)"):
        check_parity(off, prepared.batches, prepared.reference, 1e-5)


def test_check_parity_of_a_graph_for_one_batch_size_raises(prepared):
    def runner(batch):
        if len(batch) != 2:
            raise RuntimeError("shape mismatch")
        return prepared.reference[1]

    with pytest.raises(ContractError, match="a graph that runs a batch of 1"):
        check_parity(make_artifact(runner), prepared.batches, prepared.reference, 1e-5)


def test_check_batch_invariance_of_a_batch_mean_raises(prepared):
    mixing = make_artifact(lambda batch: batch.inputs["z"] - batch.inputs["z"].mean(axis=0))
    with pytest.raises(ContractError, match="each row of a batch within") as caught:
        check_batch_invariance(mixing, prepared.batches[3], 1e-5)
    assert caught.value.exit_code == 5


def test_check_batch_invariance_of_independent_rows_passes(prepared):
    rows = make_artifact(lambda batch: batch.inputs["z"] * 2)
    assert check_batch_invariance(rows, prepared.batches[3], 1e-5) == {"mode": 0.0}


def run(batch):
    """Depend on z and on the first group (columns 0 to 2), not on the second."""
    z = batch.inputs["z"].sum(axis=1)
    hair = batch.inputs["condition"][:, :3] @ np.array([0.0, 0.01, 0.02], np.float32)
    return (0.1 * z + hair)[:, None, None, None]


def test_measure_sensitivity_separates_the_inputs(interface):
    moved = measure_sensitivity(run, interface)
    assert list(moved) == ["z", "hair", "eyes"]
    assert moved["z"] > 0.01
    assert moved["hair"] == pytest.approx(0.02, rel=1e-4)
    assert moved["eyes"] == 0.0


def test_measure_sensitivity_of_a_translator_includes_the_input_image():
    interface = Interface("a", (), (8, 8), kind="gan.translate/1")
    moved = measure_sensitivity(lambda batch: batch.inputs["image_in"], interface)
    assert list(moved) == ["image_in"]
    assert moved["image_in"] > 1


def test_check_sensitivity_with_an_ignored_group_raises_with_its_name(interface):
    moved = measure_sensitivity(run, interface)
    with pytest.raises(ContractError, match="--allow-insensitive") as caught:
        check_sensitivity(moved, 2e-4)
    assert (caught.value.place, caught.value.exit_code) == ("input 'eyes'", 5)


def test_check_sensitivity_with_an_ignored_first_input_raises():
    with pytest.raises(ContractError, match="the generator ignores its noise"):
        check_sensitivity({"z": 0.0}, 2e-4)
    with pytest.raises(ContractError, match="the encoder ignores the input image"):
        check_sensitivity({"image_in": 0.0}, 2e-4, "encoder")


@pytest.mark.parametrize("distance", [1.9e-4, float("nan")])
def test_check_sensitivity_below_the_required_change_raises(distance):
    with pytest.raises(ContractError):
        check_sensitivity({"z": distance}, 2e-4)
    check_sensitivity({"z": 2.1e-4}, 2e-4)


def test_measure_sensitivity_omits_a_group_with_one_value():
    conditions = Conditions((OneHot("style", ("only",)),))
    one = Interface("a", (4,), (1, 1), conditions)
    assert list(measure_sensitivity(lambda batch: batch.inputs["z"], one)) == ["z"]
