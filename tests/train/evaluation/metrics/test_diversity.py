"""Spread and near-duplicates on sets small enough to count."""

import numpy as np
import pytest

from ganport_train.evaluation.metrics.diversity import near_duplicates, share, within


def rows(*groups: tuple[int, ...]):
    return [np.array(group) for group in groups]


def test_spread_is_the_mean_distance_within_groups() -> None:
    features = np.array([[0, 0], [3, 4], [0, 0], [0, 1], [0, 2]], np.float32)
    assert within(features, rows((0, 1))) == pytest.approx(5)
    assert within(features, rows((2, 3, 4))) == pytest.approx(4 / 3)
    assert within(features, rows((0, 1), (2, 3, 4), (0,))) == pytest.approx((5 + 4 / 3) / 2)
    assert within(features, rows((0,))) == 0


def test_the_share_is_that_of_the_real_spread() -> None:
    features = np.array([[0.0], [1.0], [0.0], [4.0], [9.0], [9.0]], np.float32)
    assert share(features, rows((0, 1)), features, rows((2, 3))) == pytest.approx(0.25)
    assert share(features, rows((4, 5)), features, rows((2, 3))) == 0
    assert share(features, rows((0, 1)), features, rows((4, 5))) == 1


def test_copies_mirrored_ones_too_are_near_duplicates() -> None:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    images = coarse.repeat(4, axis=1).repeat(4, axis=2)
    assert near_duplicates(images) == 0
    assert near_duplicates(np.concatenate([images, images[:1], images[1:2, :, ::-1]])) == 4 / 8
