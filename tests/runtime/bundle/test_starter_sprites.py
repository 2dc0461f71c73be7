"""The bundle of sprites that ships with the runtime."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle import bundle as bundle_module
from ganport_runtime.generator import Generator
from ganport_runtime.verify import verify

SHIPPED = Path(bundle_module.__file__).parents[1] / "starter-sprites.ganport"
GROUPS = {"class": 6, "hair": 8, "outfit": 7, "weapon": 6}
COUNT = 24


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator.load("starter-sprites", "cpu")


def to_hex(pixels: NDArray[np.uint8]) -> set[str]:
    return {f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in pixels.tolist()}


def test_starter_sprites_is_small_and_has_sprites(generator: Generator) -> None:
    bundle = Bundle.open("starter-sprites")
    manifest = bundle.manifest
    assert bundle.path == SHIPPED
    assert SHIPPED.stat().st_size <= 2**20
    assert (manifest.name, manifest.license) == ("starter-sprites", "Apache-2.0")
    assert (generator.image.size, generator.image.mode) == ((32, 32), "rgba")
    assert (generator.image.pixelated, generator.image.alpha_levels) == (True, 2)
    assert {n: len(group.labels) for n, group in manifest.conditions.fields.items()} == GROUPS


def test_starter_sprites_passes_every_check() -> None:
    checks = list(verify(Bundle.open("starter-sprites")))
    assert [check for check in checks if check.passed is False] == []


def test_starter_sprites_has_palette_colors_and_binary_alpha(generator: Generator) -> None:
    sprites = generator.generate(seed=0, count=COUNT)
    visible = sprites[..., 3] == 255
    assert sprites.shape == (COUNT, 32, 32, 4)
    assert not sprites[~visible].any()
    assert 0.25 < visible.mean() < 0.65
    assert to_hex(sprites[visible][:, :3]) <= set(generator.image.palette)


@pytest.mark.parametrize(
    ("group", "color", "red", "green", "blue"),
    [
        ("hair", "pink", 236, 122, 170),
        ("hair", "green", 59, 156, 85),
        ("outfit", "orange", 226, 119, 47),
        ("outfit", "purple", 128, 73, 184),
        ("weapon", "gold", 234, 180, 54),
        ("weapon", "red", 201, 52, 76),
    ],
)
def test_starter_sprites_shows_the_requested_color(
    generator: Generator, group: str, color: str, red: int, green: int, blue: int
) -> None:
    def count(label: str) -> float:
        others = {"hair": "white", "outfit": "black", "weapon": "steel"}
        sprites = generator.generate({**others, group: label}, seed=0, count=COUNT)
        return float((sprites[..., :3] == (red, green, blue)).all(axis=-1).sum()) / COUNT

    assert count(color) > 1.5 * count("blue") + 1


def test_starter_sprites_draws_another_character_for_another_seed(generator: Generator) -> None:
    sprites = generator.generate("mage class", seed=0, count=COUNT)
    assert len({sprite.tobytes() for sprite in sprites}) == COUNT
