"""Hats: each covers the crown and leaves the brows and the hair at the sides visible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

import numpy as np
from numpy.typing import ArrayLike

from ganport_train.synthetic.background import sample_color
from ganport_train.synthetic.canvas import Canvas, Points, bezier, ellipse, mirror, ribbon, spline
from ganport_train.synthetic.palette import Color, rgb_to_oklab, tints

_LINE = 0.0085


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
    canvas.outline(outline, cloth.line, _LINE)


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
    canvas.outline(crown, cloth.line, _LINE)


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
