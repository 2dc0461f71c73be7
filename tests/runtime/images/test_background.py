"""Tests of the backgrounds that transparent images lie over."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ganport_runtime.errors import RequestError
from ganport_runtime.images.background import check_background, checkerboard, compose


@given(arrays(np.uint8, (3, 5, 4)), st.integers(0, 2**24 - 1).map("#{:06x}".format))
def test_compose_mixes_within_half_a_level(pixels: np.ndarray, color: str) -> None:
    alpha = pixels[..., 3:] / 255
    expected = pixels[..., :3] * alpha + np.array([*bytes.fromhex(color[1:])]) * (1 - alpha)
    found = compose(pixels, color)
    assert found.shape == (3, 5, 3)
    assert np.abs(found - expected).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("count", [1, 3])
def test_compose_of_opaque_images_keeps_their_colors(count: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, count), np.uint8)
    assert np.array_equal(compose(pixels), np.broadcast_to(pixels, (4, 6, 3)))


def test_checker_shows_under_transparent_pixels_only() -> None:
    pixels = np.zeros((20, 30, 4), np.uint8)
    pixels[:10] = (1, 2, 3, 255)
    found = compose(pixels)
    assert (found[:10] == (1, 2, 3)).all()
    assert np.array_equal(found[10:], np.broadcast_to(checkerboard(20, 30)[10:], (10, 30, 3)))
    assert len(np.unique(found[10:])) == 2


@pytest.mark.parametrize("value", ["checker", "none", "#AABBcc"])
def test_known_background_is_accepted(value: str) -> None:
    check_background(value)


@pytest.mark.parametrize("value", ["", "white", "#fff", "checkers"])
def test_unknown_background_is_a_request_error(value: str) -> None:
    with pytest.raises(RequestError, match="expected checker, none or #rrggbb"):
        check_background(value)
