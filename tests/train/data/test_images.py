import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from ganport_train.data.image_options import ImageOptions
from ganport_train.data.images import decode, decoding_warnings
from ganport_train.data.issues import EntryError

Encode = Callable[..., bytes]
Make = Callable[..., Image.Image]
RGB = ImageOptions(8, "rgb")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge_png(side: int) -> bytes:
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_decode_same_size_keeps_pixels(make_image: Make, encode: Encode, kind: str) -> None:
    data = encode(make_image(1, 16), kind)
    decoded = decode(data, ImageOptions(16))
    assert (decoded.format, decoded.size) == (kind, (16, 16))
    assert decoded.pixels.dtype == np.uint8
    assert decoded.thumbnail.shape == (13, 13, 3)
    if kind == "PNG":
        np.testing.assert_array_equal(decoded.pixels, np.asarray(make_image(1, 16)))


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "TGA"])
def test_decode_reads_other_formats(make_image: Make, encode: Encode, kind: str) -> None:
    image = make_image(1, 16)
    decoded = decode(encode(image, kind), ImageOptions(16))
    assert (decoded.format, decoded.frames) == (kind, 1)
    seen = np.asarray(image.quantize().convert("RGB") if kind == "GIF" else image, int)
    np.testing.assert_allclose(decoded.pixels, seen, atol=16 if kind == "GIF" else 0)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_decode_takes_the_first_of_several_frames(
    make_image: Make, encode: Encode, kind: str
) -> None:
    first, second = make_image(1, 16), make_image(2, 16)
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encode(first, kind, save_all=True, append_images=[second], **options)
    decoded = decode(data, ImageOptions(16))
    assert decoded.frames == 2
    np.testing.assert_array_equal(
        decoded.pixels, decode(encode(first, kind, **options), ImageOptions(16)).pixels
    )


@pytest.mark.parametrize(("size", "resolution"), [(64, 16), (8, 32), (300, 32)])
def test_decode_resize_keeps_mean(
    make_image: Make, encode: Encode, size: int, resolution: int
) -> None:
    pixels = decode(encode(make_image(1, size)), ImageOptions(resolution)).pixels
    assert pixels.shape == (resolution, resolution, 3)
    plain = np.asarray(make_image(1, size), np.float32)
    np.testing.assert_allclose(pixels.mean((0, 1)), plain.mean((0, 1)), atol=2)


def test_decode_resize_antialiases(encode: Encode) -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    pixels = decode(encode(Image.fromarray(stripes)), ImageOptions(16)).pixels
    assert np.abs(pixels[:, 2:-2].astype(int) - 128).max() <= 8


@pytest.mark.parametrize(
    ("size", "box"), [((40, 20), (10, 0, 30, 20)), ((20, 41), (0, 10, 20, 30))]
)
def test_decode_crops_center(
    make_image: Make, encode: Encode, size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    decoded = decode(encode(make_image(1, size)), ImageOptions(20))
    assert decoded.size == size
    np.testing.assert_array_equal(decoded.pixels, np.asarray(make_image(1, size).crop(box)))


def test_decode_composites_transparency_over_white(encode: Encode) -> None:
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 4, 8))
    image.paste((0, 0, 0, 51), (4, 4, 8, 8))
    expected = np.full((8, 8, 3), 255)
    expected[:, :4] = (0, 0, 255)
    expected[4:, 4:] = 204
    np.testing.assert_array_equal(decode(encode(image), RGB).pixels, expected)
    palette = image.quantize(4)
    assert palette.mode == "P"
    np.testing.assert_allclose(decode(encode(palette), RGB).pixels, expected, atol=2)


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "LA"])
def test_decode_converts_modes_to_rgb(make_image: Make, encode: Encode, mode: str) -> None:
    image = make_image(1, 16).convert(mode)
    kind = "JPEG" if mode == "CMYK" else "PNG"
    gray = np.asarray(image.convert("RGB"), int)
    np.testing.assert_allclose(
        decode(encode(image, kind, quality=95), ImageOptions(16)).pixels, gray, atol=16
    )


def test_decode_16_bit_gray_keeps_levels(encode: Encode) -> None:
    ramp = np.linspace(0, 65535, 16, dtype=np.uint16)[None].repeat(16, axis=0)
    pixels = decode(encode(Image.fromarray(ramp)), ImageOptions(16)).pixels
    np.testing.assert_allclose(pixels[0, :, 0], np.linspace(0, 255, 16), atol=1)


def test_decode_applies_exif_orientation(make_image: Make, encode: Encode) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    pixels = decode(encode(make_image(1, 16), exif=exif), ImageOptions(16)).pixels
    np.testing.assert_array_equal(pixels, np.rot90(np.asarray(make_image(1, 16)), -1))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "one that cannot be decoded (not an image of that kind)"),
        (b"GIF89a", "one that cannot be decoded (not an image of that kind)"),
        (b"\xff\xd8" + b"\xff\xda\x00\x02" * 65, "more"),
        (huge_png(8193), "8193 x 8193"),
        (huge_png(10_000), "more"),
        (huge_png(2**31 - 1), "more"),
        (huge_png(100), "one that cannot be decoded (image file is truncated"),
    ],
)
def test_decode_invalid_file_raises(data: bytes, message: str) -> None:
    with pytest.raises(EntryError) as caught, decoding_warnings():
        decode(data, ImageOptions(16))
    assert caught.value.found.startswith(message)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_decode_truncated_file_raises(make_image: Make, encode: Encode, kind: str) -> None:
    data = encode(make_image(1, 64), kind)
    with pytest.raises(EntryError, match="expected a complete JPEG, PNG, WebP, "):
        decode(data[: len(data) // 2], ImageOptions(16))


def test_decode_jpeg_of_too_many_scans_raises(make_image: Make, encode: Encode) -> None:
    data = encode(make_image(1, 64), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(EntryError, match="at most 64 scans"):
        decode(data[:-2] + 5000 * scan + data[-2:], ImageOptions(16))


def test_decode_other_format_raises(make_image: Make, encode: Encode) -> None:
    with pytest.raises(EntryError, match="not an image of that kind"):
        decode(encode(make_image(1, 16), "PPM"), ImageOptions(16))


@pytest.mark.parametrize("seed", range(40))
def test_decode_flipped_bytes_decode_or_raise(make_image: Make, encode: Encode, seed: int) -> None:
    rng = np.random.default_rng(seed)
    kind = ("PNG", "JPEG", "WEBP")[seed % 3]
    data = np.frombuffer(encode(make_image(seed, 24), kind), np.uint8).copy()
    data[rng.integers(0, len(data), 6)] = rng.integers(0, 256, 6)
    try:
        with decoding_warnings():
            assert decode(data.tobytes(), ImageOptions(16)).pixels.shape == (16, 16, 3)
    except EntryError as error:
        assert error.fix
