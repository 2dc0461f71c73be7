"""`sample-gan` writes gray images, transparency and palettes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator

MODES = {"tiny-gray": "L", "tiny-rgba": "RGBA", "tiny-sprite": "RGBA"}


@pytest.mark.parametrize("name", MODES)
@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_draw_of_one_image_keeps_its_format(
    sample: Any, read_sheet: Any, data: Path, name: str, suffix: str
) -> None:
    bundle = data / f"{name}.ganport"
    path = sample("draw", bundle, "--seed", 7, "--scale", 3, name=f"one{suffix}").path
    expected = Generator.load(bundle).generate(seed=7)[0].repeat(3, 0).repeat(3, 1)
    assert np.array_equal(read_sheet(path, mode=MODES[name]).page, expected)


def test_draw_of_a_sprite_writes_an_indexed_png(sample: Any, data: Path) -> None:
    with Image.open(sample("draw", data / "tiny-sprite.ganport").path) as image:
        assert image.mode == "P"


def test_draw_over_a_color_is_opaque(sample: Any, read_sheet: Any, data: Path) -> None:
    bundle = data / "tiny-sprite.ganport"
    path = sample("draw", bundle, "--seed", 7, "--background", "#123456").path
    image = Generator.load(bundle).generate(seed=7)[0]
    found = read_sheet(path, mode="RGBA").page
    assert (found[..., 3] == 255).all()
    assert (found[image[..., 3] == 0, :3] == (0x12, 0x34, 0x56)).all()


def test_sheet_of_sprites_keeps_transparency_on_request(
    sample: Any, read_sheet: Any, data: Path
) -> None:
    bundle = data / "tiny-sprite.ganport"
    words = ("draw", bundle, "--seed", 7, "--count", 4, "--scale", 2, "--background")
    with Image.open(sample(*words, "checker").path) as image:
        assert image.mode == "RGB"
    sheet = read_sheet(sample(*words, "none", name="none.png").path, mode="RGBA")
    images = Generator.load(bundle).generate(seed=7, count=4)
    assert all(sheet.shows(image, 2) for image in images)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_animation_of_sprites_keeps_transparency_on_request(
    sample: Any, data: Path, suffix: str
) -> None:
    options = ("--group", "hair", "--seed", 7, "--background", "none", "--animate")
    sheet = sample("sweep", data / "tiny-sprite.ganport", *options, name=f"a{suffix}")
    with Image.open(sheet.path) as image:
        assert image.n_frames == 3  # type: ignore[attr-defined]
        assert np.asarray(image.convert("RGBA"))[0, 0, 3] == 0


@pytest.mark.parametrize("command", ["matrix", "sweep"])
def test_labeled_sheets_of_sprites_are_written(sample: Any, data: Path, command: str) -> None:
    group = ("--group", "hair") if command == "sweep" else ()
    sample(command, data / "tiny-sprite.ganport", *group)


@pytest.mark.parametrize("name", ["tiny-gray", "tiny-rgba"])
def test_images_are_read_in_the_mode_of_the_bundle(
    sample: Any, data: Path, tmp_path: Path, name: str
) -> None:
    bundle = data / f"{name}.ganport"
    generator = Generator.load(bundle)
    pixels = generator.generate(seed=1, count=2)
    paths = [tmp_path / f"{index}.png" for index in range(2)]
    for path, image in zip(paths, pixels, strict=True):
        Image.fromarray(image.squeeze()).save(path)
    options = ("--images", *paths, "--set", "tint=warm", "--scale", 5)
    for command in ("translate", "interpolate"):
        sample(command, bundle, *options)


def test_background_of_an_opaque_bundle_is_refused(run: Any, data: Path, tmp_path: Path) -> None:
    for value, bundle in (("none", "tiny"), ("white", "tiny-sprite")):
        result = run("sample-gan", "draw", data / f"{bundle}.ganport", "--background", value,
                     "--out", tmp_path / "a.png")  # fmt: skip
        assert result.code == 1
        assert "background" in result.err
        assert not list(tmp_path.iterdir())
