"""Pixel art: images whose pixels are scaled by whole numbers only, with nearest neighbor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from ganport_runtime.errors import RequestError
from ganport_runtime.images import pixel_art
from ganport_train.data.color_modes import OPAQUE, Pixels, has_color
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
    """Return (h, w, C) pixels at `size` as the runtime's `scale_pixels`; raises `EntryError`."""
    try:
        return pixel_art.scale_pixels(pixels, size, is_centered=is_centered)
    except RequestError as error:
        fix = "Set data.resolution to the size of the file or a multiple of it, or "
        raise EntryError(error.expected, error.found, fix + _SMOOTH) from error
