"""`docs/interface.md` says what the code does."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from ganport_runtime.bundle.manifest import METADATA_KEY, Image, Manifest
from ganport_runtime.conditions import KINDS
from ganport_runtime.conditions.colors import channels
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import to_float, to_uint8
from ganport_runtime.noise import ALGORITHM, normals, philox4x32

PAGE = (Path(__file__).parents[2] / "docs/interface.md").read_text()
EXAMPLE = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.S)[1])  # type: ignore[index]
HEX4 = r"((?:[0-9a-f]{8} ?){4})"


def test_example_manifest_parses() -> None:
    assert Manifest.from_json(EXAMPLE, "example").to_json() == EXAMPLE


def test_example_request_encodes_as_on_the_page() -> None:
    found = re.search(r"Its request `(\{.*?\})` is the vector\n`(.*?)`", PAGE)
    assert found
    vector = Manifest.from_json(EXAMPLE, "example").conditions.encode(json.loads(found[1]))
    assert vector.tolist() == [float(number) for number in found[2].split()]


def test_normals_equal_the_table_of_the_page() -> None:
    rows = re.findall(rf"\| (\d+) \| {HEX4} \| (.*?) \({HEX4}\) \|", PAGE)
    assert len(rows) == 5
    for seed, _, decimals, bits in rows:
        row = normals([int(seed)], (4,))[0]
        stated = np.array([int(word, 16) for word in bits.split()], np.uint32).view(np.float32)
        np.testing.assert_array_max_ulp(row, stated, 1)
        assert np.array_equal(stated, np.array(decimals.split(), np.float32))


def test_words_equal_the_table_of_the_page() -> None:
    rows = re.findall(rf"\| {HEX4} \| ([0-9a-f]{{8}} [0-9a-f]{{8}}) \| {HEX4} \|", PAGE)
    assert len(rows) == 3
    for counter, key, words in rows:
        given = [
            [np.array([int(w, 16)], np.uint64) for w in text.split()] for text in (counter, key)
        ]
        result = [int(word[0]) for word in philox4x32(*given)]
        assert result == [int(word, 16) for word in words.split()]


def test_every_kind_and_constant_is_on_the_page() -> None:
    for word in (*KINDS, METADATA_KEY, ALGORITHM):
        assert f"`{word}`" in PAGE


def test_image_of_sprites_on_the_page_parses() -> None:
    found = re.search(r"`image` of sprites: `(\{.*?\})`", PAGE, re.S)
    assert found
    entry = json.loads(found[1])
    assert Image.from_json(entry, "example").to_json() == entry


def page_level(x: np.float32) -> int:
    """Return the level of step 4."""
    return int(min(max(x * np.float32(127.5) + np.float32(128), 0), 255))


def page_pixel(values: np.ndarray, image: Image) -> list[int]:
    """Return the levels of one pixel by the steps of section 6, as a stranger would write them."""
    one, two, half = np.float32(1), np.float32(2), np.float32(0.5)
    x = [value * two - one if image.range == "unit" else value for value in values]
    if image.range == "signed" and len(x) == 4:
        u = [value * half + half for value in x]
        divisor = max(u[3], np.float32(1 / 255))
        straight = [min(max(u[c] / divisor, np.float32(0)), one) * two - one for c in range(3)]
        x = [*straight, x[3]]
    levels = [page_level(value) for value in x]
    if image.format.alpha_levels == 2:
        levels[3] = 255 if levels[3] >= 128 else 0
    if image.format.palette:
        entries = [channels(color) for color in image.format.palette]
        distances = [sum((a - b) ** 2 for a, b in zip(levels, p, strict=False)) for p in entries]
        levels[:3] = entries[distances.index(min(distances))]
    return [0, 0, 0, 0] if len(levels) == 4 and levels[3] == 0 else levels


SPRITE = ImageFormat((16, 16), "rgba", True, ("#000000", "#ff8844", "#80ff80", "#7f0000"), 2)


@pytest.mark.parametrize("value_range", ["signed", "unit"])
@pytest.mark.parametrize("mode", ["gray", "rgb", "rgba", "sprite"])
def test_steps_of_the_page_give_the_levels_of_the_runtime(mode: str, value_range: str) -> None:
    form = SPRITE if mode == "sprite" else ImageFormat((16, 16), mode)
    rng = np.random.default_rng(0)
    values = rng.uniform(-1.1, 1.1, (2, form.channels, 16, 16)).astype(np.float32)
    values[:, :, 0] = -1
    values[:, :, 1] = rng.uniform(-1, -0.98, values[:, :, 1].shape)
    image = Image(form, value_range)
    found = to_uint8(values, form, value_range)
    pixels = np.moveaxis(values, 1, -1).reshape(-1, form.channels)
    expected = [page_pixel(pixel, image) for pixel in pixels]
    assert found.reshape(-1, form.channels).tolist() == expected


def test_input_rule_of_the_page_is_that_of_the_runtime() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 4), np.uint8)
    color, alpha = pixels[..., :3].astype(float), pixels[..., 3:].astype(float)
    expected = np.concatenate([2 * (color * alpha) / 65025 - 1, 2 * alpha / 255 - 1], axis=3)
    assert np.allclose(np.moveaxis(to_float(pixels), 1, -1), expected, atol=1e-6)
    gray = pixels[..., :1]
    assert np.allclose(to_float(gray)[0, 0], 2.0 * gray[0, ..., 0] / 255 - 1, atol=1e-6)
