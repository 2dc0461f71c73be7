"""Pixel art: scaled by whole numbers only, and recognized by its colors."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from ganport_train.data.color_modes import Pixels
from ganport_train.data.issues import EntryError
from ganport_train.data.pixel_art import PixelArtProbe, scale_pixels


def sprite(height: int, width: int, seed: int = 0) -> Pixels:
    """Return an RGBA image of a few colors with a transparent border."""
    random = np.random.default_rng(seed)
    colors = np.array([[200, 40, 40, 255], [40, 40, 200, 255], [250, 220, 180, 255]], np.uint8)
    pixels = colors[random.integers(0, 3, (height, width))]
    pixels[0], pixels[:, 0] = 0, 0
    return pixels


def enlarged(pixels: Pixels, factor: int) -> Pixels:
    return np.kron(pixels, np.ones((factor, factor, 1), np.uint8))


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_scale_pixels_whole_factor_repeats_and_returns_each_pixel(factor: int) -> None:
    small = sprite(16, 24)
    large = scale_pixels(small, (16 * factor, 24 * factor), is_centered=True)
    np.testing.assert_array_equal(large, enlarged(small, factor))
    np.testing.assert_array_equal(scale_pixels(large, (16, 24), is_centered=True), small)


def test_scale_pixels_smaller_image_with_transparency_is_centered_on_the_page() -> None:
    small = sprite(10, 7)
    page = scale_pixels(small, (32, 32), is_centered=True)
    np.testing.assert_array_equal(page[1:31, 5:26], enlarged(small, 3))
    assert page.astype(int).sum() == enlarged(small, 3).astype(int).sum()


def test_scale_pixels_other_aspect_ratio_is_cropped_to_its_center() -> None:
    wide = sprite(16, 20)[..., :3]
    np.testing.assert_array_equal(scale_pixels(wide, (16, 16), is_centered=True), wide[:, 2:18])
    with pytest.raises(EntryError):
        scale_pixels(wide, (16, 16), is_centered=False)


@pytest.mark.parametrize("shape", [(24, 24), (33, 33), (48, 48)])
def test_scale_pixels_opaque_image_of_another_size_raises(shape: tuple[int, int]) -> None:
    with pytest.raises(EntryError, match="a whole number scales to 32 x 32") as caught:
        scale_pixels(sprite(*shape)[..., :3], (32, 32), is_centered=True)
    assert "data.pixelated=false" in caught.value.fix


def test_scale_pixels_details_smaller_than_the_factor_raise() -> None:
    with pytest.raises(EntryError, match="whose pixels are 2 x 2 pixels of the file"):
        scale_pixels(sprite(64, 64), (32, 32), is_centered=True)


def test_scale_pixels_invisible_pixels_may_have_any_color() -> None:
    pixels = enlarged(sprite(16, 16), 2)
    pixels[0, 0, :3] = 77
    small = scale_pixels(pixels, (16, 16), is_centered=True)
    assert small.shape == (16, 16, 4)


def probed(images: list[Image.Image], size: int = 32) -> PixelArtProbe:
    probe = PixelArtProbe((size, size), is_centered=True)
    for image in images:
        probe.add(image)
    return probe


def test_probe_sprites_are_pixel_art() -> None:
    probe = probed([Image.fromarray(sprite(32, 32, seed)) for seed in range(10)])
    assert probe.looks_pixelated
    assert probe.is_pixelated
    assert list(probe.notes()) == []


def test_probe_sprites_of_another_size_are_scaled_smoothly_with_a_note() -> None:
    probe = probed([Image.fromarray(sprite(24, 24, seed)[..., :3]) for seed in range(10)])
    assert probe.looks_pixelated
    assert not probe.is_pixelated
    (note,) = probe.notes()
    assert "pixel art of 24 x 24 pixels" in note
    assert "data.resolution" in note


def test_probe_photos_solid_gray_and_soft_images_are_no_pixel_art(
    make_image: Callable[..., Image.Image],
) -> None:
    soft = sprite(32, 32)
    soft[5, 5, 3] = 120
    gray = Image.fromarray(sprite(32, 32)[..., 0])
    for image in (
        make_image(1, 32),
        Image.new("RGB", (32, 32), "red"),
        Image.fromarray(soft),
        gray.convert("RGB"),
        Image.new("RGBA", (32, 32)),
    ):
        assert not probed([image] * 10).looks_pixelated
    assert not probed([]).looks_pixelated


def test_probe_ignores_one_photo_among_many_sprites(make_image: Callable[..., Image.Image]) -> None:
    sprites = [Image.fromarray(sprite(32, 32, seed)) for seed in range(19)]
    assert probed([*sprites, make_image(1, 32)]).is_pixelated
    assert not probed([*sprites, *[make_image(1, 32)] * 9]).is_pixelated
