"""How far translations lead from where they came, in numbers that are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ganport_train.evaluation.scores.reconstruction import Ways, figures

SOURCE = np.zeros((2, 4, 4, 3), np.uint8)
SOURCE[1] = 100


def see(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The mean level, twice over."""
    return np.repeat(images.mean(axis=(1, 2, 3))[:, None], 2, axis=1).astype(np.float32)


def test_each_way_has_its_distance_in_levels_and_as_a_share_of_that_between_pictures() -> None:
    first = Ways(SOURCE, SOURCE, SOURCE + 50, SOURCE + 10)
    second = Ways(SOURCE, SOURCE + 2, SOURCE + 70, SOURCE + 20)
    found = figures([first, second], see)
    levels = {key: found[f"{key}_levels"].value for key in ("own", "moved", "back")}
    assert levels == {"own": 1, "moved": 60, "back": 15}
    shares = {key: found[f"{key}_features"].value for key in levels}
    assert shares == pytest.approx({"own": 0.01, "moved": 0.6, "back": 0.15})
    assert (found["own_levels"].better, found["own_levels"].real) == ("lower", 0.0)
    assert (found["moved_levels"].better, found["moved_levels"].real) == (None, None)


def test_darker_is_as_far_as_lighter_and_pictures_all_alike_have_no_scale() -> None:
    alike = np.full((2, 4, 4, 3), 200, np.uint8)
    found = figures([Ways(alike, alike - 200, alike + 55, alike)], see)
    assert found["own_levels"].value == 200
    assert found["moved_levels"].value == 55
    assert found["own_features"].value == 0
