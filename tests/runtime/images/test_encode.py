import io
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganport_runtime.errors import RequestError
from ganport_runtime.images.encode import (
    encode_png,
    encode_webp,
    read_metadata,
    save_image,
)


def test_encode_png_is_reproducible() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    assert encode_png(pixels, {"a": "b"}) == encode_png(Image.fromarray(pixels), {"a": "b"})


PIXELS = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)
METADATA = {"ganport.bundle": "ピンク", "ganport.pictures": '[{"seed": "7"}]'}


@pytest.mark.parametrize("name", ["a.png", "a.webp", "A.WEBP"])
def test_save_image_keeps_pixels_and_metadata(tmp_path: Path, name: str) -> None:
    save_image(PIXELS, tmp_path / name, METADATA)
    with Image.open(tmp_path / name) as image:
        assert np.array_equal(np.asarray(image), PIXELS)
    assert read_metadata(tmp_path / name) == METADATA
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_lossy_webp_keeps_metadata(tmp_path: Path) -> None:
    save_image(PIXELS, tmp_path / "a.webp", METADATA, quality=10)
    with Image.open(tmp_path / "a.webp") as image:
        assert not np.array_equal(np.asarray(image), PIXELS)
    assert read_metadata(tmp_path / "a.webp") == METADATA


def test_read_metadata_omits_other_programs_keys(tmp_path: Path) -> None:
    save_image(PIXELS, tmp_path / "a.png", METADATA | {"Software": "another"})
    assert read_metadata(tmp_path / "a.png") == METADATA


def test_save_image_as_gif_is_a_request_error(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"a name ending in \.png or \.webp"):
        save_image(PIXELS, tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


def test_too_large_webp_is_a_request_error(tmp_path: Path) -> None:
    page = np.zeros((1, 16384, 3), np.uint8)
    with pytest.raises(RequestError, match="at most 16383 pixels a side"):
        save_image(page, tmp_path / "a.webp")
    assert not list(tmp_path.iterdir())
    save_image(page, tmp_path / "a.png")


def described(text: str) -> bytes:
    """Return a WebP with that EXIF description."""
    exif = Image.Exif()
    exif[0x010E] = text
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "WEBP", exif=exif.tobytes())
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"not an image", "found not an image of that kind"),
        (encode_png(PIXELS), "without metadata"),
        (encode_png(PIXELS, {"seed": "7"}), "without metadata"),
        (described("[" * 10_000), "found nesting"),
        (described("[1, 2]"), "without metadata"),
        (described('{"ganport.bundle": 7}'), "without metadata"),
        (described("holiday"), "a PNG, WebP or GIF that sample-gan wrote"),
        (encode_webp([PIXELS], METADATA)[:40], "a PNG, WebP or GIF that sample-gan wrote"),
        (b"GIF89a" + b"\xff" * 50, "a PNG, WebP or GIF that sample-gan wrote"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 50, "a PNG, WebP or GIF that sample-gan wrote"),
    ],
)
def test_file_without_metadata_is_a_request_error(
    tmp_path: Path, data: bytes, message: str
) -> None:
    (tmp_path / "a.webp").write_bytes(data)
    with pytest.raises(RequestError) as caught:
        read_metadata(tmp_path / "a.webp")
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


@given(st.integers(0, 400), st.integers(0, 255), st.sampled_from(["png", "webp"]))
def test_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int, kind: str
) -> None:
    written = encode_png(PIXELS, METADATA) if kind == "png" else encode_webp([PIXELS], METADATA)
    data = bytearray(written)
    data[place % len(data)] = value
    path = tmp_path_factory.mktemp("damaged") / "a"
    path.write_bytes(bytes(data))
    with suppress(RequestError):
        assert all(isinstance(text, str) for text in read_metadata(path).values())


def test_read_metadata_of_absent_file_is_a_request_error(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="No such file"):
        read_metadata(tmp_path / "a.png")


@pytest.mark.parametrize(("count", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_saved_image_keeps_its_mode(tmp_path: Path, count: int, mode: str, suffix: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, count), np.uint8)
    save_image(pixels, tmp_path / f"a{suffix}")
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert image.mode == mode or (suffix, mode) == (".webp", "L")
        assert np.array_equal(np.asarray(image.convert(mode)).reshape(pixels.shape), pixels)


PALETTE = ("#1a1c2c", "#b13e53", "#ffcd75")


def sprite(*indices: int, alpha: bool) -> np.ndarray:
    """Return a row of pixels, (1, N, 3 or 4): colors of `PALETTE`, -1 for an invisible one."""
    rows = [
        (*bytes.fromhex(PALETTE[index][1:]), 255) if index >= 0 else (0,) * 4 for index in indices
    ]
    return np.array([rows], np.uint8)[..., : 4 if alpha else 3]


@pytest.mark.parametrize(
    "pixels", [sprite(0, 1, 2, 1, alpha=False), sprite(2, -1, 0, 1, alpha=True)]
)
def test_png_of_palette_colors_is_indexed(pixels: np.ndarray) -> None:
    data = encode_png(pixels, METADATA, PALETTE)
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "P"
        assert image.text == METADATA  # type: ignore[attr-defined]
        found = np.asarray(image.convert("RGBA"))[..., : pixels.shape[2]]
    assert np.array_equal(found, pixels)
    assert encode_png(Image.fromarray(pixels), METADATA, PALETTE) == data


@pytest.mark.parametrize(
    "pixels",
    [
        np.uint8([[[0, 0, 1]]]),
        np.uint8([[[26, 28, 44, 254]]]),  # alpha between 0 and 255
        np.uint8([[[255, 255, 255, 255]]]),
    ],
)
def test_png_of_other_pixels_is_not_indexed(pixels: np.ndarray) -> None:
    with Image.open(io.BytesIO(encode_png(pixels, None, PALETTE))) as image:
        assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize(("count", "mode"), [(3, "P"), (4, "RGBA")])
def test_png_of_256_colors_has_no_index_for_transparency(count: int, mode: str) -> None:
    palette = [f"#{index:02x}00ff" for index in range(256)]
    colors = [(*bytes.fromhex(color[1:]), 255)[:count] for color in palette]
    pixels = np.array(colors, np.uint8).reshape(16, 16, count)
    with Image.open(io.BytesIO(encode_png(pixels, None, palette))) as image:
        assert image.mode == mode
        assert np.array_equal(np.asarray(image.convert("RGBA"))[..., :count], pixels)
