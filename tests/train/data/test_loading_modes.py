"""Images of every mode: which one a data set has, and what its pixels become."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import nearest_colors
from ganport_train.data import Dataset, load_dataset
from ganport_train.data.check import check_dataset
from ganport_train.data.color_modes import Pixels, compose_over
from ganport_train.data.image_options import describe_image

Make = Callable[..., Image.Image]
Encode = Callable[..., bytes]
Write = Callable[..., Path]
Load = Callable[..., Dataset]
PHOTO = np.random.default_rng(0).integers(256, size=(32, 32, 3), dtype=np.uint8)
COLORS = ((0, 0, 0), (200, 40, 40), (40, 40, 200), (250, 220, 180))


def with_alpha(image: Image.Image, alpha: int = 0) -> Image.Image:
    """Return an RGBA image whose left half has another alpha."""
    pixels = np.asarray(image.convert("RGBA")).copy()
    pixels[:, : pixels.shape[1] // 2, 3] = alpha
    return Image.fromarray(pixels)


def sprites(count: int, side: int, seed: int = 0) -> list[Image.Image]:
    random = np.random.default_rng(seed)
    images = []
    for _ in range(count):
        pixels = np.array(COLORS, np.uint8)[random.integers(0, len(COLORS), (side, side))]
        alpha = np.where(random.random((side, side, 1)) < 0.5, 255, 0).astype(np.uint8)
        images.append(Image.fromarray(np.concatenate([pixels, alpha], axis=2)))
    return images


@pytest.fixture
def load(write_folder: Write, encode: Encode, tmp_path: Path) -> Load:
    """Return a function that writes images as a data set and loads it."""

    def write_and_load(
        images: list[Image.Image], resolution: int | tuple[int, int] = 32, **options: Any
    ) -> Dataset:
        half = len(images) // 2
        files = {f"{'ab'[i >= half]}/{i:02}.png": encode(image) for i, image in enumerate(images)}
        return load_dataset(
            write_folder(files, f"set{len(list(tmp_path.glob('set*')))}"),
            resolution=resolution,
            cache=tmp_path / "cache",
            **options,
        )

    return write_and_load


@pytest.mark.parametrize(
    ("kinds", "mode"),
    [
        ("cc", "rgb"),
        ("gg", "gray"),
        ("gc", "rgb"),
        ("ct", "rgba"),
        ("gct", "rgba"),
        ("tcg", "rgba"),
        ("oc", "rgb"),
        ("c" * 30 + "t", "rgb"),
        ("g" * 30 + "t", "rgb"),
    ],
)
def test_mode_is_the_smallest_that_holds_all_images(
    load: Load, make_image: Make, kinds: str, mode: str
) -> None:
    variants: Mapping[str, Callable[[Image.Image], Image.Image]] = {
        "c": lambda image: image,
        "g": lambda image: image.convert("L"),
        "t": with_alpha,
        "o": lambda image: image.convert("RGBA"),
    }
    images = [variants[kind](make_image(seed, 40)) for seed, kind in enumerate(kinds)]
    data = load(images)
    assert data.image == ImageFormat((32, 32), mode)
    assert data.images.shape == (len(kinds), 32, 32, data.image.channels)
    if "t" in kinds and mode != "rgba":
        assert f"1 of {len(kinds)} images carry transparency and are laid on white" in data.notes[0]
    explicit = load(images, mode=mode)
    np.testing.assert_array_equal(explicit.images, data.images)
    # A mode that was chosen for one image holds the others as they are alone.
    for row, image in enumerate(images[:3]):
        own = load([image, image], mode=mode)
        np.testing.assert_array_equal(own.images[0], data.images[row])


def test_explicit_mode_converts(load: Load, make_image: Make) -> None:
    images = [with_alpha(make_image(seed, 32)) for seed in range(2)]
    rgb, gray = load(images, mode="rgb"), load(images, mode="gray")
    assert (rgb.image.mode, gray.image.mode) == ("rgb", "gray")
    assert (rgb.images[:, :, :16] == 255).all()
    luma = np.asarray(Image.fromarray(rgb.images[0]).convert("L"))
    np.testing.assert_array_equal(gray.images[0, :, :, 0], luma)


@pytest.mark.parametrize(
    "background", [np.uint8(0), np.uint8(255), PHOTO], ids=["black", "white", "photo"]
)
def test_resized_transparency_has_no_fringe(load: Load, background: Pixels | np.uint8) -> None:
    # A disk of one color, on transparent pixels of another one.
    rows, columns = np.mgrid[:96, :96] - 47.5
    pixels = np.zeros((96, 96, 4), np.uint8)
    pixels[..., :3] = (0, 255, 0)
    pixels[np.hypot(rows, columns) < 36] = (220, 30, 60, 255)
    data = load([Image.fromarray(pixels)] * 2, pixelated=False)
    small = data.images[0]
    edge = (small[..., 3] > 8) & (small[..., 3] < 247)
    assert edge.sum() > 20
    np.testing.assert_allclose(small[edge][:, :3], [[220, 30, 60]] * edge.sum(), atol=16)
    seen = compose_over(small, background).astype(int)
    color, alpha = np.array([220, 30, 60]), small[..., 3:].astype(float) / 255
    np.testing.assert_allclose(seen, alpha * color + (1 - alpha) * background, atol=2)
    assert not small[small[..., 3] == 0].any()


def test_rectangular_resolution_crops_to_the_aspect_ratio(load: Load, make_image: Make) -> None:
    data = load([make_image(seed, (40, 60)) for seed in range(2)], (48, 32))
    assert data.image == ImageFormat((48, 32))
    assert data.images.shape == (2, 48, 32, 3)


def test_sprites_keep_their_pixels_palette_and_alpha(load: Load) -> None:
    images = sprites(12, 16)
    data = load(images)
    assert data.image.pixelated
    assert data.image.alpha_levels == 2
    assert set(data.image.palette) == {"#000000", "#c82828", "#2828c8", "#fadcb4"}
    assert describe_image(data.image) == "32 x 32 rgba, pixelated, 4 colors, alpha 0 or 255"
    visible = np.asarray(images[0])[..., 3:] > 0
    expected = np.where(visible, np.asarray(images[0]), 0).repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(data.images[0], expected)
    smooth = load(images, pixelated=False)
    assert not smooth.image.pixelated
    assert smooth.image.palette == ()


def test_palette_number_limits_the_colors(load: Load, make_image: Make) -> None:
    images = [make_image(seed, 32) for seed in range(4)]
    plain, few = load(images), load(images, palette=5)
    assert plain.image.palette == ()
    assert 2 <= len(few.image.palette) <= 5
    np.testing.assert_array_equal(few.images, nearest_colors(plain.images, few.image.palette))
    assert load(sprites(12, 32), palette=9).image.palette == load(sprites(12, 32)).image.palette


def test_loading_the_found_format_by_name_reuses_the_cache(load: Load, tmp_path: Path) -> None:
    images = sprites(12, 32)
    data = load(images)
    entries = sorted((tmp_path / "cache").iterdir())
    again = load_dataset(
        tmp_path / "set0",
        resolution=32,
        mode="rgba",
        pixelated=True,
        palette=4,
        cache=tmp_path / "cache",
    )
    assert again.image == data.image
    assert sorted((tmp_path / "cache").iterdir()) == entries


def test_check_states_the_format_of_a_load(load: Load, make_image: Make, tmp_path: Path) -> None:
    sets = (sprites(12, 16), [make_image(seed, 32) for seed in range(3)], sprites(12, 24))
    for number, images in enumerate(sets):
        data = load(images)
        report = check_dataset(tmp_path / f"set{number}", resolution=32)
        assert report.image == data.image
        assert report.notes == list(data.notes)
