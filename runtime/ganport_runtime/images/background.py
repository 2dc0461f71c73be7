"""Backgrounds: what images with transparency lie over when they are shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions.colors import channels, is_hex
from ganport_runtime.errors import RequestError
from ganport_runtime.values import repr_short

CHECKER, NONE = "checker", "none"
_LIGHT, _DARK = 232, 208  # darker than paper, so that white images are visible
_SQUARE = 8


def check_background(value: str) -> None:
    """Raise `RequestError` unless `value` is "checker", "none" or "#rrggbb"."""
    if value not in (CHECKER, NONE) and not is_hex(value):
        expected = f"{CHECKER}, {NONE} or #rrggbb"
        fix = f"Use {CHECKER}, which shows what is transparent."
        raise RequestError("background", expected, repr_short(value), fix)


def compose(pixels: NDArray[np.uint8], background: str = CHECKER) -> NDArray[np.uint8]:
    """Return uint8 (H, W, C) pixels as RGB (H, W, 3), with their transparency over a background.

    `background` is "checker", a pattern of light squares, or "#rrggbb".
    """
    height, width, count = pixels.shape
    if count < 4:
        return np.broadcast_to(pixels, (height, width, 3))
    below = checkerboard(height, width) if background == CHECKER else np.array(channels(background))
    alpha = pixels[..., 3:].astype(np.int32)
    mixed = pixels[..., :3] * alpha + below * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8)


def checkerboard(height: int, width: int) -> NDArray[np.int32]:
    """Return a pattern of squares, (height, width, 1), of two light grays."""
    rows, columns = (np.arange(length) // _SQUARE for length in (height, width))
    return np.where((rows[:, None] + columns) % 2, _DARK, _LIGHT).astype(np.int32)[..., None]
