"""Tests of scaling by whole numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.errors import RequestError
from ganport_runtime.images.pixel_art import enlarge, scale_pixels


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 256, shape, np.uint8)


@given(st.integers(1, 5), st.integers(1, 4), st.sampled_from([1, 3, 4]))
def test_reduced_image_is_the_one_that_was_enlarged(side: int, factor: int, count: int) -> None:
    small = noise(side, side + 2, count)
    large = enlarge(small, factor)
    assert large.shape == (side * factor, (side + 2) * factor, count)
    found = scale_pixels(large, (side, side + 2), is_centered=True)
    assert np.array_equal(found, small)
    assert np.array_equal(scale_pixels(small, large.shape[:2], is_centered=True), large)


def test_enlarge_of_a_batch_keeps_its_axis() -> None:
    assert enlarge(noise(2, 3, 5, 4), 2).shape == (2, 6, 10, 4)


def test_smaller_sprite_is_padded_with_transparency() -> None:
    sprite = noise(5, 7, 4)
    page = scale_pixels(sprite, (16, 16), is_centered=True)
    assert np.array_equal(page[3:13, 1:15], enlarge(sprite, 2))
    assert np.count_nonzero(page) == 4 * sprite.size


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (noise(24, 24, 3), "a whole number scales to 16 x 16"),
        (noise(32, 32, 3), "whose pixels are 2 x 2 pixels"),
        (noise(9, 9, 3), "a whole number scales to 16 x 16"),
    ],
)
def test_image_that_would_lose_pixels_is_a_request_error(pixels: np.ndarray, expected: str) -> None:
    with pytest.raises(RequestError, match=expected) as caught:
        scale_pixels(pixels, (16, 16), is_centered=True)
    assert caught.value.fix == "Save it at 16 x 16 pixels, without smoothing."
