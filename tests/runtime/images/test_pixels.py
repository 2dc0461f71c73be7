"""Tests of the rules between float and uint8 images, in all modes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ganport_runtime.conditions.colors import channels
from ganport_runtime.errors import BundleError
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import apply_format, nearest_colors, to_float, to_uint8

PALETTE = ("#1a1c2c", "#f4f4f4", "#b13e53", "#38b764")
SPRITE = ImageFormat((2, 3), "rgba", True, PALETTE, 2)
COLORS = st.lists(st.integers(0, 2**24 - 1).map("#{:06x}".format), unique=True, min_size=1)
PIXELS = arrays(np.uint8, (5, 4))


def levels(*values: float) -> list[int]:
    image = np.broadcast_to(np.float32(values)[:, None, None, None], (len(values), 3, 1, 1))
    return [int(level) for level in to_uint8(image)[:, 0, 0, 0]]


@pytest.mark.parametrize(
    ("value", "level"),
    [(-1, 0), (0, 128), (1, 255), (-5, 0), (5, 255), (-0.0001, 127), (0.0039, 128), (0.00785, 129)],
)
def test_to_uint8_follows_the_contract(value: float, level: int) -> None:
    assert levels(value) == [level]


def test_to_uint8_transposes_planes() -> None:
    planes = np.zeros((2, 3, 4, 5), np.float32)
    planes[1, 2, 3, 4] = 1.0
    pixels = to_uint8(planes)
    assert pixels.shape == (2, 4, 5, 3)
    assert pixels.dtype == np.uint8
    assert pixels[1, 3, 4].tolist() == [128, 128, 255]
    assert pixels.flags.c_contiguous


def test_to_uint8_computes_float16_in_float32() -> None:
    value = np.float16(0.7)
    assert to_uint8(np.full((1, 3, 1, 1), value))[0, 0, 0, 0] == levels(float(value))[0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_to_uint8_of_non_finite_numbers_is_a_bundle_error(value: float) -> None:
    with pytest.raises(BundleError, match="finite numbers"):
        to_uint8(np.full((1, 3, 2, 2), value, np.float32))


def test_to_uint8_inverts_to_float() -> None:
    pixels = np.random.default_rng(2).permutation(np.arange(768) % 256).astype(np.uint8)
    images = pixels.reshape(2, 16, 8, 3)
    planes = to_float(images)
    assert planes.shape == (2, 3, 16, 8)
    assert planes.dtype == np.float32
    assert planes[1, 2, 3, 4] == pytest.approx(2 * int(images[1, 3, 4, 2]) / 255 - 1, abs=1e-6)
    assert np.array_equal(to_uint8(planes), images)


def test_to_uint8_restores_every_level_of_gray_images() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    assert np.array_equal(to_uint8(to_float(pixels)), pixels)


def test_to_uint8_restores_every_color_of_every_alpha() -> None:
    colors, alpha = np.meshgrid(np.arange(256), np.arange(256))
    pixels = np.stack([colors, colors, colors, alpha], axis=-1)[None].astype(np.uint8)
    pixels[:, 0, :, :3] = 0  # invisible pixels have no color
    planes = to_float(pixels)
    assert planes.shape == (1, 4, 256, 256)
    assert (planes[:, :3] <= planes[:, 3:]).all()
    assert np.array_equal(to_uint8(planes), pixels)


def premultiplied(*channels: float) -> np.ndarray:
    """Return one pixel (1, 4, 1, 1) in [-1, 1] from premultiplied color and alpha in [0, 1]."""
    return (2 * np.float32(channels) - 1).reshape(1, 4, 1, 1)


@pytest.mark.parametrize(
    ("channels", "pixel"),
    [
        ((0.25, 0.5, 0.0, 0.5), [128, 255, 0, 128]),
        ((1.0, 0.5, 0.0, 1.0), [255, 128, 0, 255]),
        ((0.9, 0.9, 0.9, 0.3), [255, 255, 255, 77]),  # more color than alpha: clamped
        ((0.002, 0.0, 0.0, 0.0035), [130, 0, 0, 1]),  # the divisor is 1 / 255
        ((0.002, 0.002, 0.002, 0.0019), [0, 0, 0, 0]),  # alpha rounds to 0
        ((-3.0, 0.5, 0.5, -3.0), [0, 0, 0, 0]),
    ],
)
def test_to_uint8_divides_colors_by_alpha(channels: tuple[float, ...], pixel: list[int]) -> None:
    assert to_uint8(premultiplied(*channels)).tolist() == [[[pixel]]]


def test_to_uint8_of_unit_images_is_straight() -> None:
    pixel = np.float32([1.0, 0.5, 0.0, 0.5]).reshape(1, 4, 1, 1)
    assert to_uint8(pixel, None, "unit").tolist() == [[[[255, 128, 0, 128]]]]


@given(arrays(np.uint8, (4, 4, 4)), st.sampled_from([1, 3, 4]))
def test_unit_and_signed_images_give_the_same_levels(pixels: np.ndarray, count: int) -> None:
    pixels = apply_format(pixels[None, ..., :count].copy(), None)
    unit = pixels.transpose(0, 3, 1, 2) / np.float32(255)
    assert np.array_equal(to_uint8(unit, None, "unit"), pixels)
    assert np.array_equal(to_uint8(to_float(pixels)), pixels)


def test_to_uint8_of_a_non_finite_unit_image_names_its_range() -> None:
    with pytest.raises(BundleError, match=r"finite numbers in \[0, 1\]"):
        to_uint8(np.full((1, 1, 2, 2), np.nan, np.float32), None, "unit")


@given(PIXELS)
def test_apply_format_gives_pixels_of_the_format(pixels: np.ndarray) -> None:
    found = apply_format(pixels.copy(), SPRITE)
    assert set(found[:, 3].tolist()) <= {0, 255}
    assert np.array_equal(found[:, 3] == 255, pixels[:, 3] >= 128)
    visible = {tuple(color) for color in found[found[:, 3] > 0, :3].tolist()}
    assert visible <= {channels(color) for color in PALETTE}
    assert not found[found[:, 3] == 0].any()
    assert np.array_equal(apply_format(found.copy(), SPRITE), found)


@given(arrays(np.uint8, (6, 3)), COLORS)
def test_nearest_colors_is_the_first_of_the_smallest_distances(
    colors: np.ndarray, palette: list[str]
) -> None:
    entries = [channels(color) for color in palette]
    expected = [
        min(
            entries,
            key=lambda entry: sum((int(x) - y) ** 2 for x, y in zip(color, entry, strict=True)),
        )
        for color in colors
    ]
    assert nearest_colors(colors, tuple(palette)).tolist() == [list(entry) for entry in expected]


def test_nearest_colors_prefers_the_lowest_index() -> None:
    middle = np.uint8([[10, 10, 10]])
    assert nearest_colors(middle, ("#0c0c0c", "#080808")).tolist() == [[12, 12, 12]]
    assert nearest_colors(middle, ("#080808", "#0c0c0c")).tolist() == [[8, 8, 8]]


def test_nearest_colors_of_more_pixels_than_a_chunk_are_complete() -> None:
    colors = np.random.default_rng(0).integers(0, 256, (150, 150, 3), np.uint8)
    found = nearest_colors(colors, PALETTE)
    assert found.shape == colors.shape
    assert np.array_equal(found[149], nearest_colors(colors[149], PALETTE))


def over(pixels: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Return straight uint8 (..., 4) pixels composed over a background in 0 to 255."""
    alpha = pixels[..., 3:] / 255
    return pixels[..., :3] * alpha + background * (1 - alpha)


@given(arrays(np.float32, (1, 4, 4, 6), elements=st.floats(0, 1, width=32)), st.integers(0, 2**32))
def test_straight_pixels_have_no_fringe_over_any_background(values: np.ndarray, seed: int) -> None:
    values[:, :3] *= values[:, 3:]  # premultiplied colors are at most alpha
    pixels = to_uint8(2 * values - 1)
    planes = np.moveaxis(values, 1, -1).astype(np.float64)
    photo = np.random.default_rng(seed).integers(0, 256, (4, 6, 3))
    for background in (np.zeros(3), np.full(3, 255), photo):
        expected = 255 * planes[..., :3] + background * (1 - planes[..., 3:])
        assert np.abs(over(pixels, background) - expected).max() <= 1.01
