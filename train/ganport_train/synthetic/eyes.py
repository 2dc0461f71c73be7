"""Eyes: white, iris with pupil and highlights, lashes and brow."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import ArrayLike

from ganport_train.synthetic.canvas import (
    Canvas,
    Point,
    Points,
    bezier,
    ellipse,
    ribbon,
    spline,
    translate,
)
from ganport_train.synthetic.palette import Color, tints
from ganport_train.synthetic.traits import Streams, Trait

_WHITE: Color = (252, 252, 254)
_WHITE_SHADE: Color = (206, 208, 224)
# Knots of the lids, in half axes of the iris.
_UPPER_LID = ((-1.3, 0.12), (-1.06, -0.36), (-0.5, -0.7), (0.25, -0.78), (0.98, -0.5), (1.4, 0.08))
_LOWER_LID = ((1.4, 0.08), (1.16, 0.56), (0.55, 0.86), (-0.3, 0.9), (-0.98, 0.62), (-1.3, 0.12))
_CLOSED_LID = ((-1.3, 0.3), (-0.6, -0.12), (0.2, -0.2), (0.95, 0.02), (1.42, 0.4))


@dataclass(frozen=True)
class Eyes:
    """A pair of eyes. Shapes are those of the right eye; its outer corner has x > 0."""

    distance: float  # from an iris to the middle of the face
    width: float  # half axes of the iris
    height: float
    slant: float  # height of the outer corner above the inner one
    gaze: float  # shift of both irises
    brow: tuple[float, float]  # height of its middle, and its slant
    brow_color: Color
    lash: Color
    line: Color
    iris: tuple[Color, ...]  # rim, top, middle, bottom, glow, pupil
    closed: int = 0  # side of the closed eye, -1 or 1; 0 if both are open

    @classmethod
    def sample(cls, rng: Random, lab: ArrayLike, brow_color: Color) -> Eyes:
        """Return a random pair with irises of the Oklab color `lab`."""
        width = rng.uniform(0.056, 0.063)
        steps = [(-0.5, 0.9), (-0.24, 1.0), (0.0, 1.0), (0.08, 1.0), (0.2, 1.0), (-0.62, 0.8)]
        return cls(
            distance=rng.uniform(0.134, 0.146),
            width=width,
            height=width * rng.uniform(1.35, 1.5),
            slant=rng.uniform(-0.009, 0.012),
            gaze=rng.uniform(-0.007, 0.007),
            brow=(rng.uniform(-0.14, -0.125), rng.uniform(-0.02, 0.022)),
            brow_color=brow_color,
            lash=rng.choice(((46, 30, 40), (34, 30, 44), (60, 38, 36))),
            line=(120, 72, 66),
            iris=tuple(tints(lab, steps)),
        )

    def with_traits(self, traits: Set[Trait], streams: Streams) -> Eyes:
        """Return this pair with one eye closed if `traits` say so."""
        winks = Trait.WINKING in traits
        return replace(self, closed=streams("wink").choice((-1, 1)) if winks else 0)

    def _lid(self, knots: Sequence[Point]) -> Points:
        """Return a slanted spline through knots in half axes of the iris."""
        lid = spline(np.multiply(knots, (self.width, self.height)))
        lid[:, 1] -= self.slant * lid[:, 0] / self.width
        return lid

    def paint(self, canvas: Canvas) -> None:
        """Paint both eyes."""
        for side in (-1, 1):
            (self._paint_closed if side == self.closed else self._paint_eye)(canvas, side)

    def _paint_eye(self, canvas: Canvas, side: int) -> None:
        def to_side(points: Points) -> Points:
            return translate(points * (side, 1), side * self.distance, 0)

        upper, lower = self._lid(_UPPER_LID), self._lid(_LOWER_LID)
        opening = to_side(np.concatenate([upper, lower[1:]]))
        x = side * self.distance + self.gaze
        with canvas.clip(opening):
            canvas.shade(opening, (_WHITE_SHADE, _WHITE, _WHITE))
            self._paint_iris(canvas, x)
            canvas.fill(to_side(ribbon(upper, (0.02, 0.03, 0.03, 0.03, 0.02))), self.iris[5], 0.45)
        self._paint_highlights(canvas, x)
        x1, y1 = upper[-1].tolist()
        wing = bezier((x1 - 0.025, y1 - 0.04), (x1 + 0.002, y1 - 0.02), (x1 + 0.024, y1 - 0.022))
        canvas.fill(to_side(ribbon(upper, (0.004, 0.016, 0.026, 0.029, 0.026, 0.01))), self.lash)
        canvas.fill(to_side(ribbon(wing, (0.016, 0.013, 0.001))), self.lash)
        canvas.fill(to_side(ribbon(lower[:14], (0.005, 0.008, 0.001))), self.lash)
        crease = translate(upper[8:26], 0, -0.03)
        canvas.fill(to_side(ribbon(crease, (0.001, 0.006, 0.001))), self.line)

    def _paint_closed(self, canvas: Canvas, side: int) -> None:
        def stroke(line: Points, widths: Sequence[float]) -> None:
            placed = translate(ribbon(line, widths) * (side, 1), side * self.distance, 0.012)
            canvas.fill(placed, self.lash)

        lid = self._lid(_CLOSED_LID)
        stroke(lid, (0.006, 0.022, 0.028, 0.024, 0.01))
        for x, y in lid[[-8, -4]].tolist():
            lash = bezier((x, y), (x + 0.014, y + 0.002), (x + 0.03, y - 0.01), 4)
            stroke(lash, (0.014, 0.01, 0.001))

    def _paint_iris(self, canvas: Canvas, x: float) -> None:
        rim, top, middle, bottom, glow, pupil = self.iris
        width, height = self.width, self.height
        canvas.fill(ellipse(x, 0, width, height), rim)
        canvas.shade(ellipse(x, 0, width * 0.9, height * 0.92), (top, middle, bottom))
        canvas.glow(x, 0.62 * height, 0.6 * width, 0.4 * height, glow, 0.8)
        canvas.fill(ellipse(x, -0.1 * height, width * 0.36, height * 0.36), pupil)

    def _paint_highlights(self, canvas: Canvas, x: float) -> None:
        width, height = self.width, self.height
        upper = ellipse(x - 0.34 * width, -0.36 * height, width * 0.29, height * 0.25, 20)
        lower = ellipse(x + 0.42 * width, 0.4 * height, width * 0.15, height * 0.13, 12)
        canvas.fill(upper, _WHITE)
        canvas.fill(lower, _WHITE)

    def paint_brows(self, canvas: Canvas) -> None:
        """Paint both brows."""
        height, slant = self.brow
        for side in (-1, 1):
            inner = (side * (self.distance - 0.07), height + slant)
            outer = (side * (self.distance + 0.075), height - slant * 0.3 + 0.012)
            arch = (side * self.distance, height - 0.028)
            brow = bezier(inner, arch, outer)
            canvas.fill(ribbon(brow, (0.01, 0.011, 0.002)), self.brow_color, 0.8)
