"""The pictures of a report, from the smallest to the largest generator."""

import numpy as np
import pytest

from ganport_runtime.conditions import Conditions
from ganport_train.evaluation.scores.memorization import Nearest
from ganport_train.evaluation.scores.misclassified import Mistake
from ganport_train.evaluation.scores.sampling import Drawn
from ganport_train.evaluation.scores.sheets import (
    mistakes,
    neighbours,
    side_by_side,
    trial,
)

HAIR = Conditions.one_hots({"hair": ["red", "blue"]})


def plain(count: int, side: int, value: int = 9):
    return np.full((count, side, side, 3), value, np.uint8)


@pytest.mark.parametrize(("side", "shown"), [(32, 96), (64, 128), (128, 128), (1024, 256)])
def test_pictures_are_shown_at_a_size_to_look_at(side: int, shown: int) -> None:
    drawn = Drawn(plain(4, side), HAIR.encode_many([{}] * 4), ["seed 0"] * 4)
    sheet = trial(HAIR, "test", drawn)
    pixels = np.asarray(sheet.picture)
    assert (pixels == 9).all(axis=2).sum() == 4 * shown**2
    assert sheet.title == "Test list test"


def test_drawn_and_real_stand_side_by_side() -> None:
    rows = [([0, 1, 2, 3], [0, 1, 2, 3, 4], "red hair"), ([4, 5, 6, 7], [1, 2, 3, 4], "blue hair")]
    sheet = side_by_side(plain(8, 96, 50), plain(5, 96, 70), rows)
    pixels = np.asarray(sheet.picture)
    assert (pixels == 50).all(axis=2).sum() == 8 * 96**2
    assert (pixels == 70).all(axis=2).sum() == 8 * 96**2
    assert "real pictures" in sheet.note


def test_drawn_pictures_stand_over_the_training_pictures_they_are_near() -> None:
    drawn, real = plain(20, 96, 50), np.stack([plain(1, 96, value)[0] for value in range(100, 140)])
    nearest = Nearest(np.arange(20, dtype=np.float32), np.arange(39, 19, -1))
    pixels = np.asarray(neighbours(drawn, real, nearest).picture)
    assert (pixels == 50).all(axis=2).sum() == 16 * 96**2
    for place in range(16):
        assert (pixels == 139 - place).all(axis=2).sum() == 96**2


def test_mistakes_say_what_was_asked_and_what_was_seen() -> None:
    drawn = Drawn(plain(3, 32), HAIR.encode_many([{}] * 3), ["seed 0"] * 3)
    one = mistakes(drawn, [Mistake(1, "red hair", "blue hair", "seed 1", 0.9)])
    assert one.title == "Worst mistakes"
    assert (np.asarray(one.picture) == 9).all(axis=2).sum() == 96**2
