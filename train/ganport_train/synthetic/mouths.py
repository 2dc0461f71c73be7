"""Mouths: closed or open, smiling or not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

import numpy as np

from ganport_train.synthetic.canvas import Canvas, Points, bezier, ellipse, ribbon
from ganport_train.synthetic.palette import Color

Mouth = Callable[[Canvas, float, float], None]  # canvas, half width, y

_LIP: Color = (150, 70, 66)
_DARK: Color = (100, 36, 40)
_INSIDE: Color = (158, 48, 56)
_TONGUE: Color = (238, 128, 128)
_TEETH: Color = (255, 252, 250)


def _smile(canvas: Canvas, half: float, y: float) -> None:
    line = bezier((-half, y - 0.008), (0, y + 0.026), (half, y - 0.008))
    canvas.fill(ribbon(line, (0.003, 0.009, 0.003)), _LIP)


def _calm(canvas: Canvas, half: float, y: float) -> None:
    line = bezier((-half * 0.6, y), (0, y + 0.004), (half * 0.6, y))
    canvas.fill(ribbon(line, (0.003, 0.009, 0.003)), _LIP)


def _frown(canvas: Canvas, half: float, y: float) -> None:
    line = bezier((-half * 0.7, y + 0.008), (0, y - 0.014), (half * 0.7, y + 0.008))
    canvas.fill(ribbon(line, (0.003, 0.009, 0.003)), _LIP)


def _open(canvas: Canvas, half: float, y: float, lip: Color = _LIP) -> None:
    top = bezier((-half, y - 0.012), (0, y - 0.002), (half, y - 0.012))
    mouth = np.concatenate([top, bezier((half, y - 0.012), (0, y + 0.085), (-half, y - 0.012), 14)])
    canvas.fill(mouth, _INSIDE)
    with canvas.clip(mouth):
        canvas.fill(ellipse(0, y + 0.036, half * 0.7, 0.02), _TONGUE)
        canvas.fill(ellipse(0, y - 0.012, half * 0.8, 0.009), _TEETH)
    canvas.outline(mouth, lip, 0.006)


def _surprised(canvas: Canvas, half: float, y: float) -> None:
    mouth = ellipse(0, y + 0.006, half * 0.42, half * 0.5, 20)
    canvas.fill(mouth, _INSIDE)
    canvas.outline(mouth, _LIP, 0.006)


def _gasp(canvas: Canvas, half: float, y: float) -> None:
    mouth = ellipse(0, y + 0.01, half * 0.55, half * 0.75, 20)
    canvas.fill(mouth, _INSIDE)
    with canvas.clip(mouth):
        canvas.fill(ellipse(0, y + 0.01 + half * 0.6, half * 0.5, half * 0.4, 16), _TONGUE)
    canvas.outline(mouth, _DARK, 0.008)


def _beam(canvas: Canvas, half: float, y: float) -> None:
    """Paint a wide smile with a dimple at each end."""
    ends = [(side * half * 1.1, y - 0.014) for side in (-1, 1)]
    _line(canvas, bezier(ends[0], (0, y + 0.046), ends[1]))
    for x, top in ends:
        _line(canvas, bezier((x * 0.86, top), (x, top), (x * 1.1, top - 0.014)))


def _firm(canvas: Canvas, half: float, y: float) -> None:
    _line(canvas, bezier((-half * 0.7, y), (0, y + 0.004), (half * 0.7, y)))


def _pout(canvas: Canvas, half: float, y: float) -> None:
    _line(canvas, bezier((-half * 0.8, y + 0.016), (0, y - 0.024), (half * 0.8, y + 0.016)))


def _line(canvas: Canvas, line: Points) -> None:
    """Paint closed lips that are visible at 64 pixels, on dark skin too."""
    canvas.fill(ribbon(line, (0.005, 0.014, 0.005)), _DARK)


def _wail(canvas: Canvas, half: float, y: float) -> None:
    """Paint an open mouth with hanging corners."""
    low = y + 0.034
    bottom = bezier((half * 0.9, low), (0, low - 0.008), (-half * 0.9, low))
    mouth = np.concatenate(
        [bottom, bezier((-half * 0.9, low), (0, y - 0.06), (half * 0.9, low), 14)]
    )
    canvas.fill(mouth, _INSIDE)
    with canvas.clip(mouth):
        canvas.fill(ellipse(0, low, half * 0.6, 0.014), _TONGUE)
    canvas.outline(mouth, _DARK, 0.008)


def _cat(canvas: Canvas, half: float, y: float) -> None:
    for side in (-1, 1):
        line = bezier((0, y - 0.004), (side * half * 0.4, y + 0.03), (side * half * 0.9, y - 0.006))
        canvas.fill(ribbon(line, (0.005, 0.008, 0.003)), _LIP)


_ANY: tuple[Mouth, ...] = (
    *(_smile, _smile, _smile, _calm, _frown),
    *(_open, _open, _surprised, _cat),
)
# Mouths that differ from every other expression at 64 pixels.
_EXPRESSIONS: dict[tuple[bool, bool], tuple[Mouth, ...]] = {  # by smiling, open
    (True, True): (partial(_open, lip=_DARK),),
    (True, False): (_beam,),
    (False, True): (_gasp, _wail),
    (False, False): (_firm, _pout),
}


def sample_mouth(rng: Random) -> Mouth:
    """Return a random mouth."""
    return rng.choice(_ANY)


def sample_expression(rng: Random, *, smiling: bool, is_open: bool) -> Mouth:
    """Return a random mouth of the given expression."""
    return rng.choice(_EXPRESSIONS[smiling, is_open])
