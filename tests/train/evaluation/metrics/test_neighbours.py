"""The nearest training picture, on pictures made for it."""

import numpy as np
import pytest

from ganport_train.evaluation.metrics.neighbours import (
    SIDE,
    closeness,
    nearest,
    nearest_pictures,
    thumbnails,
)


def pictures(count: int, side: int = 32, seed: int = 0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_a_thumbnail_averages_squares() -> None:
    images = pictures(3)
    squares = images.reshape(3, SIDE, 2, SIDE, 2, 3).mean(axis=(2, 4)) / 255
    expected = squares.transpose(0, 3, 1, 2).reshape(3, -1)
    assert thumbnails(images) == pytest.approx(expected, abs=1e-6)
    assert thumbnails(images, np.array([2, 0])) == pytest.approx(expected[[2, 0]], abs=1e-6)


def test_the_nearest_is_found_and_its_distance_exact() -> None:
    base = np.array([[0, 0], [3, 4], [1000, 1000]], np.float32)
    distances, rows = nearest(np.array([[3, 4.5], [1000, 1000.001]], np.float32), base)
    assert list(rows) == [1, 2]
    assert distances == pytest.approx([0.5, np.float32(1000.001) - 1000], rel=1e-3)


def test_a_copy_is_nearest_to_its_original_mirrored_or_not() -> None:
    images = pictures(20)
    query = np.concatenate([images[7:8], images[3:4, :, ::-1], pictures(1, seed=5)])
    distances, rows = nearest_pictures(query, thumbnails(images))
    assert list(rows[:2]) == [7, 3]
    assert distances[:2] == pytest.approx([0, 0], abs=1e-5)
    assert distances[2] > 1


@pytest.mark.parametrize(("held", "rank"), [(12, 1), (149, 1), (250, 2), (1000, 10)])
def test_new_pictures_are_as_near_as_held_out_ones(held: int, rank: int) -> None:
    random = np.random.default_rng(0)
    reference = random.uniform(1, 2, held).astype(np.float32)
    fresh = random.uniform(1, 2, 20_000).astype(np.float32)
    found = closeness(fresh, reference)
    assert found.expected == rank / (held + 1)
    assert found.share == pytest.approx(np.sort(reference)[rank - 1] - 1, abs=0.01)
    assert found.ratio == pytest.approx(1, abs=0.2)


def test_copies_are_all_near() -> None:
    reference = np.linspace(1, 2, 100, dtype=np.float32)
    found = closeness(np.zeros(50, np.float32), reference)
    assert (found.share, found.ratio) == (1, 0)


def test_a_data_set_of_copies_gives_no_ratio() -> None:
    assert closeness(np.ones(3, np.float32), np.zeros(5, np.float32)).ratio == 1
