"""Accessories: glasses, earrings, a hair bow and hats.

A hat covers the crown and leaves the brows and the hair at the sides visible.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

import numpy as np
from numpy.typing import ArrayLike

from ganport_train.synthetic.canvas import Canvas, Points, bezier, ellipse, mirror, ribbon, spline
from ganport_train.synthetic.palette import Color, rgb_to_oklab, sample_color, tints

_FRAMES: tuple[Color, ...] = ((32, 30, 40), (92, 30, 38), (28, 44, 92), (84, 54, 34), (196, 40, 60))
_JEWELS: tuple[Color, ...] = (
    (255, 206, 70),
    (226, 232, 244),
    (222, 40, 70),
    (50, 150, 230),
    (40, 180, 120),
)
_BOWS: tuple[Color, ...] = (
    (226, 44, 66),
    (250, 250, 252),
    (44, 46, 66),
    (250, 200, 60),
    (70, 130, 230),
    (244, 120, 170),
    (120, 74, 180),
)

_LINE = 0.008
_HAT_LINE = 0.0085
_ANGLE = math.radians(31)  # of a bow, outward
_ROTATION = np.array([[math.cos(_ANGLE), math.sin(_ANGLE)], [-math.sin(_ANGLE), math.cos(_ANGLE)]])


@dataclass(frozen=True)
class Glasses:
    """A pair of glasses. The lenses are clear, so that the eyes keep their color."""

    frame: Color
    lens: Points  # of the right eye
    width: float  # of the rim

    @classmethod
    def sample(cls, rng: Random) -> Glasses:
        """Return a random pair."""
        half_width, half_height = rng.uniform(0.107, 0.114), rng.uniform(0.1, 0.108)
        turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        power = rng.choice((1.0, 0.75, 0.55))  # from round to nearly square
        around = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        around = np.sign(around) * np.abs(around) ** power
        lens = around * (half_width, half_height) + (0.142, 0.012)
        return cls(rng.choice(_FRAMES), lens, rng.uniform(0.014, 0.018))

    def paint(self, canvas: Canvas) -> None:
        """Paint rims, temples, bridge, and a reflection next to each iris."""
        for side, lens in ((1, self.lens), (-1, mirror(self.lens))):
            light = bezier(
                (side * 0.142 + 0.06, 0.092),
                (side * 0.142 + 0.082, 0.07),
                (side * 0.142 + 0.09, 0.04),
            )
            canvas.fill(ribbon(light, (0.002, 0.014, 0.002)), (255, 255, 255), 0.85)
            canvas.outline(lens, self.frame, self.width)
            temple = bezier((side * 0.25, -0.01), (side * 0.275, -0.02), (side * 0.3, -0.02))
            canvas.fill(ribbon(temple, (self.width, self.width)), self.frame)
        bridge = bezier((-0.034, -0.005), (0, -0.026), (0.034, -0.005))
        canvas.fill(ribbon(bridge, (self.width, self.width * 0.8, self.width)), self.frame)


@dataclass(frozen=True)
class Earrings:
    """A pair of earrings in front of the side locks."""

    jewel: tuple[Color, ...]  # line, base, light
    style: str

    @classmethod
    def sample(cls, rng: Random) -> Earrings:
        """Return a random pair."""
        steps = ((-0.75, 0.7), (0.0, 1.0), (0.6, 0.6))
        jewel = tuple(tints(rgb_to_oklab(rng.choice(_JEWELS)), steps))
        return cls(jewel, rng.choice(("drop", "ball", "hoop")))

    def paint(self, canvas: Canvas) -> None:
        """Paint both earrings."""
        for side in (-1, 1):
            self._paint_one(canvas, side * 0.268)

    def _paint_one(self, canvas: Canvas, x: float) -> None:
        line, base, light = self.jewel
        if self.style == "hoop":
            hoop = ellipse(x, 0.16, 0.03, 0.04)
            canvas.outline(hoop, line, 0.03)
            canvas.outline(hoop, base, 0.015)
            return
        if self.style == "drop":
            outline = spline(
                [(x, 0.1), (x + 0.03, 0.17), (x, 0.205), (x - 0.03, 0.17)], closed=True
            )
        else:
            outline = ellipse(x, 0.15, 0.032, 0.032)
        canvas.fill(outline, base)
        canvas.outline(outline, line, 0.01)
        canvas.fill(ellipse(x - 0.008, 0.15, 0.008, 0.01, 12), light)
        canvas.fill(ellipse(x, 0.1, 0.011, 0.011, 12), line)


@dataclass(frozen=True)
class Bow:
    """A bow at one temple, below the edge of a hat."""

    silk: tuple[Color, ...]  # line, shadow, base, light
    side: int  # of the head, -1 or 1

    @classmethod
    def sample(cls, rng: Random) -> Bow:
        """Return a random bow."""
        steps = ((-0.7, 0.8), (-0.22, 1.0), (0.0, 1.0), (0.3, 0.8))
        colors = tuple(tints(rgb_to_oklab(rng.choice(_BOWS)), steps))
        return cls(colors, rng.choice((-1, 1)))

    def paint(self, canvas: Canvas) -> None:
        """Paint two ends, two loops and the knot."""
        line, shadow, base, light = self.silk
        for direction in (-1, 1):
            end = self._transform(
                [
                    (0, 0),
                    (direction * 0.085, 0.075),
                    (direction * 0.045, 0.078),
                    (direction * 0.03, 0.1),
                ]
            )
            canvas.fill(end, shadow)
            canvas.outline(end, line, _LINE)
        for direction in (-1, 1):
            knots = np.array(
                [(0.0, 0.0), (0.06, -0.065), (0.115, -0.06), (0.12, 0.035), (0.06, 0.03)]
            )
            loop = self._transform(spline(knots * (direction, 1), closed=True))
            fold = self._transform(
                bezier(
                    (direction * 0.02, 0), (direction * 0.06, -0.01), (direction * 0.085, -0.012)
                )
            )
            canvas.shade(loop, (light, base, base))
            canvas.fill(ribbon(fold, (0.02, 0.012, 0.002)), shadow)
            canvas.outline(loop, line, _LINE)
        knot = self._transform(ellipse(0, 0, 0.026, 0.032, 20))
        canvas.fill(knot, base)
        canvas.outline(knot, line, _LINE)

    def _transform(self, points: ArrayLike) -> Points:
        placed: Points = (np.asarray(points) @ _ROTATION + (0.262, -0.24)) * (self.side, 1)
        return placed


@dataclass(frozen=True)
class Cloth:
    """The tints of one cloth."""

    line: Color
    shadow: Color
    base: Color
    light: Color

    @classmethod
    def sample(cls, rng: Random) -> Cloth:
        """Return a random cloth."""
        steps = ((-0.55, 0.9), (-0.2, 1.0), (0.0, 1.0), (0.22, 0.9))
        return cls(*tints(rgb_to_oklab(sample_color(rng)), steps))


@dataclass(frozen=True)
class Hat:
    """One hat."""

    style: Callable[[Canvas, Cloth, Cloth], None]  # paints with a cloth and a trim
    cloth: Cloth
    trim: Cloth

    @classmethod
    def sample(cls, rng: Random) -> Hat:
        """Return a random hat."""
        return cls(rng.choice(_STYLES), Cloth.sample(rng), Cloth.sample(rng))

    def paint(self, canvas: Canvas) -> None:
        """Paint the hat over the hair."""
        self.style(canvas, self.cloth, self.trim)


def _piece(canvas: Canvas, outline: Points, cloth: Cloth) -> None:
    canvas.shade(outline, (cloth.light, cloth.base, cloth.base, cloth.shadow))
    canvas.outline(outline, cloth.line, _HAT_LINE)


def _arch(half: float, ends: float, middle: float, count: int = 20) -> Points:
    """Return a curve from left to right that crosses x = 0 at y = `middle`."""
    return bezier((-half, ends), (0, 2 * middle - ends), (half, ends), count)


def _dome(half: ArrayLike, low: Points) -> Points:
    """Return the outline of a crown from its right half and its lower edge."""
    right = spline(half)
    return np.concatenate([right, low[::-1], mirror(right)])


def _band(half: float, ends: float, middle: float, height: float) -> Points:
    low = _arch(half, ends, middle)
    high = _arch(half * 0.97, ends - height, middle - height)
    return np.concatenate([low, high[::-1]])


def _beanie(canvas: Canvas, cloth: Cloth, trim: Cloth) -> None:
    """Paint a knitted cap with a ribbed cuff."""
    half = [(0.0, -0.517), (0.13, -0.5), (0.25, -0.42), (0.32, -0.3), (0.325, -0.25)]
    dome = _dome(half, _arch(0.325, -0.25, -0.28))
    _piece(canvas, dome, cloth)
    with canvas.clip(dome):
        for x in (-0.24, -0.12, 0.0, 0.12, 0.24):
            seam = bezier((x * 0.25, -0.52), (x * 1.15, -0.46), (x * 1.2, -0.25))
            canvas.fill(ribbon(seam, (0.002, 0.012, 0.009)), cloth.shadow)
    cuff = _band(0.345, -0.205, -0.245, 0.085)
    _piece(canvas, cuff, trim)
    with canvas.clip(cuff):
        for x in np.linspace(-0.31, 0.31, 13).tolist():
            rib = bezier((x * 0.97, -0.35), (x, -0.28), (x * 1.02, -0.18), 4)
            canvas.fill(ribbon(rib, (0.007, 0.009, 0.007)), trim.shadow)


def _beret(canvas: Canvas, cloth: Cloth, trim: Cloth, side: int) -> None:
    """Paint a soft disc that hangs over one side, -1 or 1."""
    left = [(-0.33, -0.215), (-0.36, -0.3), (-0.27, -0.42), (-0.05, -0.49), (0.2, -0.51)]
    right = [(0.4, -0.45), (0.45, -0.34), (0.38, -0.24), (0.33, -0.215), (0.15, -0.255)]
    disc = spline([*left, *right, (-0.15, -0.255)], closed=True) * (side, 1)
    _piece(canvas, disc, cloth)
    with canvas.clip(disc):
        fold = bezier((0.44, -0.28), (0.3, -0.33), (0.06, -0.27)) * (side, 1)
        canvas.fill(ribbon(fold, (0.002, 0.03, 0.002)), cloth.shadow)
        sheen = bezier((-0.2, -0.4), (-0.02, -0.46), (0.2, -0.46)) * (side, 1)
        canvas.fill(ribbon(sheen, (0.002, 0.024, 0.002)), cloth.light)
    _piece(canvas, _band(0.335, -0.2, -0.245, 0.03), trim)


def _brimmed(canvas: Canvas, cloth: Cloth, trim: Cloth) -> None:
    """Paint a round crown with a wide brim and a ribbon."""
    _piece(canvas, ellipse(0, -0.288, 0.46, 0.064), cloth)
    half = [(0.0, -0.515), (0.16, -0.505), (0.27, -0.44), (0.3, -0.34), (0.305, -0.29)]
    crown = _dome(half, _arch(0.305, -0.29, -0.262))
    _piece(canvas, crown, cloth)
    with canvas.clip(crown):
        _piece(canvas, _band(0.32, -0.288, -0.26, 0.06), trim)
    canvas.outline(crown, cloth.line, _HAT_LINE)


def _cap(canvas: Canvas, cloth: Cloth, trim: Cloth) -> None:
    """Paint a round cap with a peak over the forehead."""
    half = [(0.0, -0.512), (0.14, -0.495), (0.26, -0.41), (0.325, -0.29), (0.335, -0.205)]
    dome = _dome(half, _arch(0.335, -0.205, -0.26))
    _piece(canvas, dome, cloth)
    with canvas.clip(dome):
        for side in (-1, 1):
            seam = bezier((0, -0.515), (side * 0.17, -0.45), (side * 0.2, -0.22))
            canvas.fill(ribbon(seam, (0.004, 0.008, 0.008)), cloth.shadow)
        canvas.fill(ellipse(0, -0.395, 0.06, 0.05), trim.light)
        canvas.outline(ellipse(0, -0.395, 0.06, 0.05), trim.line, 0.006)
    peak = np.concatenate([_arch(0.28, -0.245, -0.228), _arch(0.28, -0.245, -0.33)[::-1]])
    _piece(canvas, peak, trim)


_STYLES = (
    *(_beanie, _beanie, partial(_beret, side=-1), partial(_beret, side=1)),
    *(_brimmed, _brimmed, _cap, _cap),
)
