"""Hair: the hair behind the head, the bangs and the side locks, in one color."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import ArrayLike

from ganport_train.synthetic.back_hair import LONG, SHORT, BackHair, Lock, sample_back_hair
from ganport_train.synthetic.bangs import COVERING, OPEN, Bangs, sample_bangs
from ganport_train.synthetic.canvas import Canvas, Points, ribbon, translate
from ganport_train.synthetic.palette import Color, tints
from ganport_train.synthetic.traits import Streams, Trait

_LINE = 0.0085


@dataclass(frozen=True)
class HairColors:
    """The tints of one hair color, from the outline to the gloss."""

    line: Color
    deep: Color
    shadow: Color
    base: Color
    light: Color
    gloss: Color

    @classmethod
    def from_oklab(cls, lab: ArrayLike) -> HairColors:
        """Derive the tints from the Oklab color `lab`; their mean over the bangs is `lab`."""
        lightness = float(np.asarray(lab)[0])
        reach = 0.7 + 0.5 * (1 - lightness)  # strands of dark hair need larger steps
        steps = [
            (-0.52, 0.9),
            (-0.2, 1.05),
            (-0.1, 1.04),
            (0.0, 1.0),
            (0.14 * reach, 0.95),
            (0.42 * reach, 0.65),
        ]
        return cls(*tints(lab, steps, warmth=0.5))


@dataclass(frozen=True)
class Hair:
    """One hair style in one color."""

    back: BackHair
    bangs: Bangs
    colors: HairColors

    @classmethod
    def sample(cls, rng: Random, lab: ArrayLike) -> Hair:
        """Return a random style in the Oklab color `lab`."""
        return cls(sample_back_hair(rng), sample_bangs(rng), HairColors.from_oklab(lab))

    def with_traits(self, traits: Set[Trait], streams: Streams) -> Hair:
        """Return hair of this color in a random style that `traits` allow."""
        long = Trait.LONG_HAIR in traits
        # The names of the random streams are part of every seed's image.
        bangs = sample_bangs(
            streams("fringe"),
            COVERING if Trait.BANGS in traits else OPEN,
            lock_rng=streams("locks"),
            max_length=1.0 if long else 0.25,
        )
        back = sample_back_hair(streams("mane"), LONG if long else SHORT)
        return Hair(back, bangs, self.colors)

    def paint_back(self, canvas: Canvas) -> None:
        """Paint the loose hair behind the head and shoulders."""
        tint = self.colors
        lock = self.back.behind
        canvas.shade(lock.outline, (tint.shadow, tint.shadow, tint.deep))
        with canvas.clip(lock.outline):
            for index, strand in enumerate(lock.strands):
                color = tint.base if index % 3 == 1 else tint.deep
                canvas.fill(ribbon(strand, (0.004, 0.018, 0.002)), color)
        canvas.outline(lock.outline, tint.line, _LINE)

    def paint_tails(self, canvas: Canvas) -> None:
        """Paint tails and buns, which are lit, and the bands that hold them."""
        for lock in self.back.tails:
            self._paint_lock(canvas, lock)
        for band in self.back.bands:
            canvas.fill(band, self.back.band_color)
            canvas.outline(band, self.colors.line, _LINE * 0.8)

    def _paint_lock(self, canvas: Canvas, lock: Lock) -> None:
        tint = self.colors
        canvas.shade(lock.outline, (tint.light, tint.base, tint.shadow))
        with canvas.clip(lock.outline):
            for index, strand in enumerate(lock.strands):
                color = tint.light if index % 3 == 1 else tint.deep
                canvas.fill(ribbon(strand, (0.003, 0.018, 0.002)), color, 0.75)
        canvas.outline(lock.outline, tint.line, _LINE)

    def cast_shadow(self, canvas: Canvas, face: Points, color: Color) -> None:
        """Paint the shadow of the bangs on the outline `face`."""
        with canvas.clip(face):
            canvas.fill(translate(self.bangs.outline, 0, 0.028), color)

    def paint_front(self, canvas: Canvas) -> None:
        """Paint the crown, the bangs and the side locks, with strands and gloss."""
        tint, bangs = self.colors, self.bangs
        canvas.shade(bangs.outline, (tint.base, tint.light, tint.base, tint.base, tint.shadow))
        with canvas.clip(bangs.outline):
            for fold in bangs.folds:
                canvas.fill(fold, tint.shadow)
            for strand in bangs.strands:
                canvas.fill(ribbon(strand, (0.002, 0.009, 0.006, 0.001)), tint.light, 0.8)
            for part in bangs.partings:
                canvas.fill(ribbon(part, (0.001, 0.004, 0.011)), tint.deep)
            for piece in bangs.gloss:
                canvas.fill(piece, tint.gloss, 0.9)
        canvas.outline(bangs.outline, tint.line, _LINE)
        for wisp in bangs.wisps:
            outline = ribbon(wisp, (0.022, 0.026, 0.002))
            canvas.fill(outline, tint.base)
            canvas.outline(outline, tint.line, _LINE * 0.7)
