import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.backend.distributed import SINGLE
from ganport_train.config.parsing import RecipeError
from ganport_train.methods.condition_losses import (
    DiversityLoss,
    duplicate_pairs,
    hinge_below_target,
    pair_distances,
    real_distance,
)
from ganport_train.methods.method import Batch

VECTORS = np.eye(4, dtype=np.float32)


def test_duplicate_pairs_repeats_every_second_row() -> None:
    assert np.array_equal(duplicate_pairs(VECTORS), VECTORS[[0, 0, 2, 2]])


@pytest.mark.parametrize("side", [8, 16, 64])
def test_pair_distances_of_gray_images_are_differences(side: int) -> None:
    grays = torch.tensor([-1.0, 0.5, 0.25, 0.25])
    images = grays[:, None, None, None].expand(4, 3, side, side)
    assert pair_distances(images).tolist() == pytest.approx([1.5, 0.0], abs=2e-4)


def test_pair_distances_ignore_fine_noise() -> None:
    noise = torch.tensor([1.0, -1.0]).repeat(32).expand(2, 3, 64, 64).clone()
    noise[1] *= -1
    assert pair_distances(noise).tolist() == pytest.approx([0.0], abs=2e-4)


@pytest.mark.parametrize(
    ("near", "far", "expected"), [(0.2, 0.4, 0.2), (0.4, 0.8, 0.0), (0.5, 0.5, 0.0)]
)
def test_hinge_below_target_pushes_until_the_target(
    near: float, far: float, expected: float
) -> None:
    distances = torch.tensor([near, far], requires_grad=True)
    loss = hinge_below_target(distances, distances.detach().mean(), 0.5)
    assert loss.item() == pytest.approx(expected)
    loss.backward()
    assert distances.grad is not None
    # Both distances grow equally, and only below the target.
    assert distances.grad.tolist() == ([-0.5, -0.5] if expected else [0.0, 0.0])


def test_hinge_below_target_uses_the_mean_of_all_processes() -> None:
    own = torch.tensor([0.4])
    assert hinge_below_target(own, torch.tensor(0.6), 0.5).item() == 0.0
    assert hinge_below_target(own, torch.tensor(0.45), 0.5).item() == pytest.approx(0.1)


def batch(rows: int) -> Batch:
    return Batch(torch.zeros(rows, 3, 16, 16), VECTORS[:rows], np.random.default_rng(0))


def test_diversity_loss_falls_from_collapse_to_0() -> None:
    diversity = DiversityLoss(3.0)
    diversity.measure(grays([0, 51] * 40), np.ones((80, 1), np.float32), np.arange(80))
    assert 0.0 < diversity.target_distance < 0.4  # some neighbors are equal
    assert diversity.fake_conditions(batch(4)).tolist() == VECTORS[[0, 0, 2, 2]].tolist()
    metrics: dict[str, torch.Tensor] = {}
    loss = diversity.loss(torch.zeros(4, 3, 16, 16), SINGLE, metrics)
    assert isinstance(loss, torch.Tensor)
    assert loss.item() == pytest.approx(3 * diversity.target_distance, abs=1e-3)
    assert metrics["diversity"].item() == pytest.approx(0.0, abs=1e-3)
    distinct = torch.tensor([-1.0, 1.0]).repeat(2)[:, None, None, None].expand(4, 3, 16, 16)
    assert float(diversity.loss(distinct, SINGLE, metrics)) == 0.0
    assert metrics["diversity"].item() == pytest.approx(2 / diversity.target_distance)


def test_diversity_loss_of_weight_0_does_nothing() -> None:
    diversity, metrics = DiversityLoss(0.0), dict[str, torch.Tensor]()
    diversity.measure(grays([0, 51]), VECTORS[:2], np.arange(2))
    assert torch.equal(diversity.fake_conditions(batch(3)), batch(3).condition)
    assert diversity.loss(torch.zeros(3, 3, 16, 16), SINGLE, metrics) == 0.0
    assert not metrics


def test_fake_conditions_of_an_odd_batch_raises() -> None:
    with pytest.raises(RecipeError, match=r"training\.batch_size: .* found 3"):
        DiversityLoss(1.0).fake_conditions(batch(3))


def test_pair_distances_of_equal_images_have_finite_gradients() -> None:
    images = torch.zeros(2, 3, 16, 16, requires_grad=True)
    pair_distances(images).sum().backward()
    assert images.grad is not None
    assert images.grad.isfinite().all()


def grays(levels: list[int]) -> np.ndarray:
    return np.array(levels, np.uint8)[:, None, None, None] * np.ones((1, 16, 16, 3), np.uint8)


def test_real_distance_compares_images_of_one_condition() -> None:
    # Images of one condition differ by 0 or 51 of 255, images of two conditions by more.
    images = grays([0, 51, 200, 251] * 50)
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 1, 1] * 50]
    rows = np.arange(200)
    steps = np.abs(np.diff(images[:, 0, 0, 0].astype(int)))
    assert {51, 149} <= set(steps.tolist())
    # In random order about half of all neighbors differ.
    assert real_distance(images, vectors, rows) == pytest.approx(0.2, abs=0.04)
    assert real_distance(images, vectors, rows) == real_distance(images, vectors, rows)


def test_real_distance_uses_only_the_given_rows() -> None:
    images = grays([7] * 80 + [0, 255] * 40)
    vectors = np.ones((160, 1), np.float32)
    assert real_distance(images, vectors, np.arange(80)) == pytest.approx(0.0, abs=2e-4)
    assert real_distance(images, vectors, np.arange(80, 160)) > 0.5


@given(count=st.integers(0, 40), kinds=st.integers(1, 40))
def test_real_distance_of_few_images_is_defined(count: int, kinds: int) -> None:
    images = grays([index % 256 for index in range(count)])
    vectors = np.eye(kinds, dtype=np.float32)[np.arange(count) % kinds]
    distance = real_distance(images, vectors, np.arange(count))
    assert 0.0 <= distance < 2.0
    assert (distance == 0.0) == (count < 2)


def test_real_distance_of_many_pairs_equals_the_direct_mean() -> None:
    # Constant images of one condition: each pair of neighbors differs by 0 or 1 after scaling.
    images = np.repeat(grays([0, 255]), 400, axis=0)  # more than one block of pairs
    vectors = np.ones((800, 1), np.float32)
    assert real_distance(images, vectors, np.arange(800)) == pytest.approx(1.0, abs=0.1)


def test_real_distance_without_conditions_compares_all_images() -> None:
    images = np.zeros((2, 16, 16, 3), np.uint8)
    images[1] = 255
    distance = real_distance(images, np.zeros((2, 0), np.float32), np.arange(2))
    assert distance == pytest.approx(2.0)
