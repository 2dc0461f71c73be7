"""A supersampled canvas that takes head coordinates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ganport_train.synthetic.curves import Points, spread
from ganport_train.synthetic.palette import Colour

_SAMPLES = 256  # the canvas is at least this wide
_OVERSAMPLING = 3  # and at least this many times the picture
_EYE_LEVEL = 0.525  # of the picture's height

Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels


@dataclass(frozen=True)
class Pose:
    """How the head sits in the picture: shift in sides of the picture, scale, tilt in radians."""

    x: float
    y: float
    scale: float
    tilt: float


class Canvas:
    """An RGB picture under construction.

    All points are in head coordinates and widths in sides of the picture; the pose carries them
    to pixels, so one drawing serves every size.
    """

    def __init__(self, size: int, pose: Pose, ground: Image.Image) -> None:
        self._factor = max(_OVERSAMPLING, math.ceil(_SAMPLES / size))
        side = size * self._factor
        self._image = ground.resize((side, side), Image.Resampling.BILINEAR)
        cos, sin = (pose.scale * f(pose.tilt) * side for f in (math.cos, math.sin))
        self._turn = np.array([[cos, sin], [-sin, cos]])
        self._origin = np.array([0.5 + pose.x, _EYE_LEVEL + pose.y]) * side
        self._unit = pose.scale * side

    def fill(self, points: Points, colour: Colour, opacity: float = 1.0) -> None:
        """Fill a polygon."""
        brush = ImageDraw.Draw(self._image, "RGBA" if opacity < 1 else "RGB")
        ink = (*colour, round(255 * opacity)) if opacity < 1 else colour
        brush.polygon(self._pixels(points).ravel().tolist(), fill=ink)

    def outline(self, points: Points, colour: Colour, width: float, *, closed: bool = True) -> None:
        """Draw a line of constant width along `points`."""
        pixels: list[float] = self._pixels(points).ravel().tolist()
        pixels += pixels[:2] if closed else []
        thickness = max(1, round(width * self._unit))
        ImageDraw.Draw(self._image).line(pixels, fill=colour, width=thickness, joint="curve")

    def shade(self, points: Points, stops: Sequence[Colour]) -> None:
        """Fill a polygon with a gradient from its top to its bottom through evenly spaced stops."""
        pixels = self._pixels(points)
        box = self._bounds(pixels)
        if box is None:
            return
        channels = zip(*stops, strict=True)
        column = np.stack([spread(levels, box[3] - box[1]) for levels in channels], axis=-1)
        ramp = Image.fromarray(np.rint(column).astype(np.uint8)[:, None])
        mask = _mask(box, pixels)
        self._image.paste(ramp.resize(mask.size, Image.Resampling.NEAREST), box, mask)

    def glow(
        self, x: float, y: float, width: float, height: float, colour: Colour, opacity: float
    ) -> None:
        """Lay a soft spot about (x, y) that fades to nothing at the half axes given."""
        left, top = self._pixels(np.array([[x, y]]))[0] - np.array([width, height]) * self._unit
        size = (max(1, round(2 * width * self._unit)), max(1, round(2 * height * self._unit)))
        spot = _spot(opacity).resize(size)
        corner = (round(left), round(top))
        self._image.paste(colour, (*corner, corner[0] + size[0], corner[1] + size[1]), spot)

    @contextmanager
    def within(self, region: Points) -> Iterator[None]:
        """Keep what is drawn in this block inside `region`."""
        pixels = self._pixels(region)
        box = self._bounds(pixels)
        below = self._image
        self._image = below.copy()
        yield
        if box is not None:
            below.paste(self._image.crop(box), box, _mask(box, pixels))
        self._image = below

    def picture(self) -> Image.Image:
        """Return the finished picture: (size, size) RGB."""
        return self._image.reduce(self._factor)

    def _pixels(self, points: Points) -> NDArray[np.float64]:
        placed: NDArray[np.float64] = points @ self._turn + self._origin
        return placed

    def _bounds(self, pixels: NDArray[np.float64]) -> Box | None:
        """Return the part of the canvas that holds all `pixels` (n, 2), if any."""
        (left, top), (right, bottom) = pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist()
        left, top = max(0, math.floor(left)), max(0, math.floor(top))
        right = min(self._image.width, math.ceil(right) + 1)
        bottom = min(self._image.height, math.ceil(bottom) + 1)
        return (left, top, right, bottom) if left < right and top + 1 < bottom else None


@lru_cache(maxsize=16)
def _spot(opacity: float) -> Image.Image:
    """Return a disc that is `opacity` opaque in the middle and fades to nothing at the edge."""
    edge = 181  # what Pillow's gradient, 0 in the middle, has reached at the edge
    levels = [round(max(0.0, 1 - v / edge) * 255 * opacity) for v in range(256)]
    return Image.radial_gradient("L").point(levels)


def _mask(box: Box, region: NDArray[np.float64]) -> Image.Image:
    mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
    ImageDraw.Draw(mask).polygon((region - box[:2]).ravel().tolist(), fill=255)
    return mask
