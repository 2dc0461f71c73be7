import numpy as np
import pytest

from ganport_runtime.conditions import Conditions
from ganport_train.evaluation.metrics.memorization import NearestImages
from ganport_train.evaluation.scores.condition_accuracy import Misclassified
from ganport_train.evaluation.scores.sampling import GeneratedRound
from ganport_train.evaluation.scores.sheets import (
    comparison_sheet,
    misclassified_sheet,
    neighbor_sheet,
    prompt_sheet,
)

HAIR = Conditions.one_hots({"hair": ["red", "blue"]})


def constant(count: int, side: int, value: int = 9):
    return np.full((count, side, side, 3), value, np.uint8)


@pytest.mark.parametrize(("side", "shown"), [(32, 96), (64, 128), (128, 128), (1024, 256)])
def test_sheet_scales_images_to_a_visible_size(side: int, shown: int) -> None:
    generated = GeneratedRound(constant(4, side), HAIR.encode_many([{}] * 4), ["seed 0"] * 4)
    sheet = prompt_sheet(HAIR, "test", generated)
    pixels = np.asarray(sheet.image)
    assert (pixels == 9).all(axis=2).sum() == 4 * shown**2
    assert sheet.title == "Prompt list test"


def test_comparison_sheet_shows_generated_next_to_real_images() -> None:
    rows = [([0, 1, 2, 3], [0, 1, 2, 3, 4], "red hair"), ([4, 5, 6, 7], [1, 2, 3, 4], "blue hair")]
    sheet = comparison_sheet(constant(8, 96, 50), constant(5, 96, 70), rows)
    pixels = np.asarray(sheet.image)
    assert (pixels == 50).all(axis=2).sum() == 8 * 96**2
    assert (pixels == 70).all(axis=2).sum() == 8 * 96**2
    assert "real images" in sheet.note


def test_neighbor_sheet_shows_the_nearest_training_images() -> None:
    generated, real = (
        constant(20, 96, 50),
        np.stack([constant(1, 96, value)[0] for value in range(100, 140)]),
    )
    nearest = NearestImages(np.arange(20, dtype=np.float32), np.arange(39, 19, -1))
    pixels = np.asarray(neighbor_sheet(generated, real, nearest).image)
    assert (pixels == 50).all(axis=2).sum() == 16 * 96**2
    for rank in range(16):
        assert (pixels == 139 - rank).all(axis=2).sum() == 96**2


def test_misclassified_sheet_shows_the_image() -> None:
    generated = GeneratedRound(constant(3, 32), HAIR.encode_many([{}] * 3), ["seed 0"] * 3)
    sheet = misclassified_sheet(
        generated, [Misclassified(1, "red hair", "blue hair", "seed 1", 0.9)]
    )
    assert sheet.title == "Most confident errors"
    assert (np.asarray(sheet.image) == 9).all(axis=2).sum() == 96**2
