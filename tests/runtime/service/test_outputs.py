import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from ganport_runtime.errors import RequestError
from ganport_runtime.images.encode import encode_webp, read_metadata
from ganport_runtime.service.outputs import (
    OUTPUTS,
    OutputOptions,
    container_from_accept,
    png_bytes,
)


def webp(image: np.ndarray, texts: dict[str, str], quality: int | None = None) -> bytes:
    return encode_webp([image], texts, quality, fast=True)


@pytest.mark.parametrize("output", OUTPUTS)
def test_check_default_options_of_each_output(output: str) -> None:
    OutputOptions(output).check(5, (64, 64))


@pytest.mark.parametrize(
    ("output", "options", "place", "expected"),
    [
        ("jpg", {}, "output", "png, webp, raw, npy, sheet"),
        ("png", {"container": "tar"}, "container", "zip, multipart, json"),
        ("raw", {"container": "zip"}, "container", "png or webp or sheet"),
        ("png", {"quality": 80}, "quality", "webp or sheet"),
        ("webp", {"quality": 0}, "quality", "from 1 to 100"),
        ("webp", {"columns": 3}, "columns", "sheet"),
        ("sheet", {"columns": 0}, "columns", "from 1 to 16384"),
        ("sheet", {"columns": 300}, "columns", "16384 pixels"),
    ],
)
def test_check_invalid_option_raises_with_the_field(
    output: str, options: dict[str, Any], place: str, expected: str
) -> None:
    with pytest.raises(RequestError) as caught:
        OutputOptions(output, **options).check(300, (64, 64))
    assert caught.value.place == place
    assert expected in caught.value.expected


def test_check_too_large_atlas_raises_with_the_count() -> None:
    OutputOptions("sheet").check(256 * 256, (64, 64))
    with pytest.raises(RequestError, match="16448 x 16384") as caught:
        OutputOptions("sheet").check(256 * 256 + 1, (64, 64))
    assert caught.value.place == "count"


@pytest.mark.parametrize(
    ("accept", "container"),
    [
        ("*/*", None),
        ("application/json, text/plain, */*", None),  # the default of axios
        ("application/zip", "zip"),
        ("Multipart/Mixed; q=0.9, application/zip", "multipart"),
        ("application/zip;q=0, multipart/related", "multipart"),
    ],
)
def test_container_from_accept_returns_the_first_named(accept: str, container: str | None) -> None:
    assert container_from_accept(accept, "png") == container
    assert container_from_accept(accept, "raw") is None


IMAGES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)).flatmap(
    lambda shape: arrays(np.uint8, shape)
)
TEXTS = {"ganport.bundle": "faces", "ganport.pictures": '[{"seed": "7"}]'}


def decode(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return np.asarray(image)


@settings(max_examples=60)
@given(IMAGES)
def test_lossless_files_keep_every_pixel(image: np.ndarray) -> None:
    assert np.array_equal(decode(png_bytes(image, TEXTS)), image)
    assert np.array_equal(decode(webp(image, TEXTS)), image)


def test_strided_view_keeps_every_pixel() -> None:
    image = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)[::2, ::-1]
    assert np.array_equal(decode(png_bytes(image, {})), image)
    assert np.array_equal(decode(webp(image, {})), image)


@pytest.mark.parametrize(("suffix", "write"), [(".png", png_bytes), (".webp", webp)])
@pytest.mark.parametrize("name", ["faces", "Gesichter äöü", "顔"])
def test_texts_are_read_back(
    suffix: str, write: Callable[..., bytes], name: str, tmp_path: Path
) -> None:
    texts = TEXTS | {"ganport.bundle": name}
    path = tmp_path / f"one{suffix}"
    path.write_bytes(write(np.zeros((4, 4, 3), np.uint8), texts))
    assert read_metadata(path) == texts


def test_quality_makes_a_webp_smaller() -> None:
    y, x = np.mgrid[0:64, 0:64]
    image = np.stack([x * 4, y * 4, (x * y) % 256], axis=2).astype(np.uint8)
    lossy = webp(image, {}, quality=60)
    assert len(lossy) < len(webp(image, {}))
    assert np.abs(decode(lossy).astype(int) - image).mean() < 16


def test_png_size_is_near_that_of_pillow() -> None:
    rng = np.random.default_rng(0)
    smooth = np.cumsum(rng.integers(-2, 3, (64, 64, 3)), axis=0).astype(np.uint8)
    reference = io.BytesIO()
    Image.fromarray(smooth).save(reference, "PNG")
    assert len(png_bytes(smooth, {})) < 1.1 * len(reference.getvalue())
