"""Count the parts of an image file before it is decoded, so that no file costs too much."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import suppress

from ganport_runtime.errors import RequestError

MAX_SCANS, MAX_FRAMES, MAX_PARTS = 64, 1000, 1 << 14
"""Scans of a progressive JPEG, frames of an animation, and segments or chunks of a file. Each scan
costs a pass over all pixels, and each part a few microseconds, even if it is empty."""
MAX_TILE_PIXELS = 1 << 26
"""Pixels of a tile of a TIFF, which is decoded as a whole, however small the image is."""
MAX_RLE = 1 << 22
"""Bytes and pixels of a run-length encoded BMP, which Pillow decodes in Python."""

_SCAN, _FRAME = "scans", "frames"
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_EMPTY_MARKERS = (0x01, 0xD8)
_PNG_START = b"\x89PNG\r\n\x1a\n"
_TIFF_STARTS = (b"II*\0", b"MM\0*")
_BIG_TIFF_STARTS = (b"II+\0", b"MM\0+")
_TIFF_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)  # bytes by type
_TIFF_INTEGERS = {1: "B", 3: "H", 4: "I"}
_TILE_SIDES, _TIFF_OFFSETS = (322, 323), (273, 279, 324, 325)
_GIF_BLOCKS_PER_PART = 32  # a full block has 255 bytes, so a file of 64 MiB has 8224 parts


def count_frames(data: bytes) -> int:
    """Return how many frames a file has: 0 if the format has none, 2 for any more in a TIFF.

    Raises `RequestError` if it has too many scans, frames or other parts to be decoded.
    """
    counts = {_SCAN: 0, _FRAME: 0}
    with suppress(IndexError, struct.error):  # a truncated file, which its decoder refuses
        for number, kind in enumerate(_parts(data), 1):
            if kind in counts:
                counts[kind] += 1
            for name, limit in ((_SCAN, MAX_SCANS), (_FRAME, MAX_FRAMES)):
                if counts[name] > limit:
                    raise limit_error(limit, name)
            if number > MAX_PARTS:
                raise limit_error(MAX_PARTS, "parts")
    return counts[_FRAME]


def limit_error(limit: int, what: str) -> RequestError:
    """Return the error of an image with more than `limit` of something."""
    expected = f"an image with at most {limit} {what}"
    return RequestError("image", expected, "more", "Save it again in a common form.")


def _parts(data: bytes) -> Iterator[str]:
    """Yield the kind of each part of a file: `scans`, `frames` or another text."""
    if data.startswith(_PNG_START):
        yield from _png_chunks(data)
    elif data.startswith(b"RIFF"):
        yield from _webp_chunks(data)
    elif data.startswith(b"GIF8"):
        yield from _gif_blocks(data)
    elif data.startswith(_TIFF_STARTS):
        yield from _tiff_entries(data)
    elif data.startswith(_BIG_TIFF_STARTS):
        raise RequestError("image", "a TIFF image", "a BigTIFF file", "Save it as TIFF.")
    elif data.startswith(b"BM"):
        _check_run_lengths(data)
    elif data[4:8] == b"ftyp":
        yield from _boxes(data)
    else:
        yield from _jpeg_segments(data)


def _jpeg_segments(data: bytes) -> Iterator[str]:
    # Entropy-coded data has no marker but restarts, so a search finds the end of a scan.
    position = 0
    while match := _JPEG_MARKER.search(data, position):
        marker, position = match[0][1], match.end()
        yield _SCAN if marker == _START_OF_SCAN else ""
        if marker == _END_OF_IMAGE:
            return
        if marker not in _EMPTY_MARKERS:
            position += int.from_bytes(data[position : position + 2], "big")


def _png_chunks(data: bytes) -> Iterator[str]:
    position = len(_PNG_START)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        yield _FRAME if kind == b"fcTL" else ""
        position += 12 + length


def _webp_chunks(data: bytes) -> Iterator[str]:
    position = 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        yield _FRAME if kind == b"ANMF" else ""
        position += 8 + length + length % 2


def _gif_blocks(data: bytes) -> Iterator[str]:
    position = 13 + _gif_palette(data[10])
    while position + 10 < len(data):
        is_image = data[position] == ord(",")
        if not is_image and data[position] != ord("!"):
            return
        yield _FRAME if is_image else ""
        position += 11 + _gif_palette(data[position + 9]) if is_image else 2
        blocks = 0
        while position < len(data) and data[position]:
            position += 1 + data[position]
            blocks += 1
            if blocks % _GIF_BLOCKS_PER_PART == 0:
                yield ""
        position += 1


def _gif_palette(flags: int) -> int:
    """Return the bytes of the palette that follows these flags."""
    return 3 << (flags % 8 + 1) if flags & 128 else 0


def _tiff_entries(data: bytes) -> Iterator[str]:
    """Yield a part for each entry of the first image; a second image is a second frame."""
    order = "<" if data.startswith(b"II") else ">"
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    size, tile = 0, 1
    yield _FRAME
    for position in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(f"{order}HHI", data, position)
        size += number * _TIFF_SIZES[kind] if kind < len(_TIFF_SIZES) else 0
        if size > len(data):  # entries that overlap are read once for each
            raise limit_error(len(data), "bytes of metadata")
        if tag in _TIFF_OFFSETS and number > MAX_PARTS:
            raise limit_error(MAX_PARTS, "parts")
        if tag in _TILE_SIDES:
            kinds = _TIFF_INTEGERS.get(kind, "Q")  # a larger type is no honest size
            tile *= struct.unpack_from(order + kinds, data, position + 8)[0]
            if tile > MAX_TILE_PIXELS:
                raise limit_error(MAX_TILE_PIXELS, "pixels in a tile")
        yield ""
    if any(data[start + 2 + 12 * count :][:4]):
        yield _FRAME


def _boxes(data: bytes) -> Iterator[str]:
    """Yield a part for each top-level box of an AVIF or HEIF file."""
    position = 0
    while position + 16 <= len(data):
        size, large = struct.unpack_from(">I4xQ", data, position)
        yield ""
        if size == 0:  # to the end of the file
            return
        position += max(large if size == 1 else size, 8)


def _check_run_lengths(data: bytes) -> None:
    """Raise `RequestError` for a large BMP with run-length encoding."""
    width, height, compression = struct.unpack_from("<ii4xI", data, 18)
    is_large = len(data) > MAX_RLE or abs(width * height) > MAX_RLE
    if compression in (1, 2) and is_large and data[14] >= 40:
        raise limit_error(MAX_RLE, "bytes or pixels in run-length encoding")
