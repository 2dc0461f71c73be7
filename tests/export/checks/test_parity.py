import numpy as np
import pytest

from ganport_export import ContractError, Interface, ParityError
from ganport_export.artifact import Artifact
from ganport_export.checks.parity import (
    check_batch_invariance,
    check_parity,
    error_limit,
    max_error,
)
from ganport_runtime.bundle.manifest import GraphFile


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
