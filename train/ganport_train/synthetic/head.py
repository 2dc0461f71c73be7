"""The head without hair and eyes: neck, ears, face, nose, mouth, blush."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass, replace
from functools import partial
from random import Random

import numpy as np

from ganport_train.synthetic.canvas import (
    Canvas,
    Points,
    bezier,
    ellipse,
    mirror,
    ribbon,
    spline,
    symmetric_outline,
)
from ganport_train.synthetic.palette import Color
from ganport_train.synthetic.traits import Streams, Trait

Mouth = Callable[[Canvas, float, float], None]  # canvas, half width, y

_LIP: Color = (150, 70, 66)
_DARK: Color = (100, 36, 40)
_INSIDE: Color = (158, 48, 56)
_TONGUE: Color = (238, 128, 128)
_TEETH: Color = (255, 252, 250)


def _closed(
    canvas: Canvas,
    half: float,
    y: float,
    *,
    reach: float,
    ends: float,
    middle: float,
    bold: bool = False,
) -> None:
    """Paint closed lips; `reach` is a factor of the half width, `ends` and `middle` add to y."""
    line = bezier((-half * reach, y + ends), (0, y + middle), (half * reach, y + ends))
    if bold:
        _line(canvas, line)
    else:
        canvas.fill(ribbon(line, (0.003, 0.009, 0.003)), _LIP)


_smile = partial(_closed, reach=1, ends=-0.008, middle=0.026)
_calm = partial(_closed, reach=0.6, ends=0, middle=0.004)
_frown = partial(_closed, reach=0.7, ends=0.008, middle=-0.014)
_firm = partial(_closed, reach=0.7, ends=0, middle=0.004, bold=True)
_pout = partial(_closed, reach=0.8, ends=0.016, middle=-0.024, bold=True)


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


def sample_expression(rng: Random, *, smiling: bool, is_open: bool) -> Mouth:
    """Return a random mouth of the given expression."""
    return rng.choice(_EXPRESSIONS[smiling, is_open])


_LINE = 0.0075
_LABELED_MOUTH_SCALE = 1.25  # makes a labeled mouth easier to recognize


@dataclass(frozen=True)
class Skin:
    """A skin tone with its shadow, outline and blush."""

    base: Color
    shadow: Color
    line: Color
    blush: Color


_SKINS = (
    Skin((255, 236, 224), (248, 204, 190), (176, 112, 100), (255, 150, 150)),
    Skin((255, 228, 210), (244, 192, 170), (168, 100, 84), (252, 140, 132)),
    Skin((254, 220, 196), (238, 180, 152), (158, 92, 72), (250, 130, 116)),
    Skin((248, 210, 180), (226, 168, 134), (146, 84, 62), (240, 120, 100)),
    Skin((228, 178, 140), (196, 138, 102), (118, 66, 48), (220, 104, 86)),
    Skin((196, 142, 106), (162, 108, 78), (92, 52, 38), (190, 84, 70)),
)
_SKIN_WEIGHTS = (5, 6, 5, 3, 2, 1)


@dataclass(frozen=True)
class Head:
    """The shape and features of one face."""

    skin: Skin
    contour: Points
    chin: float
    blush: float
    mouth: Mouth
    mouth_width: float
    mouth_height: float
    flush: bool = False  # strong blush with strokes, as in comics

    @classmethod
    def sample(cls, rng: Random) -> Head:
        """Return a random face."""
        half_width, jaw = rng.uniform(0.244, 0.256), rng.uniform(0.162, 0.186)
        chin = rng.uniform(0.275, 0.3)
        right = spline(
            [
                (0.0, -0.36),
                (0.2, -0.3),
                (half_width, -0.1),
                (half_width, 0.02),
                (half_width * 0.955, 0.105),
                (jaw, 0.2),
                (jaw * 0.5, chin - 0.03),
                (0.035, chin - 0.004),
                (0.0, chin),
            ]
        )
        return cls(
            skin=rng.choices(_SKINS, _SKIN_WEIGHTS)[0],
            contour=symmetric_outline(right),
            chin=chin,
            blush=rng.choice((0.25, 0.45, 0.7)),
            mouth=rng.choice(_ANY),
            mouth_width=rng.uniform(0.035, 0.055),
            mouth_height=rng.uniform(0.195, 0.21),
        )

    def with_traits(self, traits: Set[Trait], streams: Streams) -> Head:
        """Return this face with the mouth and the cheeks of `traits`."""
        return replace(
            self,
            blush=0.0,
            flush=Trait.ROSY_CHEEKS in traits,
            mouth=sample_expression(
                streams("mouth"),
                smiling=Trait.SMILING in traits,
                is_open=Trait.MOUTH_OPEN in traits,
            ),
            mouth_width=self.mouth_width * _LABELED_MOUTH_SCALE,
        )

    def paint_neck(self, canvas: Canvas) -> None:
        """Paint the neck and the shadow of the chin on it."""
        half = spline(
            [(0.062, 0.1), (0.06, 0.31), (0.075, 0.38), (0.15, 0.43), (0.3, 0.5), (0.3, 0.7)]
        )
        neck = np.concatenate([half, mirror(half)])
        canvas.fill(neck, self.skin.base)
        with canvas.clip(neck):
            canvas.fill(ellipse(0, self.chin - 0.04, 0.14, 0.105), self.skin.shadow)
        canvas.outline(neck, self.skin.line, _LINE)

    def paint_face(self, canvas: Canvas) -> None:
        """Paint ears, face and blush."""
        for side in (-1, 1):
            ear = spline(
                np.array([(0.24, -0.03), (0.285, -0.05), (0.29, 0.03), (0.255, 0.1)]) * (side, 1),
                closed=True,
            )
            canvas.fill(ear, self.skin.shadow)
            canvas.outline(ear, self.skin.line, _LINE)
        canvas.fill(self.contour, self.skin.base)
        with canvas.clip(self.contour):
            for side in (-1, 1):
                canvas.glow(side * 0.165, 0.12, 0.075, 0.05, self.skin.blush, self.blush)
            if self.flush:
                self._paint_flush(canvas)
        canvas.outline(self.contour, self.skin.line, _LINE)

    def _paint_flush(self, canvas: Canvas) -> None:
        for side in (-1, 1):
            canvas.glow(side * 0.16, 0.135, 0.1, 0.06, self.skin.blush, 1.0)
            for x in (0.13, 0.16, 0.19):
                stroke = bezier(
                    (side * x + 0.008, 0.117), (side * x, 0.135), (side * x - 0.008, 0.148), 4
                )
                canvas.fill(ribbon(stroke, (0.003, 0.008, 0.003)), self.skin.line, 0.6)

    def paint_features(self, canvas: Canvas) -> None:
        """Paint nose and mouth."""
        nose = bezier((0.004, 0.105), (-0.006, 0.122), (0.008, 0.125))
        canvas.fill(ribbon(nose, (0.001, 0.006, 0.008)), self.skin.line)
        self.mouth(canvas, self.mouth_width, self.mouth_height)
