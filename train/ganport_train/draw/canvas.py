"""A supersampled canvas that takes head coordinates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from ganport_train.draw.curves import Points
from ganport_train.draw.palette import Colour

_SAMPLES = 256  # the canvas is at least this wide
_OVERSAMPLING = 3  # and at least this many times the picture
_EYE_LEVEL = 0.525  # of the picture's height


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
        self.side = size * self._factor
        self._image = ground.resize((self.side, self.side), Image.Resampling.BILINEAR)
        cos, sin = (pose.scale * f(pose.tilt) for f in (math.cos, math.sin))
        self._turn = np.array([[cos, sin], [-sin, cos]]) * self.side
        self._origin = np.array([0.5 + pose.x, _EYE_LEVEL + pose.y]) * self.side
        self._unit = pose.scale * self.side

    def _pixels(self, points: Points) -> list[float]:
        placed: list[float] = (points @ self._turn + self._origin).ravel().tolist()
        return placed

    def fill(self, points: Points, colour: Colour, opacity: float = 1.0) -> None:
        """Fill a polygon."""
        brush = ImageDraw.Draw(self._image, "RGBA" if opacity < 1 else "RGB")
        ink = (*colour, round(255 * opacity)) if opacity < 1 else colour
        brush.polygon(self._pixels(points), fill=ink)

    def outline(self, points: Points, colour: Colour, width: float, *, closed: bool = True) -> None:
        """Draw a line of constant width along `points`."""
        pixels = self._pixels(points)
        pixels += pixels[:2] if closed else []
        thickness = max(1, round(width * self._unit))
        ImageDraw.Draw(self._image).line(pixels, fill=colour, width=thickness, joint="curve")

    def shade(self, points: Points, stops: Sequence[Colour]) -> None:
        """Fill a polygon with a gradient from its top to its bottom through evenly spaced stops."""
        pixels = np.asarray(self._pixels(points)).reshape(-1, 2)
        left, top = np.maximum(np.floor(pixels.min(axis=0)), 0).astype(int).tolist()
        right, bottom = np.minimum(np.ceil(pixels.max(axis=0)) + 1, self.side).astype(int).tolist()
        if right <= left or bottom <= top:
            return
        place = np.linspace(0, len(stops) - 1, bottom - top)
        column = np.stack([np.interp(place, range(len(stops)), c) for c in zip(*stops)], axis=-1)
        ramp = Image.fromarray(np.rint(column).astype(np.uint8)[:, None])
        mask = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(mask).polygon((pixels - (left, top)).ravel().tolist(), fill=255)
        self._image.paste(ramp.resize(mask.size, Image.Resampling.NEAREST), (left, top), mask)

    def glow(
        self, x: float, y: float, width: float, height: float, colour: Colour, opacity: float
    ) -> None:
        """Lay a soft spot about (x, y) that fades to nothing at the half axes given."""
        centre = self._pixels(np.array([[x, y]]))
        half = round(width * self._unit), round(height * self._unit)
        if min(half) < 1:
            return
        spot = _SPOT.resize((2 * half[0], 2 * half[1])).point(lambda v: v * opacity)
        corner = round(centre[0]) - half[0], round(centre[1]) - half[1]
        self._image.paste(colour, (*corner, corner[0] + spot.width, corner[1] + spot.height), spot)

    @contextmanager
    def within(self, *regions: Points) -> Iterator[None]:
        """Keep what is drawn in this block inside the union of `regions`."""
        below = self._image
        self._image = below.copy()
        yield
        mask = Image.new("L", below.size)
        brush = ImageDraw.Draw(mask)
        for region in regions:
            brush.polygon(self._pixels(region), fill=255)
        below.paste(self._image, mask=mask)
        self._image = below

    def picture(self) -> Image.Image:
        """Return the finished picture, (size, size) RGB."""
        return self._image.reduce(self._factor)


_SPOT = Image.radial_gradient("L").point(lambda v: 255 - v)
