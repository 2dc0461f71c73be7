"""The image format that a load asks for, and the conversions between color modes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.images.format import (
    ALPHA_LEVELS,
    CHANNELS,
    ImageFormat,
    Resolution,
    simplify,
    to_size,
)

AUTO, NONE = "auto", "none"
WHITE = OPAQUE = 255
_LUMA = np.array([19595, 38470, 7471], np.uint32)  # Rec. 601 in units of 2^-16, as Pillow has it

Pixels = NDArray[np.uint8]
"""Images (..., H, W, C) with straight alpha; C is 1, 3 or 4."""


@dataclass(frozen=True)
class ImageOptions:
    """The size of the images, and their mode, scaling and palette, each of which may be `AUTO`.

    `pixelated` is a boolean, `palette` a number of colors or `NONE`, unless they are `AUTO`.
    """

    resolution: Resolution
    mode: str = AUTO
    pixelated: bool | str = AUTO
    palette: int | str = AUTO

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return to_size(self.resolution)

    def to_json(self) -> dict[str, Any]:
        """Return the options as plain JSON, a key of the cache."""
        resolution = simplify(self.resolution)
        sides = list(resolution) if isinstance(resolution, tuple) else resolution
        return asdict(self) | {"resolution": sides}

    def allows(self, image: ImageFormat) -> bool:
        """Return whether images that were loaded with `AUTO` for all options fit these options."""
        return all(getattr(self, name) in (AUTO, value) for name, value in found_options(image))


def found_options(image: ImageFormat) -> list[tuple[str, Any]]:
    """Return each option that may be `AUTO`, with its value for images of a format."""
    palette = len(image.palette) or NONE
    return [("mode", image.mode), ("pixelated", image.pixelated), ("palette", palette)]


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


def has_color(pixels: Pixels) -> bool:
    """Return whether a visible pixel of an image (H, W, 3 or 4) has a hue."""
    is_colored = (pixels[..., :1] != pixels[..., 1:3]).any(axis=-1)
    if pixels.shape[-1] == CHANNELS["rgba"]:
        is_colored &= pixels[..., 3] > 0
    return bool(is_colored.any())


def describe_image(image: ImageFormat) -> str:
    """Return one line about a format: `48 x 48 rgba, pixelated, 24 colors, alpha 0 or 255`."""
    parts = [f"{image.height} x {image.width} {image.mode}"]
    if image.pixelated:
        parts.append("pixelated")
    if image.palette:
        parts.append(f"{len(image.palette)} colors")
    if image.alpha_levels == ALPHA_LEVELS[0]:
        parts.append("alpha 0 or 255")
    return ", ".join(parts)
