"""Eyes: white, iris with pupil and lights, lashes and brow."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import ArrayLike

from ganport_train.draw.canvas import Canvas
from ganport_train.draw.curves import Points, bend, ellipse, ribbon, smooth
from ganport_train.draw.palette import Colour, tints

_WHITE: Colour = (252, 252, 254)
_WHITE_SHADE: Colour = (206, 208, 224)


@dataclass(frozen=True)
class Eyes:
    """A pair of eyes; every shape is that of the right one, whose outer corner has x > 0."""

    apart: float  # of an iris from the middle of the face
    width: float  # half axes of the iris
    height: float
    slant: float  # how much higher the outer corner lies than the inner
    gaze: float  # shift of both irises
    brow: tuple[float, float]  # height of its middle, and its slant
    brow_colour: Colour
    lash: Colour
    line: Colour
    iris: tuple[Colour, ...]  # rim, top, middle, bottom, glow, pupil

    @classmethod
    def of(cls, rng: Random, lab: ArrayLike, brow_colour: Colour) -> Eyes:
        """Draw a pair by chance, its irises of the shade `lab` (Oklab)."""
        width = rng.uniform(0.058, 0.066)
        steps = [(-0.55, 0.9), (-0.3, 1.0), (0.0, 1.0), (0.14, 1.0), (0.3, 0.9), (-0.68, 0.8)]
        return cls(
            apart=rng.uniform(0.15, 0.162),
            width=width,
            height=width * rng.uniform(1.2, 1.35),
            slant=rng.uniform(-0.014, 0.02),
            gaze=rng.uniform(-0.007, 0.007),
            brow=(rng.uniform(-0.135, -0.12), rng.uniform(-0.025, 0.025)),
            brow_colour=brow_colour,
            lash=rng.choice(((46, 30, 40), (34, 30, 44), (60, 38, 36))),
            line=(120, 72, 66),
            iris=tuple(tints(lab, steps)),
        )

    def _upper_lid(self) -> Points:
        wide, high = self.width, self.height
        return smooth(
            [
                (-1.32 * wide, 0.18 * high),
                (-0.95 * wide, -0.5 * high),
                (-0.1 * wide, -0.93 * high),
                (0.8 * wide, -0.62 * high - self.slant * 0.6),
                (1.32 * wide, 0.1 * high - self.slant),
            ]
        )

    def _lower_lid(self) -> Points:
        wide, high = self.width, self.height
        return smooth(
            [
                (1.32 * wide, 0.1 * high - self.slant),
                (1.0 * wide, 0.66 * high - self.slant * 0.5),
                (0.1 * wide, 0.97 * high),
                (-0.85 * wide, 0.7 * high),
                (-1.32 * wide, 0.18 * high),
            ]
        )

    def paint(self, canvas: Canvas) -> None:
        """Paint both eyes."""
        for side in (-1, 1):
            self._paint_eye(canvas, side)

    def _paint_eye(self, canvas: Canvas, side: int) -> None:
        def place(points: Points) -> Points:
            return points * (side, 1) + (side * self.apart, 0)

        upper, lower = self._upper_lid(), self._lower_lid()
        opening = place(np.concatenate([upper, lower[1:]]))
        x = side * self.apart + self.gaze
        with canvas.within(opening):
            canvas.shade(opening, (_WHITE_SHADE, _WHITE, _WHITE))
            self._paint_iris(canvas, x)
            canvas.fill(place(ribbon(upper, (0.02, 0.03, 0.03, 0.03, 0.02))), self.iris[5], 0.45)
        self._paint_lights(canvas, x)
        corner = upper[-1]
        wing = bend(corner + (-0.02, -0.022), corner + (0.004, -0.012), corner + (0.02, -0.02))
        canvas.fill(place(ribbon(upper, (0.005, 0.018, 0.024, 0.024, 0.014))), self.lash)
        canvas.fill(place(ribbon(wing, (0.014, 0.012, 0.001))), self.lash)
        canvas.fill(place(ribbon(lower[2:18], (0.006, 0.008, 0.001))), self.lash)
        crease = upper[5:22] + (0, -0.026)
        canvas.fill(place(ribbon(crease, (0.001, 0.006, 0.001))), self.line)

    def _paint_iris(self, canvas: Canvas, x: float) -> None:
        rim, top, middle, bottom, glow, pupil = self.iris
        wide, high = self.width, self.height
        canvas.fill(ellipse(x, 0, wide, high), rim)
        canvas.shade(ellipse(x, 0, wide * 0.88, high * 0.9), (top, middle, bottom))
        canvas.glow(x, 0.62 * high, 0.6 * wide, 0.4 * high, glow, 0.8)
        canvas.fill(ellipse(x, -0.08 * high, wide * 0.4, high * 0.42), pupil)

    def _paint_lights(self, canvas: Canvas, x: float) -> None:
        wide, high = self.width, self.height
        canvas.fill(ellipse(x - 0.38 * wide, -0.42 * high, wide * 0.3, high * 0.26, 20), _WHITE)
        canvas.fill(ellipse(x + 0.42 * wide, 0.4 * high, wide * 0.15, high * 0.13, 12), _WHITE)

    def paint_brows(self, canvas: Canvas) -> None:
        """Paint both brows."""
        height, slant = self.brow
        for side in (-1, 1):
            inner = (side * (self.apart - 0.07), height + slant)
            outer = (side * (self.apart + 0.075), height - slant * 0.3 + 0.012)
            arch = (side * self.apart, height - 0.028)
            line = bend(inner, arch, outer)
            canvas.fill(ribbon(line, (0.013, 0.013, 0.002)), self.brow_colour)
