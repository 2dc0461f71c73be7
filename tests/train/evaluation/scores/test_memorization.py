"""Copies of training pictures, found among drawn ones."""

import numpy as np
import pytest

from ganport_train.evaluation.scores.memorization import Nearest, figures


def test_copies_are_measured_beside_held_out_pictures() -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 3), dtype=np.uint8)
    train, held = np.arange(10, 50), np.arange(10)
    found, nearest = figures([images[[12, 30]]], images, train, held)
    assert (found["copied"].value, found["copied"].real) == (1, 1 / 11)
    assert found["distance_ratio"].value == pytest.approx(0, abs=1e-4)
    assert nearest.rows.tolist() == [12, 30]
    fresh, _ = figures([images[50:55], images[55:]], images, train, held)
    assert fresh["copied"].value < 0.5
    assert fresh["copied"].high is not None
    assert fresh["distance_ratio"].value == pytest.approx(1, abs=0.1)


def test_the_closest_come_first_and_equal_ones_in_order() -> None:
    nearest = Nearest(np.array([3.0, 1.0, 1.0, 2.0], np.float32), np.arange(4))
    assert nearest.closest(3).tolist() == [1, 2, 3]
