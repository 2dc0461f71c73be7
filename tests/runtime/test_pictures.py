from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganport_runtime.errors import BundleError, RequestError
from ganport_runtime.pictures import png_bytes, save_png, to_uint8


def levels(*values: float) -> list[int]:
    image = np.broadcast_to(np.float32(values)[:, None, None, None], (len(values), 3, 1, 1))
    return [int(level) for level in to_uint8(image)[:, 0, 0, 0]]


@pytest.mark.parametrize(
    ("value", "level"),
    [(-1, 0), (0, 128), (1, 255), (-5, 0), (5, 255), (-0.0001, 127), (0.0039, 128), (0.00785, 129)],
)
def test_the_uint8_rule(value: float, level: int) -> None:
    assert levels(value) == [level]


def test_every_level_comes_back() -> None:
    # 2 u / 255 - 1 is the rule for pictures that go in: out again they are the same.
    u8 = np.arange(256)
    assert levels(*(2 * u8 / 255 - 1)) == u8.tolist()


def test_planes_become_pixels() -> None:
    planes = np.zeros((2, 3, 4, 5), np.float32)
    planes[1, 2, 3, 4] = 1.0
    pixels = to_uint8(planes)
    assert pixels.shape == (2, 4, 5, 3)
    assert pixels.dtype == np.uint8
    assert pixels[1, 3, 4].tolist() == [128, 128, 255]
    assert pixels.flags.c_contiguous


def test_half_precision_is_computed_in_single() -> None:
    value = np.float16(0.7)
    assert to_uint8(np.full((1, 3, 1, 1), value))[0, 0, 0, 0] == levels(float(value))[0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_broken_picture_is_no_picture(value: float) -> None:
    with pytest.raises(BundleError, match="finite numbers"):
        to_uint8(np.full((1, 3, 2, 2), value, np.float32))


def test_a_png_carries_its_texts(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    texts = {"ganport.seed": "7", "ganport.condition": '{"hair": "ピンク"}'}
    save_png(pixels, tmp_path / "a.png", texts)
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), pixels)
        assert image.text == texts  # type: ignore[attr-defined]
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]


def test_png_bytes_are_reproducible() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    assert png_bytes(pixels, {"a": "b"}) == png_bytes(Image.fromarray(pixels), {"a": "b"})


def test_a_png_goes_into_a_png_file(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"a name ending in \.png"):
        save_png(np.zeros((4, 4, 3), np.uint8), tmp_path / "a.jpg")
    assert not list(tmp_path.iterdir())
