"""What is worn on the face and in the hair: glasses, earrings and a bow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import ArrayLike

from ganport_train.synthetic import oklab
from ganport_train.synthetic.canvas import Canvas
from ganport_train.synthetic.curves import (
    Points,
    bend,
    ellipse,
    flipped,
    ribbon,
    smooth,
)
from ganport_train.synthetic.palette import Colour, tints

_FRAMES: tuple[Colour, ...] = (
    (32, 30, 40),
    (92, 30, 38),
    (28, 44, 92),
    (84, 54, 34),
    (196, 40, 60),
)
_JEWELS: tuple[Colour, ...] = (
    (255, 206, 70),
    (226, 232, 244),
    (222, 40, 70),
    (50, 150, 230),
    (40, 180, 120),
)
_BOWS: tuple[Colour, ...] = (
    (226, 44, 66),
    (250, 250, 252),
    (44, 46, 66),
    (250, 200, 60),
    (70, 130, 230),
    (244, 120, 170),
    (120, 74, 180),
)

_LINE = 0.008
_LEAN = math.radians(31)  # of a bow, away from the middle
_TILT = np.array([[math.cos(_LEAN), math.sin(_LEAN)], [-math.sin(_LEAN), math.cos(_LEAN)]])


@dataclass(frozen=True)
class Glasses:
    """A pair of glasses; clear, so that the eyes keep their colour."""

    frame: Colour
    lens: Points  # of the right eye
    width: float  # of the rim

    @classmethod
    def of(cls, rng: Random) -> Glasses:
        """Draw a pair by chance."""
        x, y, wide, high = 0.142, 0.012, rng.uniform(0.107, 0.114), rng.uniform(0.1, 0.108)
        turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        power = rng.choice((1.0, 0.75, 0.55))  # from round to nearly square
        around = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        lens = np.sign(around) * np.abs(around) ** power * (wide, high) + (x, y)
        return cls(rng.choice(_FRAMES), lens, rng.uniform(0.014, 0.018))

    def paint(self, canvas: Canvas) -> None:
        """Paint rims, temples, bridge, and a light beside each iris."""
        for side, lens in ((1, self.lens), (-1, flipped(self.lens))):
            light = bend(
                (side * 0.142 + 0.06, 0.092),
                (side * 0.142 + 0.082, 0.07),
                (side * 0.142 + 0.09, 0.04),
            )
            canvas.fill(ribbon(light, (0.002, 0.014, 0.002)), (255, 255, 255), 0.85)
            canvas.outline(lens, self.frame, self.width)
            temple = bend((side * 0.25, -0.01), (side * 0.275, -0.02), (side * 0.3, -0.02))
            canvas.fill(ribbon(temple, (self.width, self.width)), self.frame)
        bridge = bend((-0.034, -0.005), (0, -0.026), (0.034, -0.005))
        canvas.fill(ribbon(bridge, (self.width, self.width * 0.8, self.width)), self.frame)


@dataclass(frozen=True)
class Earrings:
    """A pair of earrings, one from each lobe, over the side locks."""

    jewel: tuple[Colour, ...]  # line, base, light
    style: str

    @classmethod
    def of(cls, rng: Random) -> Earrings:
        """Draw a pair by chance."""
        steps = ((-0.75, 0.7), (0.0, 1.0), (0.6, 0.6))
        jewel = tuple(tints(oklab.from_rgb(rng.choice(_JEWELS)), steps))
        return cls(jewel, rng.choice(("drop", "ball", "hoop")))

    def paint(self, canvas: Canvas) -> None:
        """Paint both."""
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
            outline = smooth(
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
    """A bow at one temple, below where a hat ends."""

    silk: tuple[Colour, ...]  # line, shadow, base, light
    side: int  # of the head, -1 or 1

    @classmethod
    def of(cls, rng: Random) -> Bow:
        """Draw a bow by chance."""
        steps = ((-0.7, 0.8), (-0.22, 1.0), (0.0, 1.0), (0.3, 0.8))
        colours = tuple(tints(oklab.from_rgb(rng.choice(_BOWS)), steps))
        return cls(colours, rng.choice((-1, 1)))

    def paint(self, canvas: Canvas) -> None:
        """Paint two ends, two loops and the knot."""
        line, shadow, base, light = self.silk
        for way in (-1, 1):
            end = self._place(
                [(0, 0), (way * 0.085, 0.075), (way * 0.045, 0.078), (way * 0.03, 0.1)]
            )
            canvas.fill(end, shadow)
            canvas.outline(end, line, _LINE)
        for way in (-1, 1):
            knots = np.array(
                [(0.0, 0.0), (0.06, -0.065), (0.115, -0.06), (0.12, 0.035), (0.06, 0.03)]
            )
            loop = self._place(smooth(knots * (way, 1), closed=True))
            fold = self._place(bend((way * 0.02, 0), (way * 0.06, -0.01), (way * 0.085, -0.012)))
            canvas.shade(loop, (light, base, base))
            canvas.fill(ribbon(fold, (0.02, 0.012, 0.002)), shadow)
            canvas.outline(loop, line, _LINE)
        knot = self._place(ellipse(0, 0, 0.026, 0.032, 20))
        canvas.fill(knot, base)
        canvas.outline(knot, line, _LINE)

    def _place(self, points: ArrayLike) -> Points:
        placed: Points = (np.asarray(points) @ _TILT + (0.262, -0.24)) * (self.side, 1)
        return placed
