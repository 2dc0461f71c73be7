"""A supersampled canvas, and the curves that outlines are made of.

Points are arrays (n, 2) in head coordinates: the origin lies midway between the eyes, y points
down, and the unit is the side of the image.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from ganport_train.synthetic.palette import Color

Point = tuple[float, float]
Points = NDArray[np.float64]

_MIN_SIDE = 256  # pixels of the canvas
_MIN_OVERSAMPLING = 3  # canvas pixels per image pixel, in each direction
_EYE_LEVEL = 0.525  # as a fraction of the image height

Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels


@lru_cache
def _catmull_rom(steps: int) -> Points:
    t = np.arange(steps)[:, None] / steps
    basis: Points = 0.5 * np.hstack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3]
    )
    return basis


def spline(points: ArrayLike, *, closed: bool = False, steps: int = 6) -> Points:
    """Return a Catmull-Rom spline through `points` (n, 2), with `steps` points per span."""
    knots = np.asarray(points, dtype=np.float64)
    if closed:
        padded = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    spans = np.stack([padded[k : len(padded) - 3 + k] for k in range(4)], axis=1)  # (spans, 4, 2)
    curve = (_catmull_rom(steps) @ spans).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, knots[-1:]])


def bezier(start: ArrayLike, control: ArrayLike, end: ArrayLike, count: int = 8) -> Points:
    """Return `count` points of the quadratic Bézier curve from `start` to `end`."""
    curve: Points = _bezier(count) @ np.array([start, control, end])
    return curve


@lru_cache
def _bezier(count: int) -> Points:
    t = np.linspace(0, 1, count)
    basis: Points = np.stack([(1 - t) ** 2, 2 * t * (1 - t), t**2], axis=1)
    return basis


@lru_cache
def _circle(count: int) -> Points:
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def ellipse(x: float, y: float, width: float, height: float, count: int = 36) -> Points:
    """Return an ellipse around (x, y) with the half axes `width` and `height`."""
    return translate(_circle(count) * (width, height), x, y)


def ribbon(line: Points, widths: Sequence[float]) -> Points:
    """Return the outline of a stroke of variable width along `line`.

    widths: full width of the stroke at evenly spaced points from start to end.
    """
    side = normals(line) * (interpolate(widths, len(line)) / 2)[:, None]
    return np.concatenate([line + side, (line - side)[::-1]])


def interpolate(values: Sequence[float], count: int) -> NDArray[np.float64]:
    """Return `count` evenly spaced linear interpolations of `values`."""
    positions = np.arange(count) * ((len(values) - 1) / (count - 1))
    inner: NDArray[np.float64] = np.interp(positions, np.arange(len(values)), values)
    return inner


def normals(line: Points) -> Points:
    """Return the unit normals (n, 2) of `line`."""
    along = np.empty_like(line)
    along[1:-1] = line[2:] - line[:-2]
    along[0], along[-1] = line[1] - line[0], line[-1] - line[-2]
    across = along[:, ::-1] * (-1.0, 1.0)
    unit: Points = across / (np.hypot(across[:, 0], across[:, 1])[:, None] + 1e-9)
    return unit


def translate(points: ArrayLike, x: float, y: float) -> Points:
    """Translate points by (x, y)."""
    return np.add(points, (x, y))


def mirror(points: ArrayLike) -> Points:
    """Mirror points at x = 0 and reverse their order, so that they continue an outline."""
    return np.multiply(points, (-1.0, 1.0))[::-1]


def symmetric_outline(right: Points) -> Points:
    """Return the closed outline of a right half, from top to bottom, and its mirror image."""
    return np.concatenate([right, mirror(right)[1:]])


@dataclass(frozen=True)
class Pose:
    """The pose of the head: shift in sides of the image, scale, tilt in radians."""

    x: float
    y: float
    scale: float
    tilt: float


class Canvas:
    """A supersampled RGB image to draw on.

    Points are in head coordinates and widths in sides of the image. The pose maps them to pixels,
    so a drawing does not depend on the image size.
    """

    def __init__(self, size: int, pose: Pose, background: Image.Image) -> None:
        self._factor = max(_MIN_OVERSAMPLING, math.ceil(_MIN_SIDE / size))
        side = size * self._factor
        self._image = background.resize((side, side), Image.Resampling.BILINEAR)
        cos, sin = (pose.scale * f(pose.tilt) * side for f in (math.cos, math.sin))
        self._rotation = np.array([[cos, sin], [-sin, cos]])
        self._origin = np.array([0.5 + pose.x, _EYE_LEVEL + pose.y]) * side
        self._unit = pose.scale * side

    def fill(self, points: Points, color: Color, opacity: float = 1.0) -> None:
        """Fill a polygon."""
        brush = ImageDraw.Draw(self._image, "RGBA" if opacity < 1 else "RGB")
        ink = (*color, round(255 * opacity)) if opacity < 1 else color
        brush.polygon(self._pixels(points).ravel().tolist(), fill=ink)

    def outline(self, points: Points, color: Color, width: float, *, closed: bool = True) -> None:
        """Draw a line of constant width along `points`."""
        pixels: list[float] = self._pixels(points).ravel().tolist()
        pixels += pixels[:2] if closed else []
        thickness = max(1, round(width * self._unit))
        ImageDraw.Draw(self._image).line(pixels, fill=color, width=thickness, joint="curve")

    def shade(self, points: Points, stops: Sequence[Color]) -> None:
        """Fill a polygon with a vertical gradient through evenly spaced color stops."""
        pixels = self._pixels(points)
        box = self._bounds(pixels)
        if box is None:
            return
        channels = zip(*stops, strict=True)
        column = np.stack([interpolate(levels, box[3] - box[1]) for levels in channels], axis=-1)
        ramp = Image.fromarray(np.rint(column).astype(np.uint8)[:, None])
        mask = _mask(box, pixels)
        self._image.paste(ramp.resize(mask.size, Image.Resampling.NEAREST), box, mask)

    def glow(
        self, x: float, y: float, width: float, height: float, color: Color, opacity: float
    ) -> None:
        """Paint a soft spot around (x, y) that fades out at the half axes."""
        left, top = self._pixels(np.array([[x, y]]))[0] - np.array([width, height]) * self._unit
        size = (max(1, round(2 * width * self._unit)), max(1, round(2 * height * self._unit)))
        spot = _spot(opacity).resize(size)
        corner = (round(left), round(top))
        self._image.paste(color, (*corner, corner[0] + size[0], corner[1] + size[1]), spot)

    @contextmanager
    def clip(self, region: Points) -> Iterator[None]:
        """Clip drawing inside this block to `region`."""
        pixels = self._pixels(region)
        box = self._bounds(pixels)
        below = self._image
        self._image = below.copy()
        yield
        if box is not None:
            below.paste(self._image.crop(box), box, _mask(box, pixels))
        self._image = below

    def to_image(self) -> Image.Image:
        """Return the finished (size, size) RGB image."""
        return self._image.reduce(self._factor)

    def _pixels(self, points: Points) -> NDArray[np.float64]:
        pixels: NDArray[np.float64] = points @ self._rotation + self._origin
        return pixels

    def _bounds(self, pixels: NDArray[np.float64]) -> Box | None:
        """Return the bounding box of `pixels` (n, 2) on the canvas; None if it is empty."""
        (left, top), (right, bottom) = pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist()
        left, top = max(0, math.floor(left)), max(0, math.floor(top))
        right = min(self._image.width, math.ceil(right) + 1)
        bottom = min(self._image.height, math.ceil(bottom) + 1)
        return (left, top, right, bottom) if left < right and top + 1 < bottom else None


@lru_cache(maxsize=16)
def _spot(opacity: float) -> Image.Image:
    """Return a mask with `opacity` in the middle that fades out to the edge of a disc."""
    edge = 181  # level of Pillow's radial gradient at the edge of the disc
    levels = [round(max(0.0, 1 - v / edge) * 255 * opacity) for v in range(256)]
    return Image.radial_gradient("L").point(levels)


def _mask(box: Box, region: NDArray[np.float64]) -> Image.Image:
    mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
    ImageDraw.Draw(mask).polygon((region - box[:2]).ravel().tolist(), fill=255)
    return mask
