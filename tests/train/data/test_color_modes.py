"""Conversions between gray, RGB and RGBA images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from ganport_runtime.images.format import CHANNELS
from ganport_train.data.color_modes import (
    Pixels,
    compose_over,
    convert_mode,
    has_color,
    over_backgrounds,
    premultiply,
)

PILLOW = {"gray": "L", "rgb": "RGB", "rgba": "RGBA"}
images = st.sampled_from([1, 3, 4]).flatmap(lambda count: arrays(np.uint8, (5, 4, count)))


@given(images, st.sampled_from(list(CHANNELS)))
def test_convert_mode_equals_pillow_over_white(pixels: Pixels, mode: str) -> None:
    image = Image.fromarray(pixels.squeeze())
    if image.mode == "RGBA" and mode != "rgba":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    expected = np.asarray(image.convert(PILLOW[mode])).reshape(5, 4, -1).astype(int)
    converted = convert_mode(pixels, mode)
    assert converted.dtype == np.uint8
    # Pillow rounds compositing once more.
    np.testing.assert_allclose(
        converted.astype(int), expected, atol=1 if pixels.shape[2] == 4 else 0
    )


@given(arrays(np.uint8, (4, 4, 4)), arrays(np.uint8, 3))
def test_compose_over_rounds_the_exact_mixture(pixels: Pixels, background: Pixels) -> None:
    alpha = pixels[..., 3:].astype(float) / 255
    exact = pixels[..., :3] * alpha + background * (1 - alpha)
    np.testing.assert_allclose(compose_over(pixels, background), exact, atol=0.5 + 1e-9)


def test_premultiply_multiplies_colors_alone() -> None:
    pixels = np.array([[[200, 100, 50, 51], [9, 8, 7, 0]]], np.uint8)
    np.testing.assert_allclose(premultiply(pixels), [[[40, 20, 10, 51], [0, 0, 0, 0]]], rtol=1e-6)
    np.testing.assert_array_equal(premultiply(pixels[..., :3]), pixels[..., :3])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_over_backgrounds_depends_on_the_index_alone(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 2, 2, channels), np.uint8)
    together = over_backgrounds(pixels)
    assert together.shape == (40, 2, 2, 3)
    np.testing.assert_array_equal(over_backgrounds(pixels[30:], 30), together[30:])
    clear = np.zeros((40, 2, 2, 4), np.uint8)
    assert len(np.unique(over_backgrounds(clear)[:, 0, 0], axis=0)) > 3


def test_has_color_ignores_invisible_pixels() -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = (255, 0, 0, 0)
    assert not has_color(pixels)
    pixels[0, 0, 3] = 1
    assert has_color(pixels)
    assert not has_color(pixels[..., :1])
