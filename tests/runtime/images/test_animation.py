from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime.errors import RequestError
from ganport_runtime.images.animation import (
    MAX_PIXELS,
    Timing,
    check_pixels,
    save_animation,
)
from ganport_runtime.images.encode import read_metadata
from ganport_runtime.images.sheet import INK, PAPER

METADATA = {"ganport.bundle": "faces", "ganport.pictures": "x" * 2000}


def page(color: tuple[int, int, int], size: tuple[int, int] = (32, 24)) -> Image.Image:
    """Return paper with a patch of a color and a line of ink."""
    image = Image.new("RGB", size, PAPER)
    image.paste(color, (4, 4, 20, 20))
    image.paste(INK, (0, 22, 32, 23))
    return image


PAGES = [page((200, 30, 40)), page((30, 160, 60)), page((20, 60, 220))]


def pages_of(path: Path) -> tuple[list[Any], list[int]]:
    """Pixels and milliseconds of each frame."""
    pixels, times = [], []
    with Image.open(path) as image:
        assert image.info["loop"] == 0
        for index in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(index)
            pixels.append(np.asarray(image.convert("RGB")).astype(int))
            times.append(image.info["duration"])
    return pixels, times


def test_webp_keeps_every_frame_exactly(tmp_path: Path) -> None:
    size = save_animation(PAGES, tmp_path / "a.webp", Timing(4, 1.5), METADATA)
    pixels, times = pages_of(tmp_path / "a.webp")
    assert size == (32, 24)
    assert times == [250, 250, 1500]
    for frame, made in zip(pixels, PAGES, strict=True):
        assert np.array_equal(frame, np.asarray(made))
    assert read_metadata(tmp_path / "a.webp") == METADATA


@pytest.mark.parametrize("dither", [True, False])
def test_gif_keeps_paper_ink_and_few_colors(tmp_path: Path, dither: bool) -> None:
    save_animation(PAGES, tmp_path / "a.gif", Timing(10), METADATA, dither=dither)
    pixels, times = pages_of(tmp_path / "a.gif")
    assert times == [100, 100, 100]
    for frame, made in zip(pixels, PAGES, strict=True):
        assert abs(frame - np.asarray(made)).max() <= 1
        assert tuple(frame[0, 0]) == PAPER
        assert tuple(frame[22, 5]) == INK
    assert read_metadata(tmp_path / "a.gif") == METADATA


def ramp() -> Image.Image:
    """Return a gray ramp with more levels than the palette, half of it tinted."""
    levels = np.linspace(0, 255, 512).round().astype(np.uint8)
    pixels = np.repeat(np.tile(levels, (64, 1))[..., None], 3, axis=2)
    pixels[32:, :, 2] //= 2
    noise = np.random.default_rng(0).integers(0, 60, pixels.shape, dtype=np.uint8)
    return Image.fromarray(np.maximum(pixels, noise))


def test_dithering_keeps_the_mean_of_a_region(tmp_path: Path) -> None:
    made = ramp()
    errors = []
    for dither in (True, False):
        save_animation([made, made], tmp_path / "a.gif", Timing(10), dither=dither)
        frame = pages_of(tmp_path / "a.gif")[0][0]
        blocks = (frame - np.asarray(made).astype(int)).reshape(8, 8, 64, 8, 3).mean(axis=(1, 3))
        errors.append(float(np.sqrt((blocks**2).mean())))
    assert errors[0] < errors[1] / 2


def test_gif_keeps_a_rare_color(tmp_path: Path) -> None:
    made = ramp()
    made.paste((30, 60, 250), (0, 0, 4, 4))
    save_animation([made], tmp_path / "a.gif", Timing(10), dither=False)
    with Image.open(tmp_path / "a.gif") as image:
        kept = np.asarray(image.convert("RGB"))[1, 1].astype(int)
    assert abs(kept - (30, 60, 250)).max() <= 12


def test_gif_frames_share_one_palette(tmp_path: Path) -> None:
    save_animation(PAGES, tmp_path / "a.gif", Timing(10))
    data = (tmp_path / "a.gif").read_bytes()
    # Three frames of a few patches: local palettes of 768 bytes each would show.
    assert len(data) < 768 * 2


def test_smaller_frames_are_padded_with_paper(tmp_path: Path) -> None:
    frames = [page((9, 9, 9), (8, 30)), page((9, 9, 9))]
    assert save_animation(frames, tmp_path / "a.webp", Timing(10)) == (32, 30)
    (small, large), _ = pages_of(tmp_path / "a.webp")
    assert np.array_equal(small[:, :8], np.asarray(frames[0]))
    assert (small[:, 8:] == 255).all()
    assert np.array_equal(large[:24], np.asarray(frames[1]))
    assert (large[24:] == 255).all()


@pytest.mark.parametrize(
    ("fps", "hold", "times"),
    [(1, 0, [1000, 1000]), (3, 0, [330, 330]), (50, 2, [20, 2000]), (2, 0.1, [500, 500])],
)
def test_timing_is_in_multiples_of_ten_milliseconds(
    fps: float, hold: float, times: list[int]
) -> None:
    assert Timing(fps, hold).milliseconds(2) == times


def test_too_many_pixels_are_a_request_error() -> None:
    check_pixels([(8192, 8192)] * 2)
    with pytest.raises(RequestError) as caught:
        check_pixels([(8192, 8192)] * 3 + [(9, 9)])
    assert f"{MAX_PIXELS:,} pixels in total" in str(caught.value)
    assert "found 4 of 8192 x 8192. Use one frame of 2" in str(caught.value)


def test_png_animation_is_a_request_error(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"a name ending in \.gif or \.webp"):
        save_animation(PAGES, tmp_path / "a.png", Timing(10))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_same_frames_give_the_same_file(tmp_path: Path, name: str) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        save_animation(PAGES, tmp_path / folder / name, Timing(10), METADATA)
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def sprite(color: tuple[int, int, int], alpha: int) -> Image.Image:
    """Return a transparent page with a patch."""
    image = Image.new("RGBA", (16, 12), (0, 0, 0, 0))
    image.paste((*color, alpha), (3, 3, 9, 9))
    return image


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_frames_keep_their_transparency(tmp_path: Path, suffix: str) -> None:
    sprites = [sprite((200, 30, 40), 255), sprite((30, 160, 60), 255), sprite((1, 2, 3), 0)]
    save_animation(sprites, tmp_path / f"a{suffix}", Timing(4))
    with Image.open(tmp_path / f"a{suffix}") as image:
        for index, made in enumerate(sprites):
            image.seek(index)
            found, expected = np.asarray(image.convert("RGBA")), np.asarray(made)
            assert np.array_equal(found[..., 3], expected[..., 3])
            visible = expected[..., 3] > 0
            assert np.array_equal(found[visible], expected[visible])


def test_gif_makes_pixels_opaque_or_transparent(tmp_path: Path) -> None:
    save_animation([sprite((9, 9, 9), 128), sprite((9, 9, 9), 127)], tmp_path / "a.gif", Timing(4))
    with Image.open(tmp_path / "a.gif") as image:
        alphas = []
        for index in range(2):
            image.seek(index)
            alphas.append(np.asarray(image.convert("RGBA"))[5, 5, 3])
    assert alphas == [255, 0]


def test_gif_of_few_colors_keeps_them_exactly(tmp_path: Path) -> None:
    colors = np.random.default_rng(0).integers(0, 256, (200, 3), np.uint8)
    colors[100:] = colors[:100] ^ 1  # neighbors
    pixels = colors[np.random.default_rng(1).integers(0, 200, (3, 16, 20))]
    save_animation([Image.fromarray(page) for page in pixels], tmp_path / "a.gif", Timing(4))
    assert np.array_equal(pages_of(tmp_path / "a.gif")[0], pixels)


def test_gif_of_invisible_frames_is_written(tmp_path: Path) -> None:
    save_animation([sprite((1, 2, 3), 0)] * 2, tmp_path / "a.gif", Timing(4))
    with Image.open(tmp_path / "a.gif") as image:
        assert not np.asarray(image.convert("RGBA"))[..., 3].any()


def test_gif_of_many_colors_keeps_its_transparency(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 4), np.uint8)
    save_animation([Image.fromarray(page) for page in pixels], tmp_path / "a.gif", Timing(4))
    with Image.open(tmp_path / "a.gif") as image:
        for index, page in enumerate(pixels):
            image.seek(index)
            alpha = np.asarray(image.convert("RGBA"))[..., 3]
            assert np.array_equal(alpha == 255, page[..., 3] >= 128)
