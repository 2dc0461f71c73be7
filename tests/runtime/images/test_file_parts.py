import io
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganport_runtime.errors import RequestError
from ganport_runtime.images.decode import FORMATS, load_image
from ganport_runtime.images.file_parts import count_frames

Image.init()
AVIF = ("AVIF",) if "AVIF" in Image.SAVE else ()  # Pillow has it from version 11.3 on
EVERY = (*FORMATS, "GIF", "BMP", "TIFF", "TGA", *AVIF)
GRADIENT = Image.linear_gradient("L").resize((24, 16)).convert("RGB")


def encoded(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    GRADIENT.save(buffer, kind, **options)
    return buffer.getvalue()


def animated(kind: str, count: int = 3) -> bytes:
    return encoded(kind, save_all=True, append_images=[GRADIENT.rotate(90)] * (count - 1))


@pytest.mark.parametrize("kind", EVERY)
def test_load_image_reads_every_format_that_is_named(kind: str) -> None:
    loaded = load_image(encoded(kind), formats=EVERY)
    assert (loaded.format, loaded.size, loaded.frames) == (kind, (24, 16), 1)


@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind not in FORMATS])
def test_load_image_refuses_formats_that_are_not_named(kind: str) -> None:
    with pytest.raises(RequestError, match="a complete JPEG, PNG or WebP image; found one that"):
        load_image(encoded(kind))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", *AVIF])
def test_load_image_counts_the_frames_of_an_animation(kind: str) -> None:
    assert load_image(animated(kind), formats=EVERY).frames >= 2


def test_load_image_counts_a_tiff_of_several_pages_as_two() -> None:
    assert count_frames(animated("TIFF", 5)) == 2


def gif_of_blocks(count: int) -> bytes:
    """Return a GIF whose comment has `count` blocks of one byte."""
    data = encoded("GIF")
    start = 13 + (3 << (data[10] % 8 + 1))
    return data[:start] + b"!\xfe" + b"\x01a" * count + b"\0" + data[start:]


def tiff_of_entries(*entries: tuple[int, int, int, int]) -> bytes:
    """Return a TIFF with these (tag, type, count, value) in its first directory."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + bytes(500)


def bmp_of_runs(width: int, height: int) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, 0, 0, 0, 2, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 62) + header + bytes(8) + b"\x01\x01" * 50


@pytest.mark.parametrize(
    ("data", "limit"),
    [
        (gif_of_blocks(20 << 20), "16384 parts"),
        (b"GIF89a" + bytes(7) + (b"," + bytes(10) + b"\0") * 1001, "1000 frames"),
        (b"GIF89a" + bytes(7) + b"!\xf9\0" * 20_000, "16384 parts"),
        (tiff_of_entries(*[(1000 + i, 7, 400, 8) for i in range(40)]), "bytes of metadata"),
        (tiff_of_entries((273, 3, 20_000, 8)) + bytes(1 << 16), "16384 parts"),
        (tiff_of_entries((322, 4, 1, 1 << 20), (323, 4, 1, 1 << 20)), "pixels in a tile"),
        (bmp_of_runs(1 << 12, 1 << 12), "bytes or pixels in run-length encoding"),
        (b"\0\0\0\x08ftyp" + b"\0\0\0\x08free" * 20_000, "16384 parts"),
    ],
)
def test_count_frames_refuses_costly_files_before_they_are_decoded(data: bytes, limit: str) -> None:
    start = time.process_time()
    with pytest.raises(RequestError, match=limit):
        load_image(data, formats=EVERY)
    assert time.process_time() - start < 1.0


def test_count_frames_refuses_big_tiff() -> None:
    with pytest.raises(RequestError, match="found a BigTIFF file"):
        count_frames(b"II+\0" + bytes(20))


@given(st.integers(0, 4000), st.integers(0, 255), st.sampled_from(EVERY[3:]))
def test_load_image_reads_or_refuses_damaged_files(place: int, value: int, kind: str) -> None:
    data = bytearray(encoded(kind))
    data[place % len(data)] = value
    try:
        assert load_image(bytes(data), formats=EVERY, max_pixels=1 << 20).pixels.mode == "RGB"
    except (RequestError, UserWarning):
        return
