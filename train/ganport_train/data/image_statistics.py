"""The image format of a data set: what its decoded images have in common."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganport_runtime.images.format import ALPHA_LEVELS, CHANNELS, MAX_PALETTE, ImageFormat
from ganport_train.data.color_modes import Pixels, has_color
from ganport_train.data.image_options import AUTO, NONE, ImageOptions

MIN_TRANSPARENT = 0.05
"""Fraction of the images that must carry transparency for a set to be RGBA."""
_NUM_COLORS = 1 << 24
_SAMPLE = 1 << 20  # pixels from which a palette is computed

Histogram = NDArray[np.int64]


class ImageStatistics:
    """Counts the modes, the levels of alpha and the colors of images, one by one.

    `options.pixelated` is decided. `mode` is the smallest mode that holds all images so far.
    """

    def __init__(self, options: ImageOptions) -> None:
        self.options = options
        self.count = self.transparent = 0
        self.has_color = False
        self.mode = "gray" if options.mode == AUTO else options.mode
        self._alpha = np.zeros(ALPHA_LEVELS[-1], np.bool_)
        keeps_colors = options.palette != NONE and (options.pixelated or options.palette != AUTO)
        self._colors = np.zeros(_NUM_COLORS, np.int64) if keeps_colors else None

    def add(self, pixels: Pixels) -> None:
        """Count an image uint8 (H, W, C) at its final size; C is 4 if it carries transparency."""
        self.count += 1
        self.has_color = self.has_color or has_color(pixels)
        visible = pixels.reshape(-1, pixels.shape[2])
        if pixels.shape[2] == CHANNELS["rgba"]:
            self.transparent += 1
            self._alpha[np.unique(pixels[..., 3])] = True
            visible = visible[visible[:, 3] > 0]
        if self._colors is not None and pixels.shape[2] > CHANNELS["gray"]:
            codes, counts = np.unique(_pack(visible[:, :3]), return_counts=True)
            self._colors[codes] += counts
        if self.options.mode == AUTO:
            color = "rgb" if self.has_color else "gray"
            self.mode = "rgba" if self.transparent else color

    @property
    def few_transparent(self) -> str | None:
        """The mode to decode all images in if too few carry transparency; else None."""
        if self.options.mode != AUTO or not 0 < self.transparent < MIN_TRANSPARENT * self.count:
            return None
        return "rgb" if self.has_color else "gray"

    def notes(self) -> Iterator[str]:
        """Yield what happens to transparency that few images carry."""
        if self.few_transparent:
            yield (
                f"{self.transparent:,} of {self.count:,} images carry transparency and are laid on "
                "white; data.mode=rgba keeps it"
            )

    def image_format(self) -> ImageFormat:
        """Return the format of the images, with the palette that they share."""
        mode = self.few_transparent or self.mode
        is_binary = mode == "rgba" and not self._alpha[1:-1].any()
        return ImageFormat(
            self.options.size,
            mode,
            self.options.pixelated is True,
            tuple(self._palette()) if mode != "gray" else (),
            ALPHA_LEVELS[0] if is_binary else ALPHA_LEVELS[-1],
        )

    @property
    def changes_colors(self) -> bool:
        """Whether the images have more colors than the palette."""
        limit = self.options.palette
        return isinstance(limit, int) and self.mode != "gray" and self._num_colors() > limit

    def _palette(self) -> Iterator[str]:
        """Yield the colors of the palette; the most frequent one first."""
        if self._colors is None:
            return
        limit = self.options.palette if isinstance(self.options.palette, int) else MAX_PALETTE
        codes = np.flatnonzero(self._colors)
        if len(codes) > limit:
            if self.options.palette == AUTO:
                return
            codes = _quantize(codes, self._colors[codes], limit)
        else:
            codes = codes[np.argsort(-self._colors[codes], kind="stable")]
        for code in codes:
            yield f"#{code:06x}"

    def _num_colors(self) -> int:
        return 0 if self._colors is None else int(np.count_nonzero(self._colors))


def _pack(colors: Pixels) -> NDArray[np.uint32]:
    """Return (N, 3) colors as numbers 0xRRGGBB."""
    red, green, blue = colors.astype(np.uint32).T
    codes: NDArray[np.uint32] = (red << 16) | (green << 8) | blue
    return codes


def _unpack(codes: NDArray[np.integer]) -> Pixels:
    return np.stack([codes >> 16 & 255, codes >> 8 & 255, codes & 255], axis=-1).astype(np.uint8)


def _quantize(codes: NDArray[np.integer], counts: Histogram, limit: int) -> Histogram:
    """Return at most `limit` colors for colors with their counts, by median cut and k-means."""
    shares = np.maximum(1, counts * _SAMPLE // counts.sum())
    sample = Image.fromarray(_unpack(np.repeat(codes, shares))[None])
    reduced = sample.quantize(limit, Image.Quantize.MEDIANCUT, kmeans=1)
    found, shares = np.unique(
        _pack(np.asarray(reduced.convert("RGB")).reshape(-1, 3)), return_counts=True
    )
    return found[np.argsort(-shares, kind="stable")].astype(np.int64)
