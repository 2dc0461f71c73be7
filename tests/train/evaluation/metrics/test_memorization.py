import numpy as np
import pytest

from ganport_train.evaluation.metrics.memorization import (
    SIDE,
    NearestImages,
    closeness,
    memorization_metrics,
    nearest,
    nearest_images,
    thumbnails,
)


def noise(count: int, side: int = 32, seed: int = 0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_thumbnails_average_squares() -> None:
    images = noise(3)
    squares = images.reshape(3, SIDE, 2, SIDE, 2, 3).mean(axis=(2, 4)) / 255
    expected = squares.transpose(0, 3, 1, 2).reshape(3, -1)
    assert thumbnails(images) == pytest.approx(expected, abs=1e-6)
    assert thumbnails(images, np.array([2, 0])) == pytest.approx(expected[[2, 0]], abs=1e-6)


def test_nearest_returns_rows_and_exact_distances() -> None:
    base = np.array([[0, 0], [3, 4], [1000, 1000]], np.float32)
    distances, rows = nearest(np.array([[3, 4.5], [1000, 1000.001]], np.float32), base)
    assert list(rows) == [1, 2]
    assert distances == pytest.approx([0.5, np.float32(1000.001) - 1000], rel=1e-3)


def test_nearest_images_finds_plain_and_mirrored_copies() -> None:
    images = noise(20)
    query = np.concatenate([images[7:8], images[3:4, :, ::-1], noise(1, seed=5)])
    distances, rows = nearest_images(query, thumbnails(images))
    assert list(rows[:2]) == [7, 3]
    assert distances[:2] == pytest.approx([0, 0], abs=1e-5)
    assert distances[2] > 1


@pytest.mark.parametrize(("held_out", "rank"), [(12, 1), (149, 1), (250, 2), (1000, 10)])
def test_closeness_of_new_images_equals_the_expected_fraction(held_out: int, rank: int) -> None:
    random = np.random.default_rng(0)
    reference = random.uniform(1, 2, held_out).astype(np.float32)
    new = random.uniform(1, 2, 20_000).astype(np.float32)
    result = closeness(new, reference)
    assert result.expected == rank / (held_out + 1)
    assert result.fraction == pytest.approx(np.sort(reference)[rank - 1] - 1, abs=0.01)
    assert result.ratio == pytest.approx(1, abs=0.2)


def test_closeness_of_copies_is_1_with_ratio_0() -> None:
    reference = np.linspace(1, 2, 100, dtype=np.float32)
    result = closeness(np.zeros(50, np.float32), reference)
    assert (result.fraction, result.ratio) == (1, 0)


def test_closeness_to_a_data_set_of_copies_has_ratio_1() -> None:
    assert closeness(np.ones(3, np.float32), np.zeros(5, np.float32)).ratio == 1


def test_memorization_metrics_separate_copies_from_new_images() -> None:
    images = noise(60, side=16)
    train, held_out = np.arange(10, 50), np.arange(10)
    metrics, neighbors = memorization_metrics([images[[12, 30]]], images, train, held_out)
    assert (metrics["copied"].value, metrics["copied"].real) == (1, 1 / 11)
    assert metrics["distance_ratio"].value == pytest.approx(0, abs=1e-4)
    assert neighbors.rows.tolist() == [12, 30]
    new, _ = memorization_metrics([images[50:55], images[55:]], images, train, held_out)
    assert new["copied"].value < 0.5
    assert new["copied"].high is not None
    assert new["distance_ratio"].value == pytest.approx(1, abs=0.1)


def test_closest_sorts_by_distance_and_keeps_the_order_of_equal_ones() -> None:
    neighbors = NearestImages(np.array([3.0, 1.0, 1.0, 2.0], np.float32), np.arange(4))
    assert neighbors.closest(3).tolist() == [1, 2, 3]
