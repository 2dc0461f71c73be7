"""Pixel art: images whose pixels are scaled by whole numbers only, with nearest neighbor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from ganport_train.data.image_options import OPAQUE, Pixels, has_color
from ganport_train.data.issues import EntryError

MAX_COLORS = 64
"""Colors of an image, invisible ones included, above which it is no pixel art."""
MIN_FRACTION = 0.9
"""Fraction of the images that must look like pixel art for a set to be pixel art."""
PROBED_IMAGES = 64
"""Number of images that decide whether a set is pixel art."""
_SMOOTH = "set data.pixelated=false to scale smoothly."


@dataclass
class PixelArtProbe:
    """Decides by some images of a set whether it is pixel art that can keep its pixels.

    Pixel art has few colors in each image, at least one of them in color, and an alpha of 0 or 255
    only. A set of solid images and one without color is no pixel art.
    """

    size: tuple[int, int]
    is_centered: bool
    _looks: list[bool] = field(default_factory=list)
    _fits: list[bool] = field(default_factory=list)
    _sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    _has_color: bool = False
    _most_colors: int = 0

    def add(self, image: Image.Image) -> None:
        """Look at an RGB or RGBA image before it is scaled."""
        counted = image.convert("RGBA").getcolors(MAX_COLORS)
        colors = np.array([color for _, color in counted or []], np.uint8).reshape(-1, 4)
        visible = colors[colors[:, 3] > 0]
        self._looks.append(len(visible) > 0 and bool((visible[:, 3] == OPAQUE).all()))
        if self._looks[-1]:
            self._has_color |= has_color(visible[None])
            self._most_colors = max(self._most_colors, len(visible))
            self._sizes[image.size[::-1]] += 1
            self._fits.append(self._is_exact(image))

    @property
    def looks_pixelated(self) -> bool:
        """Whether the images look like pixel art."""
        is_common = sum(self._looks) >= MIN_FRACTION * len(self._looks)
        return is_common and bool(self._looks) and self._has_color and self._most_colors > 2

    @property
    def is_pixelated(self) -> bool:
        """Whether the images are pixel art, and nearly all keep their pixels at `size`."""
        return self.looks_pixelated and sum(self._fits) >= MIN_FRACTION * len(self._fits)

    def notes(self) -> Iterable[str]:
        """Yield advice if the pixels of pixel art would be lost."""
        if self.looks_pixelated and not self.is_pixelated:
            (height, width), _ = self._sizes.most_common(1)[0]
            found, wanted = f"{height} x {width}", f"{self.size[0]} x {self.size[1]}"
            yield (
                f"the images look like pixel art of {found} pixels, which no whole number scales "
                f"to {wanted}: they are scaled smoothly. To keep their pixels, set "
                f"data.resolution to their size or a multiple of it"
            )

    def _is_exact(self, image: Image.Image) -> bool:
        try:
            scale_pixels(np.asarray(image), self.size, is_centered=self.is_centered)
        except EntryError:
            return False
        return True


def scale_pixels(pixels: Pixels, size: tuple[int, int], *, is_centered: bool) -> Pixels:
    """Return (h, w, C) pixels at `size` (height, width), scaled by a whole number.

    A smaller image with transparency is enlarged as often as it fits, and padded. Another aspect
    ratio is cropped to its center, if `is_centered`. Raises `EntryError` for an image that no whole
    number scales to `size`, or whose pixels would be lost.
    """
    height, width = size
    has_alpha = pixels.shape[2] == 4
    rows, columns = pixels.shape[:2]
    fits = rows <= height and columns <= width
    is_same_shape = rows * width == columns * height
    if has_alpha and fits and not (is_same_shape and height % rows == 0):
        return _pad(_enlarge(pixels, min(height // rows, width // columns)), size)
    if not is_same_shape and is_centered:
        pixels = _crop(pixels, size)
    rows, columns = pixels.shape[:2]
    if rows * width == columns * height and height % rows == 0:
        return _enlarge(pixels, height // rows)
    if rows * width == columns * height and rows % height == 0:
        return _reduce(pixels, rows // height)
    raise EntryError(
        f"pixel art that a whole number scales to {height} x {width}",
        f"{rows} x {columns} pixels",
        f"Set data.resolution to a multiple of its size, or {_SMOOTH}",
    )


def _enlarge(pixels: Pixels, factor: int) -> Pixels:
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def _reduce(pixels: Pixels, factor: int) -> Pixels:
    small = pixels[factor // 2 :: factor, factor // 2 :: factor]
    difference = _enlarge(small, factor) != pixels
    if pixels.shape[2] == 4:  # an invisible pixel may have any color
        difference[..., :3] &= pixels[..., 3:] > 0
    if difference.any():
        raise EntryError(
            f"pixel art whose pixels are {factor} x {factor} pixels of the file",
            "smaller ones, which would be lost",
            f"Set data.resolution to the size of the file, or {_SMOOTH}",
        )
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
