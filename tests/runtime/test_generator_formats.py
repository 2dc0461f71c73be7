"""Gray images, transparency and palettes; `build_format_fixtures.py` wrote their bundles."""

from pathlib import Path

import numpy as np
import pytest

from ganport_runtime import Batcher, Generator, RequestError
from ganport_runtime.bundle import Bundle
from ganport_runtime.bundle.schema import TRANSLATE
from ganport_runtime.conditions.colors import channels
from ganport_runtime.generation.interpolation import spherical
from ganport_runtime.generation.request import EncodedRequest
from ganport_runtime.images.pixels import apply_format
from ganport_runtime.verify import verify

NAMES = ("tiny-gray", "tiny-rgba", "tiny-sprite")
SHAPES = {"tiny-gray": (6, 10, 1), "tiny-rgba": (8, 6, 4), "tiny-sprite": (12, 20, 4)}
SHIFTED = ("tiny-gray", "tiny-rgba")


def opened(data: Path, name: str) -> Generator:
    return Generator.load(data / f"{name}.ganport", "cpu")


def random_images(name: str, count: int) -> np.ndarray:
    """Return straight images of a bundle, with every alpha."""
    pixels = np.random.default_rng(1).integers(0, 256, (count, *SHAPES[name]), np.uint8)
    return apply_format(pixels, None)


@pytest.mark.parametrize("name", NAMES)
def test_bundle_of_version_2_passes_every_check(data: Path, name: str) -> None:
    assert all(check.passed for check in verify(Bundle.open(data / f"{name}.ganport")))


@pytest.mark.parametrize("name", NAMES)
def test_generate_returns_images_of_the_format(data: Path, name: str) -> None:
    generator = opened(data, name)
    images = generator.generate(seed=3, count=5)
    assert images.shape == (5, *SHAPES[name])
    assert generator.image.channels == SHAPES[name][2]
    assert generator.manifest.schema_version == 2
    for index in range(5):
        assert np.array_equal(generator.generate(seed=3 + index)[0], images[index])
    assert np.array_equal(generator.generate(seed=3, count=5, batch_size=2), images)


def test_sprites_have_colors_of_their_palette_and_two_levels_of_alpha(data: Path) -> None:
    generator = opened(data, "tiny-sprite")
    images = generator.generate(seed=0, count=50)
    assert set(np.unique(images[..., 3])) == {0, 255}
    visible = images[images[..., 3] > 0][:, :3]
    palette = {channels(color) for color in generator.image.palette}
    assert {tuple(color) for color in visible.tolist()} == palette
    assert not images[images[..., 3] == 0].any()


@pytest.mark.parametrize("value_range", ["signed", "unit"])
def test_float_heads_give_the_images_of_the_uint8_head(data: Path, value_range: str) -> None:
    float_generator = Generator.load(data / f"tiny-sprite-{value_range}.onnx", "cpu")
    assert float_generator.manifest.image.range == value_range
    expected = opened(data, "tiny-sprite").generate("pink hair", seed=0, count=50)
    assert np.array_equal(float_generator.generate("pink hair", seed=0, count=50), expected)


@pytest.mark.parametrize("name", SHIFTED)
def test_translate_without_change_returns_the_images(data: Path, name: str) -> None:
    images = random_images(name, 4)
    generator = opened(data, name)
    assert np.array_equal(generator.translate(images), images)
    assert not np.array_equal(generator.translate(images, "warm"), images)


@pytest.mark.parametrize("name", SHIFTED)
def test_generate_inverts_encode_in_every_mode(data: Path, name: str) -> None:
    images, generator = random_images(name, 4), opened(data, name)
    z = generator.encode(images, "cold")
    assert z.shape == (4, *generator.z_shape)
    assert np.array_equal(generator.generate("cold", z=z), images)
    between = spherical(z[0], z[1], [0.0, 0.5, 1.0])
    assert np.array_equal(generator.generate("cold", z=between)[[0, 2]], images[:2])


def test_network_output_over_any_background_has_no_fringe(data: Path) -> None:
    generator = opened(data, "tiny-rgba")
    rng = np.random.default_rng(2)
    values = rng.uniform(0, 1, (8, 4, 8, 6)).astype(np.float32)
    values[:, :3] *= values[:, 3:]  # premultiplied, as networks have it
    request = EncodedRequest(
        TRANSLATE, generator.conditions.encode_many([{}] * 8), inputs=2 * values - 1
    )
    pixels = generator.run_rows([(request, slice(0, 8))]).astype(float)
    planes = np.moveaxis(values, 1, -1)
    photo = rng.integers(0, 256, (8, 6, 3))
    for background in (np.zeros(3), np.full(3, 255), photo):
        expected = 255 * planes[..., :3] + background * (1 - planes[..., 3:])
        alpha = pixels[..., 3:] / 255
        found = pixels[..., :3] * alpha + background * (1 - alpha)
        assert np.abs(found - expected).max() <= 1.01


@pytest.mark.parametrize(("name", "other"), [("tiny-gray", "gray"), ("tiny-rgba", "rgba")])
def test_images_of_another_mode_are_a_request_error(data: Path, name: str, other: str) -> None:
    height, width, count = SHAPES[name]
    wrong = np.zeros((2, height, width, 3), np.uint8)
    with pytest.raises(RequestError) as caught:
        opened(data, name).translate(wrong)
    assert caught.value.expected == f"an array uint8 (N, {height}, {width}, {count})"
    assert other in caught.value.fix


@pytest.mark.parametrize("name", NAMES)
def test_batcher_returns_the_images_of_the_generator(data: Path, name: str) -> None:
    generator = opened(data, name)
    with Batcher(generator, max_batch=4) as batcher:
        futures = [batcher.submit(seed=seed, count=3) for seed in range(5)]
        for seed, future in enumerate(futures):
            expected = generator.generate(seed=seed, count=3)
            assert np.array_equal(future.result().images, expected)
