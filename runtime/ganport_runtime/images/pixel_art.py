"""Pixel art: images that are scaled by whole numbers only, so that every pixel stays a square."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import RequestError

Pixels = NDArray[np.uint8]


def enlarge(pixels: Pixels, factor: int) -> Pixels:
    """Return (..., H, W, C) pixels `factor` times as high and wide: each becomes a square."""
    return pixels.repeat(factor, axis=-3).repeat(factor, axis=-2)


def scale_pixels(pixels: Pixels, size: tuple[int, int], *, is_centered: bool) -> Pixels:
    """Return (H, W, C) pixels at `size` (height, width), scaled by a whole number.

    A smaller image with transparency is enlarged as often as it fits, and padded. Another aspect
    ratio is cropped to its center, if `is_centered`. Raises `RequestError` for an image that no
    whole number scales to `size`, or whose pixels would be lost.
    """
    height, width = size
    rows, columns = pixels.shape[:2]
    fits = rows <= height and columns <= width
    is_same_shape = rows * width == columns * height
    if pixels.shape[2] == 4 and fits and not (is_same_shape and height % rows == 0):
        return _pad(enlarge(pixels, min(height // rows, width // columns)), size)
    if not is_same_shape and is_centered:
        pixels = _crop(pixels, size)
    rows, columns = pixels.shape[:2]
    if rows * width == columns * height and height % rows == 0:
        return enlarge(pixels, height // rows)
    if rows * width == columns * height and rows % height == 0:
        return _reduce(pixels, rows // height)
    expected = f"pixel art that a whole number scales to {height} x {width}"
    raise _pixel_art_error(expected, f"{rows} x {columns} pixels", size)


def _reduce(pixels: Pixels, factor: int) -> Pixels:
    small = pixels[factor // 2 :: factor, factor // 2 :: factor]
    difference = enlarge(small, factor) != pixels
    if pixels.shape[2] == 4:  # an invisible pixel may have any color
        difference[..., :3] &= pixels[..., 3:] > 0
    if difference.any():
        expected = f"pixel art whose pixels are {factor} x {factor} pixels of the file"
        found = "smaller ones, which would be lost"
        raise _pixel_art_error(expected, found, (small.shape[0], small.shape[1]))
    return small


def _crop(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    height, width = size
    rows, columns = pixels.shape[:2]
    crop_rows = min(rows, max(1, columns * height // width))
    crop_columns = min(columns, max(1, rows * width // height))
    top, left = (rows - crop_rows) // 2, (columns - crop_columns) // 2
    return pixels[top : top + crop_rows, left : left + crop_columns]


def _pad(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    page = np.zeros((*size, pixels.shape[2]), np.uint8)
    top, left = ((side - own) // 2 for side, own in zip(size, pixels.shape[:2], strict=True))
    page[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return page


def _pixel_art_error(expected: str, found: str, size: tuple[int, int]) -> RequestError:
    fix = f"Save it at {size[0]} x {size[1]} pixels, without smoothing."
    return RequestError("image", expected, found, fix)
