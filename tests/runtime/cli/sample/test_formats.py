"""`sample-gan` writes gray images, transparency and palettes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator

MODES = {"tiny-gray": "L", "tiny-rgba": "RGBA", "tiny-sprite": "RGBA"}


def read(path: Path, mode: str) -> np.ndarray:
    with Image.open(path) as image:
        pixels = np.asarray(image.convert(mode))
    return pixels[..., None] if mode == "L" else pixels


@pytest.mark.parametrize("name", MODES)
@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_draw_of_one_image_keeps_its_format(
    run: Any, data: Path, tmp_path: Path, name: str, suffix: str
) -> None:
    bundle, out = data / f"{name}.ganport", tmp_path / f"one{suffix}"
    result = run("sample-gan", "draw", bundle, "--seed", 7, "--scale", 3, "--out", out)
    assert result.code == 0, result.err
    expected = Generator.load(bundle).generate(seed=7)[0].repeat(3, 0).repeat(3, 1)
    assert np.array_equal(read(out, MODES[name]), expected)


def test_draw_of_a_sprite_writes_an_indexed_png(run: Any, data: Path, tmp_path: Path) -> None:
    run("sample-gan", "draw", data / "tiny-sprite.ganport", "--out", tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P"


def test_draw_over_a_color_is_opaque(run: Any, data: Path, tmp_path: Path) -> None:
    bundle, out = data / "tiny-sprite.ganport", tmp_path / "a.png"
    run("sample-gan", "draw", bundle, "--seed", 7, "--background", "#123456", "--out", out)
    image = Generator.load(bundle).generate(seed=7)[0]
    found = read(out, "RGBA")
    assert (found[..., 3] == 255).all()
    assert (found[image[..., 3] == 0, :3] == (0x12, 0x34, 0x56)).all()


def test_sheet_of_sprites_keeps_transparency_on_request(
    run: Any, data: Path, tmp_path: Path, contains: Any
) -> None:
    bundle = data / "tiny-sprite.ganport"
    options = ("--seed", 7, "--count", 4, "--scale", 2)
    for background in ("checker", "none"):
        out = tmp_path / f"{background}.png"
        run("sample-gan", "draw", bundle, *options, "--background", background, "--out", out)
    with Image.open(tmp_path / "checker.png") as image:
        assert image.mode == "RGB"
    page = read(tmp_path / "none.png", "RGBA")
    images = Generator.load(bundle).generate(seed=7, count=4)
    assert all(contains(page, image, 2) for image in images)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_animation_of_sprites_keeps_transparency_on_request(
    run: Any, data: Path, tmp_path: Path, suffix: str
) -> None:
    bundle, out = data / "tiny-sprite.ganport", tmp_path / f"a{suffix}"
    options = ("--group", "hair", "--seed", 7, "--background", "none", "--animate")
    result = run("sample-gan", "sweep", bundle, *options, "--out", out)
    assert result.code == 0, result.err
    with Image.open(out) as image:
        assert image.n_frames == 3  # type: ignore[attr-defined]
        assert np.asarray(image.convert("RGBA"))[0, 0, 3] == 0


@pytest.mark.parametrize("command", ["matrix", "sweep"])
def test_labeled_sheets_of_sprites_are_written(
    run: Any, data: Path, tmp_path: Path, command: str
) -> None:
    group = ("--group", "hair") if command == "sweep" else ()
    result = run(
        "sample-gan", command, data / "tiny-sprite.ganport", *group, "--out", tmp_path / "a.png"
    )
    assert result.code == 0, result.err


@pytest.mark.parametrize(("name", "mode"), [("tiny-gray", "L"), ("tiny-rgba", "RGBA")])
def test_images_are_read_in_the_mode_of_the_bundle(
    run: Any, data: Path, tmp_path: Path, name: str, mode: str
) -> None:
    bundle = data / f"{name}.ganport"
    generator = Generator.load(bundle)
    pixels = generator.generate(seed=1, count=2)
    paths = [tmp_path / f"{index}.png" for index in range(2)]
    for path, image in zip(paths, pixels, strict=True):
        Image.fromarray(image.squeeze()).save(path)
    out = tmp_path / "out.png"
    options = ("--images", *paths, "--set", "tint=warm", "--scale", 5, "--out", out)
    for command in ("translate", "interpolate"):
        result = run("sample-gan", command, bundle, *options)
        assert result.code == 0, result.err


def test_background_of_an_opaque_bundle_is_refused(run: Any, data: Path, tmp_path: Path) -> None:
    for value, bundle in (("none", "tiny"), ("white", "tiny-sprite")):
        result = run("sample-gan", "draw", data / f"{bundle}.ganport", "--background", value,
                     "--out", tmp_path / "a.png")  # fmt: skip
        assert result.code == 1
        assert "background" in result.err
        assert not list(tmp_path.iterdir())
