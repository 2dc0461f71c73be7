"""Curves that outlines are made of: arrays of points (n, 2) in head coordinates.

Head coordinates: the origin lies midway between the eyes, y points down, and the unit is the side
of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Point = tuple[float, float]
Points = NDArray[np.float64]


@lru_cache
def _catmull_rom(steps: int) -> Points:
    t = np.arange(steps)[:, None] / steps
    basis: Points = 0.5 * np.hstack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3]
    )
    return basis


def smooth(points: ArrayLike, *, closed: bool = False, steps: int = 6) -> Points:
    """Pass a Catmull-Rom spline through `points` (n, 2), with `steps` points to each span."""
    knots = np.asarray(points, dtype=np.float64)
    if closed:
        padded = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    spans = np.stack([padded[k : len(padded) - 3 + k] for k in range(4)], axis=1)  # (spans, 4, 2)
    curve = (_catmull_rom(steps) @ spans).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, knots[-1:]])


def bend(start: ArrayLike, control: ArrayLike, end: ArrayLike, count: int = 8) -> Points:
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
    """Return an ellipse about (x, y) with the half axes `width` and `height`."""
    return moved(_circle(count) * (width, height), x, y)


def ribbon(line: Points, widths: Sequence[float]) -> Points:
    """Return the outline of a brush stroke along `line`.

    widths: the stroke's full width at evenly spaced places from its start to its end.
    """
    side = normals(line) * (spread(widths, len(line)) / 2)[:, None]
    return np.concatenate([line + side, (line - side)[::-1]])


def spread(values: Sequence[float], count: int) -> NDArray[np.float64]:
    """Interpolate `count` evenly spaced values between those given."""
    places = np.arange(count) * ((len(values) - 1) / (count - 1))
    inner: NDArray[np.float64] = np.interp(places, np.arange(len(values)), values)
    return inner


def normals(line: Points) -> Points:
    """Return the unit vectors (n, 2) across `line`."""
    along = np.empty_like(line)
    along[1:-1] = line[2:] - line[:-2]
    along[0], along[-1] = line[1] - line[0], line[-1] - line[-2]
    across = along[:, ::-1] * (-1.0, 1.0)
    unit: Points = across / (np.hypot(across[:, 0], across[:, 1])[:, None] + 1e-9)
    return unit


def moved(points: ArrayLike, x: float, y: float) -> Points:
    """Shift points by (x, y)."""
    return np.add(points, (x, y))


def flipped(points: ArrayLike) -> Points:
    """Reflect points in the vertical axis and reverse their order, so that an outline goes on."""
    return np.multiply(points, (-1.0, 1.0))[::-1]


def symmetric(right: Points) -> Points:
    """Return the closed outline made of a right half, from top to bottom, and its reflection."""
    return np.concatenate([right, flipped(right)[1:]])
