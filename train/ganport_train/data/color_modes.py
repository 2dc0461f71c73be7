"""Color modes: conversions between gray, RGB and RGBA images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.images.format import CHANNELS

WHITE = OPAQUE = 255
_LUMA = np.array([19595, 38470, 7471], np.uint32)  # Rec. 601 in units of 2^-16, as Pillow has it
_BACKGROUNDS = np.array(
    [[255, 255, 255], [0, 0, 0], [128, 128, 128], [200, 60, 60], [60, 160, 70], [60, 80, 200]],
    np.uint8,
)

Pixels = NDArray[np.uint8]
"""Images (..., H, W, C) with straight alpha; C is 1, 3 or 4."""


def convert_mode(pixels: Pixels, mode: str) -> Pixels:
    """Return images in a color mode: transparency is laid on white, color becomes luma."""
    channels = pixels.shape[-1]
    if channels == CHANNELS[mode]:
        return pixels
    if channels == CHANNELS["rgba"]:
        return convert_mode(compose_over(pixels, np.uint8(WHITE)), mode)
    if mode == "gray":
        luma = (pixels.astype(np.uint32) @ _LUMA + 0x8000) >> 16
        return luma.astype(np.uint8)[..., None]
    colors = np.broadcast_to(pixels, (*pixels.shape[:-1], CHANNELS["rgb"]))
    if mode == "rgb":
        return np.ascontiguousarray(colors)
    opaque = np.full((*pixels.shape[:-1], 1), OPAQUE, np.uint8)
    return np.concatenate([colors, opaque], axis=-1)


def compose_over(pixels: Pixels, background: Pixels | np.uint8) -> Pixels:
    """Return RGB images: RGBA ones over a background of one color or of (..., 3) pixels each."""
    alpha = pixels[..., 3:].astype(np.uint16)
    mixed = pixels[..., :3] * alpha + np.asarray(background, np.uint16) * (WHITE - alpha)
    # The nearest integer of mixed / 255, up to 255 * 255.
    mixed = mixed + np.uint16(128)
    composed: Pixels = ((mixed + (mixed >> 8)) >> 8).astype(np.uint8)
    return composed


def over_backgrounds(images: Pixels, first: int = 0) -> Pixels:
    """Return images (N, H, W, C) as RGB; RGBA ones over a color that their index decides.

    `first` is the index of the first image.
    """
    if images.shape[-1] != CHANNELS["rgba"]:
        return convert_mode(images, "rgb")
    random = np.random.Generator(np.random.Philox(0))
    chosen = random.integers(len(_BACKGROUNDS), size=first + len(images))[first:]
    return compose_over(images, _BACKGROUNDS[chosen][:, None, None])


def premultiply(images: Pixels) -> NDArray[np.float32]:
    """Return images (..., C) in levels, float32; colors are multiplied by alpha / 255."""
    levels = images.astype(np.float32)
    if images.shape[-1] == CHANNELS["rgba"]:
        levels[..., :3] *= levels[..., 3:] / np.float32(OPAQUE)
    return levels


def has_color(pixels: Pixels) -> bool:
    """Return whether a visible pixel of an image (H, W, 3 or 4) has a hue."""
    is_colored = (pixels[..., :1] != pixels[..., 1:3]).any(axis=-1)
    if pixels.shape[-1] == CHANNELS["rgba"]:
        is_colored &= pixels[..., 3] > 0
    return bool(is_colored.any())
