"""Pixels: float images of networks, uint8 images outside, and the rules between the two.

`docs/interface.md`, section 6, specifies the rules. The heads of exported graphs follow them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions.colors import channels
from ganport_runtime.errors import BundleError
from ganport_runtime.images.format import MAX_PALETTE, ImageFormat

ALPHA_THRESHOLD = 128
"""The lowest level of alpha that is opaque if a format has two levels."""
_MIN_ALPHA = np.float32(1 / 255)
_CHUNK = 1 << 14  # pixels whose distances to a palette are in memory at the same time


def to_uint8(
    images: NDArray[np.floating], image: ImageFormat | None = None, value_range: str = "signed"
) -> NDArray[np.uint8]:
    """Convert float (N, C, H, W) to uint8 (N, H, W, C) with straight alpha.

    Channels are those of "gray", "rgb" or "rgba". A `value_range` of "signed" is [-1, 1], with
    premultiplied colors; "unit" is [0, 1], with straight ones. `image` adds its palette and alpha
    levels. The rounding is floor(clamp(x * 127.5 + 128, 0, 255)) in float32, so every language
    agrees. Raises `BundleError` for NaN and infinities.
    """
    planes = images.astype(np.float32)
    if not np.isfinite(planes).all():
        raise BundleError(
            "image",
            f"finite numbers in {[0, 1] if value_range == 'unit' else [-1, 1]}",
            "NaN or infinity",
            "The network is broken: train it again or export it again.",
        )
    if value_range == "unit":
        planes = planes * np.float32(2.0) - np.float32(1.0)
    elif planes.shape[1] == 4:
        planes = unpremultiply(planes)
    levels = np.clip(planes * np.float32(127.5) + np.float32(128.0), 0.0, 255.0)
    pixels = np.ascontiguousarray(levels.astype(np.uint8).transpose(0, 2, 3, 1))
    return apply_format(pixels, image)


def to_float(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert uint8 (N, H, W, C) to float32 (N, C, H, W) in [-1, 1], with premultiplied colors.

    A level u becomes 2 * u / 255 - 1, and a color u of alpha a 2 * u * a / 255^2 - 1. `to_uint8`
    restores every level of a visible pixel.
    """
    planes = images.transpose(0, 3, 1, 2).astype(np.float32)
    scale = np.float32(2 / 255)
    if planes.shape[1] == 4:
        colors = planes[:, :3] * planes[:, 3:] * np.float32(2 / 255**2)
        planes = np.concatenate([colors, planes[:, 3:] * scale], axis=1)
    else:
        planes = planes * scale
    return np.ascontiguousarray(planes - np.float32(1.0))


def unpremultiply(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (N, 4, H, W) in [-1, 1] with its premultiplied colors divided by alpha, clamped.

    Alpha is unchanged. A divisor is at least 1 / 255, the lowest visible level.
    """
    unit = planes * np.float32(0.5) + np.float32(0.5)
    colors = np.clip(unit[:, :3] / np.maximum(unit[:, 3:], _MIN_ALPHA), 0.0, 1.0)
    return np.concatenate([colors * np.float32(2.0) - np.float32(1.0), planes[:, 3:]], axis=1)


def apply_format(pixels: NDArray[np.uint8], image: ImageFormat | None) -> NDArray[np.uint8]:
    """Return straight uint8 (..., C) pixels with the palette and the alpha levels of a format.

    A color becomes the nearest of the palette in sRGB, the first of several. Where alpha is 0, the
    color is 0. The pixels are changed in place.
    """
    has_alpha = pixels.shape[-1] == 4
    if has_alpha and image and image.alpha_levels == 2:
        pixels[..., 3] = np.where(pixels[..., 3] >= ALPHA_THRESHOLD, 255, 0)
    if image and image.palette:
        pixels[..., :3] = nearest_colors(pixels[..., :3], image.palette)
    if has_alpha:
        pixels[..., :3][pixels[..., 3] == 0] = 0
    return pixels


def index_colors(pixels: NDArray[np.uint8], palette: Sequence[str]) -> NDArray[np.uint8] | None:
    """Return the index in `palette` of each (..., 3 or 4) pixel, and its length if invisible.

    The result is None unless every pixel is a color of the palette or invisible, alpha has two
    levels, and the indices fit in a byte.
    """
    has_alpha = pixels.shape[-1] == 4
    if len(palette) + has_alpha > MAX_PALETTE:
        return None
    numbers = np.array([int(color[1:], 16) for color in palette])
    order = np.argsort(numbers)
    wanted = pixels[..., :3] @ np.array([1 << 16, 1 << 8, 1])
    place = np.minimum(np.searchsorted(numbers, wanted, sorter=order), len(palette) - 1)
    indices = order[place]
    hidden = pixels[..., 3] == 0 if has_alpha else np.zeros(wanted.shape, bool)
    fits = hidden | (numbers[indices] == wanted)
    if has_alpha:
        fits &= hidden | (pixels[..., 3] == 255)
    return np.where(hidden, len(palette), indices).astype(np.uint8) if fits.all() else None


def nearest_colors(colors: NDArray[np.uint8], palette: Sequence[str]) -> NDArray[np.uint8]:
    """Return for each uint8 (..., 3) color the nearest "#rrggbb" of `palette`, as (..., 3).

    The squared distance of the levels decides, and the lowest index among equals.
    """
    entries = np.array([channels(color) for color in palette], np.uint8)
    # Integers below 2^24 are exact in float32, whatever the order of the sums.
    points = entries.astype(np.float32)
    lengths = np.square(points).sum(axis=1)
    flat = colors.reshape(-1, 3)
    nearest = [
        np.argmin(lengths - 2 * flat[start : start + _CHUNK].astype(np.float32) @ points.T, axis=1)
        for start in range(0, len(flat), _CHUNK)
    ]
    chosen: NDArray[np.uint8] = entries[np.concatenate(nearest or [np.empty(0, np.intp)])]
    return chosen.reshape(colors.shape)
