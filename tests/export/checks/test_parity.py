import numpy as np
import pytest

from ganport_export import ContractError, Interface, ParityError
from ganport_export.checks.parity import (
    check_batch_invariance,
    check_parity,
    error_of,
    limit_of,
)
from ganport_export.runners import Artifact


def artifact(player) -> Artifact:
    plain = Interface("a", (4,), (8, 8))
    return Artifact("generator.onnx", "onnx", "fp32", plain, b"", {"a player": player}, {})


def playing(prepared, spoil):
    """A player that knows the reference, and spoils it."""
    by_size = dict(zip(map(len, prepared.samples), prepared.reference, strict=True))
    return artifact(lambda sample: spoil(by_size[len(sample)].copy()))


@pytest.mark.parametrize(
    ("own", "limit"), [(0.0, 1e-5), (2e-6, 1e-5), (1e-5, 4e-5), (2.5e-4, 1e-3), (9e-4, 1e-3)]
)
def test_the_limit_follows_float32_s_own_error_between_its_bounds(own, limit):
    assert limit_of(own) == pytest.approx(limit)


def test_the_limit_of_noise_is_a_share_of_its_largest_number():
    assert limit_of(1e-2, 30.0) == pytest.approx(3e-2)
    assert limit_of(1e-3, 30.0) == pytest.approx(4e-3)
    assert limit_of(1e-6, 30.0) == pytest.approx(1e-5)
    with pytest.raises(ParityError, match="expected an error of at most 3e-02"):
        limit_of(4e-2, 30.0)


def test_a_network_that_float32_cannot_compute_is_refused():
    with pytest.raises(ParityError, match="torch float32: expected an error of at most 1e-03"):
        limit_of(1.1e-3)


def test_the_error_is_the_largest_over_all_batches():
    exact = [np.zeros((1, 3, 2, 2)), np.zeros((2, 3, 2, 2))]
    images = [np.full((1, 3, 2, 2), 1e-3), np.full((2, 3, 2, 2), 2e-3)]
    assert error_of(images, exact) == pytest.approx(2e-3)


def test_an_error_just_below_the_limit_passes_and_is_reported(prepared):
    off = playing(prepared, lambda image: image + 0.9e-5)
    errors = check_parity(off, prepared.samples, prepared.reference, 1e-5)
    assert errors == {"a player": pytest.approx(0.9e-5)}


@pytest.mark.parametrize("by", [1.1e-5, -1.1e-5, 1.0, float("nan")])
def test_an_error_above_the_limit_is_refused(prepared, by):
    off = playing(prepared, lambda image: image + by)
    with pytest.raises(ParityError, match=r"generator.onnx \(a player, batch of 1\)") as refused:
        check_parity(off, prepared.samples, prepared.reference, 1e-5)
    assert refused.value.exit_code == 4


def test_one_wrong_pixel_in_the_largest_batch_is_enough(prepared):
    def spoil(image):
        if len(image) == 7:
            image[6, 2, 7, 7] += 2e-5
        return image

    with pytest.raises(ParityError, match="batch of 7"):
        check_parity(playing(prepared, spoil), prepared.samples, prepared.reference, 1e-5)


def test_another_shape_is_refused(prepared):
    off = playing(prepared, lambda image: image[:, :, :4])
    with pytest.raises(ParityError, match=r"found shape \(1, 3, 4, 8\)"):
        check_parity(off, prepared.samples, prepared.reference, 1e-5)


def test_a_graph_that_fails_on_a_batch_size_is_refused(prepared):
    def player(sample):
        if len(sample) != 2:
            raise RuntimeError("shape mismatch")
        return prepared.reference[1]

    with pytest.raises(ContractError, match="a graph that runs a batch of 1"):
        check_parity(artifact(player), prepared.samples, prepared.reference, 1e-5)


def test_a_picture_that_depends_on_its_neighbours_is_refused(prepared):
    mixing = artifact(lambda sample: sample.inputs["z"] - sample.inputs["z"].mean(axis=0))
    with pytest.raises(ContractError, match="each picture of a batch within") as refused:
        check_batch_invariance(mixing, prepared.samples[3], 1e-5)
    assert refused.value.exit_code == 5


def test_rows_that_are_the_same_alone_pass(prepared):
    rows = artifact(lambda sample: sample.inputs["z"] * 2)
    assert check_batch_invariance(rows, prepared.samples[3], 1e-5) == {"a player": 0.0}
