import io
import os
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganport_runtime.errors import RequestError
from ganport_runtime.images.decode import MAX_BYTES, decode_image, read_image_file
from ganport_runtime.images.format import ImageFormat

HERE = Path("here.png")
NOISE = np.random.default_rng(3).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def encoded(image: Any, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    page = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    page.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_every_format_decodes(kind: str) -> None:
    pixels = decode_image(encoded(NOISE, kind), HERE, (8, 8))
    assert pixels.shape == (8, 8, 3)
    assert pixels.dtype == np.uint8


def test_image_is_center_cropped_or_squeezed() -> None:
    stripes = np.zeros((40, 80, 3), np.uint8)
    stripes[:, 20:60] = (0, 255, 0)  # exactly the centered square
    data = encoded(stripes)
    assert np.array_equal(decode_image(data, HERE, (40, 40)), stripes[:, 20:60])
    whole = decode_image(data, HERE, (40, 40), crop=False)
    assert whole[:, 0].max() == 0
    assert whole[20, 20].tolist() == [0, 255, 0]


def test_crop_has_the_requested_aspect_ratio() -> None:
    assert np.array_equal(decode_image(encoded(NOISE), HERE, (40, 60)), NOISE)
    assert np.array_equal(decode_image(encoded(NOISE), HERE, (40, 20)), NOISE[:, 20:40])
    assert np.array_equal(decode_image(encoded(NOISE), HERE, (20, 60)), NOISE[10:30])


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to the right
    data = encoded(NOISE, "PNG", exif=exif.tobytes())
    assert np.array_equal(decode_image(data, HERE, (60, 40)), np.rot90(NOISE, -1))


def test_16_bit_gray_keeps_its_levels() -> None:
    gray = np.array([[0, 257 * 100], [257 * 200, 65535]], np.uint16)
    pixels = decode_image(encoded(gray), HERE, (2, 2))
    assert pixels[..., 0].tolist() == [[0, 100], [200, 255]]


@pytest.mark.parametrize("framing", ["center", "full"])
@pytest.mark.parametrize("mode", ["gray", "rgb", "rgba"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_decode_equals_the_preprocessing_of_training(
    channels: int, mode: str, framing: str
) -> None:
    images = pytest.importorskip("ganport_train.data.images")
    options = pytest.importorskip("ganport_train.data.image_options").ImageOptions
    pixels = np.random.default_rng(3).integers(0, 256, (40, 60, channels), np.uint8).squeeze()
    for size, pixelated in (((16, 16), False), ((24, 16), False), ((80, 120), True)):
        wanted = options(size, mode=mode, pixelated=pixelated)
        seen = images.decode(encoded(pixels), wanted, framing).pixels
        form = ImageFormat(size, mode, pixelated)
        crop = framing == "center"
        assert np.array_equal(decode_image(encoded(pixels), HERE, form, crop=crop), seen)


def huge() -> bytes:
    """Return a PNG with a declared size of 60000 x 60000."""
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a complete JPEG, PNG or WebP image; found one that cannot be decoded"),
        (b"\x1b[2J not an image", "cannot be decoded (not an image of that kind)"),
        (encoded(NOISE, "GIF"), "cannot be decoded (not an image of that kind)"),
        (encoded(NOISE)[:200], "cannot be decoded"),
        (encoded(NOISE, "JPEG")[:300], "cannot be decoded"),
        (huge(), "at most 67,108,864 pixels; found more"),
        (encoded(Image.new("1", (8193, 8192))), "at most 67,108,864 pixels; found 8193 x 8192"),
    ],
)
def test_invalid_image_is_a_request_error(data: bytes, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        decode_image(data, HERE, (8, 8))
    assert str(caught.value).startswith("here.png: expected")
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


def progressive(scans: int) -> bytes:
    """Return a JPEG with that many scans: the last one is repeated."""
    data = encoded(Image.new("RGB", (64, 64)), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + (scans - data.count(b"\xff\xda")) * last + b"\xff\xd9"


def with_chunks(kind: bytes, body: bytes, number: int) -> bytes:
    """Return a PNG with `number` more chunks before its pixels."""
    data = encoded(NOISE)
    chunk = struct.pack(">I", len(body)) + kind + body
    chunk += struct.pack(">I", zlib.crc32(kind + body))
    return data[:33] + number * chunk + data[33:]


def webp_frames(number: int) -> bytes:
    data = encoded(NOISE, "WEBP")
    return data[:12] + number * (b"ANMF" + struct.pack("<I", 0)) + data[12:]


@pytest.mark.parametrize(
    ("data", "limit"),
    [
        (progressive(65), "64 scans"),
        (progressive(5000), "64 scans"),
        (b"\xff\xd8" + b"\xff\xfe\x00\x02" * 20_000, "16384 parts"),
        (with_chunks(b"fcTL", bytes(26), 1001), "1000 frames"),
        (with_chunks(b"tEXt", b"a\0b", 20_000), "16384 parts"),
        (with_chunks(b"IDAT", b"", 20_000), "16384 parts"),
        (with_chunks(b"eXIf", b"MM\0*\0\0\0\x08" + bytes(70_000), 1), "65536 bytes of EXIF data"),
        (webp_frames(1001), "1000 frames"),
    ],
)
def test_file_with_too_many_parts_is_refused_before_it_is_decoded(data: bytes, limit: str) -> None:
    start = time.process_time()
    with pytest.raises(RequestError, match=f"at most {limit}; found more"):
        decode_image(data, HERE, (8, 8))
    assert time.process_time() - start < 1.0


def test_file_with_parts_within_the_limits_is_decoded() -> None:
    assert decode_image(progressive(64), HERE, (8, 8)).shape == (8, 8, 3)
    text = with_chunks(b"tEXt", b"a\0b", 1000)
    assert np.array_equal(decode_image(text, HERE, (40, 60)), NOISE)
    frames = [Image.fromarray(NOISE), Image.fromarray(255 - NOISE)]
    for kind in ("PNG", "WEBP"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
        assert np.array_equal(decode_image(data, HERE, (40, 60)), NOISE)


def test_max_pixels_limits_the_image() -> None:
    assert decode_image(encoded(NOISE), HERE, (8, 8), max_pixels=40 * 60).shape == (8, 8, 3)
    with pytest.raises(RequestError, match="of at most 2,399 pixels; found 60 x 40"):
        decode_image(encoded(NOISE), HERE, (8, 8), max_pixels=40 * 60 - 1)


@given(st.integers(0, 2000), st.integers(0, 255), st.sampled_from(["PNG", "JPEG", "WEBP"]))
def test_damaged_file_is_read_or_refused(place: int, value: int, kind: str) -> None:
    data = bytearray(encoded(NOISE[:16, :16], kind))
    data[place % len(data)] = value
    try:
        pixels = decode_image(bytes(data), HERE, (8, 8))
    except RequestError:
        return
    assert pixels.shape == (8, 8, 3)


def test_read_of_other_than_a_file_is_a_request_error(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="found No such file or directory"):
        read_image_file(tmp_path / "none.png")
    with pytest.raises(RequestError, match="found a folder or a device"):
        read_image_file(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(RequestError, match="found a folder or a device"):
        read_image_file(tmp_path / "pipe.png")


def test_read_of_a_large_file_is_a_request_error(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(RequestError, match="at most 64 MiB; found more"):
        read_image_file(tmp_path / "a.png")


RGBA = ImageFormat((40, 60), "rgba")
DISC = np.zeros((40, 60, 4), np.uint8)
DISC[10:30, 20:40] = (200, 40, 90, 255)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_rgba_image_keeps_its_transparency(kind: str) -> None:
    data = encoded(DISC, kind, **({"lossless": True} if kind == "WEBP" else {}))
    assert np.array_equal(decode_image(data, HERE, RGBA), DISC)


def test_invisible_colors_are_removed() -> None:
    painted = DISC.copy()
    painted[..., 0] = 255
    found = decode_image(encoded(painted), HERE, RGBA)
    assert not found[DISC[..., 3] == 0].any()


@pytest.mark.parametrize("background", [0, 255])
def test_resized_rgba_image_has_no_fringe(background: int) -> None:
    painted = np.full_like(DISC, background)
    painted[..., 3] = 0
    painted[10:30, 20:40] = DISC[10:30, 20:40]
    found = decode_image(encoded(painted), HERE, ImageFormat((13, 19), "rgba"))
    assert len(np.unique(found[..., 3])) > 2
    alpha = found[..., 3:] / 255
    assert np.abs(found[..., :3] * alpha - np.array([200, 40, 90]) * alpha).max() < 2


def test_opaque_file_of_an_rgba_bundle_is_opaque() -> None:
    found = decode_image(encoded(NOISE, "JPEG"), HERE, RGBA)
    assert found.shape == (40, 60, 4)
    assert (found[..., 3] == 255).all()


def test_transparency_becomes_white_without_alpha() -> None:
    found = decode_image(encoded(DISC), HERE, (40, 60))
    assert found[0, 0].tolist() == [255, 255, 255]
    assert found[20, 30].tolist() == [200, 40, 90]


def test_gray_bundle_reads_luminance() -> None:
    gray = NOISE[..., 0]
    form = ImageFormat((40, 60), "gray")
    assert np.array_equal(decode_image(encoded(gray), HERE, form)[..., 0], gray)
    colored = decode_image(encoded(DISC), HERE, form)
    assert colored.shape == (40, 60, 1)
    assert (colored[0, 0, 0], colored[20, 30, 0]) == (
        255,
        round(0.299 * 200 + 0.587 * 40 + 0.114 * 90),
    )


def test_sprite_of_an_enlarged_file_is_exact() -> None:
    form = ImageFormat((20, 30), "rgba", True, ("#102030", "#c82050"), 2)
    sprite = np.zeros((20, 30, 4), np.uint8)
    sprite[3:9, 4:11] = (16, 32, 48, 255)
    sprite[9:12, 5:8] = (200, 32, 80, 255)
    enlarged = sprite.repeat(3, 0).repeat(3, 1)
    assert np.array_equal(decode_image(encoded(enlarged), HERE, form), sprite)


def test_colors_and_alpha_become_those_of_the_format() -> None:
    form = ImageFormat((1, 3), "rgba", False, ("#000000", "#ffffff"), 2)
    pixels = np.uint8([[[90, 80, 70, 200], [250, 250, 1, 128], [9, 9, 9, 127]]])
    assert decode_image(encoded(pixels), HERE, form).tolist() == [
        [[0, 0, 0, 255], [255, 255, 255, 255], [0, 0, 0, 0]]
    ]


def test_pixel_art_of_another_size_names_the_file_and_the_size() -> None:
    form = ImageFormat((16, 16), "rgb", True)
    with pytest.raises(RequestError, match=r"here\.png: .* a whole number scales to 16 x 16"):
        decode_image(encoded(NOISE[:24, :24]), HERE, form)
