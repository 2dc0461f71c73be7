"""Distances of pictures whose distance is known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.backend.distributed import SINGLE
from ganport_train.config.parsing import RecipeError
from ganport_train.methods import diversity as variety
from ganport_train.methods.batch import Batch
from ganport_train.methods.diversity import (
    Variety,
    missing,
    real_distance,
    twin_distances,
    twinned,
)

VECTORS = np.eye(4, dtype=np.float32)


def test_each_second_condition_is_that_before_it() -> None:
    assert np.array_equal(twinned(VECTORS), VECTORS[[0, 0, 2, 2]])


@pytest.mark.parametrize("side", [8, 16, 64])
def test_how_far_grey_twins_are_apart(side: int) -> None:
    greys = torch.tensor([-1.0, 0.5, 0.25, 0.25])
    images = greys[:, None, None, None].expand(4, 3, side, side)
    assert twin_distances(images).tolist() == pytest.approx([1.5, 0.0], abs=2e-4)


def test_what_is_finer_than_a_thumbnail_is_no_variety() -> None:
    noise = torch.tensor([1.0, -1.0]).repeat(32).expand(2, 3, 64, 64).clone()
    noise[1] *= -1
    assert twin_distances(noise).tolist() == pytest.approx([0.0], abs=2e-4)


@pytest.mark.parametrize(
    ("near", "far", "expected"), [(0.2, 0.4, 0.2), (0.4, 0.8, 0.0), (0.5, 0.5, 0.0)]
)
def test_what_is_missing_to_the_variety_of_real_pictures(
    near: float, far: float, expected: float
) -> None:
    distances = torch.tensor([near, far], requires_grad=True)
    loss = missing(distances, distances.detach().mean(), 0.5)
    assert loss.item() == pytest.approx(expected)
    loss.backward()
    assert distances.grad is not None
    # Further apart, each of both as much, and only until there is enough.
    assert distances.grad.tolist() == ([-0.5, -0.5] if expected else [0.0, 0.0])


def test_the_pictures_of_all_processes_decide() -> None:
    own = torch.tensor([0.4])
    assert missing(own, torch.tensor(0.6), 0.5).item() == 0.0
    assert missing(own, torch.tensor(0.45), 0.5).item() == pytest.approx(0.1)


def batch(rows: int) -> Batch:
    return Batch(torch.zeros(rows, 3, 16, 16), VECTORS[:rows], np.random.default_rng(0))


def test_the_term_as_the_step_has_it() -> None:
    variety = Variety(3.0)
    variety.measure(greys([0, 51] * 40), np.ones((80, 1), np.float32), np.arange(80))
    assert 0.0 < variety.wanted < 0.4  # some of the neighbours are alike
    assert variety.asked(batch(4)).tolist() == VECTORS[[0, 0, 2, 2]].tolist()
    figures: dict[str, torch.Tensor] = {}
    loss = variety.loss(torch.zeros(4, 3, 16, 16), SINGLE, figures)
    assert isinstance(loss, torch.Tensor)
    assert loss.item() == pytest.approx(3 * variety.wanted, abs=1e-3)
    assert figures["diversity"].item() == pytest.approx(0.0, abs=1e-3)
    apart = torch.tensor([-1.0, 1.0]).repeat(2)[:, None, None, None].expand(4, 3, 16, 16)
    assert float(variety.loss(apart, SINGLE, figures)) == 0.0
    assert figures["diversity"].item() == pytest.approx(2 / variety.wanted)


def test_without_weight_nothing_is_paired_or_measured() -> None:
    variety, figures = Variety(0.0), dict[str, torch.Tensor]()
    variety.measure(greys([0, 51]), VECTORS[:2], np.arange(2))
    assert torch.equal(variety.asked(batch(3)), batch(3).condition)
    assert variety.loss(torch.zeros(3, 3, 16, 16), SINGLE, figures) == 0.0
    assert not figures


def test_a_picture_without_another() -> None:
    with pytest.raises(
        RecipeError, match=r"training\.batch_size: expected an even number .* found 3"
    ):
        Variety(1.0).asked(batch(3))


def test_twins_that_are_one_picture_have_a_way_apart() -> None:
    images = torch.zeros(2, 3, 16, 16, requires_grad=True)
    twin_distances(images).sum().backward()
    assert images.grad is not None
    assert images.grad.isfinite().all()


def greys(levels: list[int]) -> np.ndarray:
    return np.array(levels, np.uint8)[:, None, None, None] * np.ones((1, 16, 16, 3), np.uint8)


def test_real_pictures_are_held_against_those_of_their_condition() -> None:
    # 100 pairs: of one condition both are 0 or 51 apart in 255, of two they are further.
    images = greys([0, 51, 200, 251] * 50)
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 1, 1] * 50]
    rows = np.arange(200)
    steps = np.abs(np.diff(images[:, 0, 0, 0].astype(int)))
    assert {51, 149} <= set(steps.tolist())
    # Of 50 and 50 pictures in random order, neighbours differ in some half of all places.
    assert real_distance(images, vectors, rows) == pytest.approx(0.2, abs=0.04)
    assert real_distance(images, vectors, rows) == real_distance(images, vectors, rows)


def test_only_the_rows_that_are_trained_on_count() -> None:
    images = greys([7] * 80 + [0, 255] * 40)
    vectors = np.ones((160, 1), np.float32)
    assert real_distance(images, vectors, np.arange(80)) == pytest.approx(0.0, abs=2e-4)
    assert real_distance(images, vectors, np.arange(80, 160)) > 0.5


@given(count=st.integers(0, 40), kinds=st.integers(1, 40))
def test_any_few_pictures_have_a_distance(count: int, kinds: int) -> None:
    images = greys([index % 256 for index in range(count)])
    vectors = np.eye(kinds, dtype=np.float32)[np.arange(count) % kinds]
    distance = real_distance(images, vectors, np.arange(count))
    assert 0.0 <= distance < 2.0
    assert (distance == 0.0) == (count < 2)


def test_many_pairs_are_looked_at_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (300, 16, 16, 3), np.uint8)
    vectors = np.ones((300, 1), np.float32)
    whole = real_distance(images, vectors, np.arange(300))
    monkeypatch.setattr(variety, "_AT_ONCE", 7)
    assert real_distance(images, vectors, np.arange(300)) == pytest.approx(whole)
