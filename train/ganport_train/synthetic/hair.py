"""Hair: a mass behind the head, and a fringe and side locks before the face."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import ArrayLike

from ganport_train.synthetic import back_hair, bangs
from ganport_train.synthetic.canvas import Canvas
from ganport_train.synthetic.curves import Points, moved, ribbon
from ganport_train.synthetic.palette import Colour, tints
from ganport_train.synthetic.traits import Chance, Trait

_LINE = 0.0085


@dataclass(frozen=True)
class HairColours:
    """The tints of one head of hair, from the outline up to the gloss."""

    line: Colour
    deep: Colour
    shadow: Colour
    base: Colour
    light: Colour
    gloss: Colour

    @classmethod
    def of(cls, lab: ArrayLike) -> HairColours:
        """Derive the tints from the shade `lab` (Oklab); over the fringe they average to it."""
        bright = float(np.asarray(lab)[0])
        reach = 0.7 + 0.5 * (1 - bright)  # dark hair needs longer steps to show its strands
        return cls(
            *tints(
                lab,
                [
                    (-0.52, 0.9),
                    (-0.2, 1.05),
                    (-0.1, 1.04),
                    (0.0, 1.0),
                    (0.14 * reach, 0.95),
                    (0.42 * reach, 0.65),
                ],
                warmth=0.5,
            )
        )


@dataclass(frozen=True)
class Hair:
    """One hair style in one colour."""

    mane: back_hair.Mane
    fringe: bangs.Fringe
    colours: HairColours

    @classmethod
    def of(cls, rng: Random, lab: ArrayLike) -> Hair:
        """Draw a style by chance."""
        return cls(back_hair.choose(rng), bangs.choose(rng), HairColours.of(lab))

    def with_traits(self, traits: Set[Trait], chance: Chance) -> Hair:
        """Return hair of this colour, in a style by chance among those that `traits` allow."""
        long = Trait.LONG_HAIR in traits
        fringe = bangs.choose(
            chance("fringe"),
            bangs.COVERING if Trait.BANGS in traits else bangs.OPEN,
            locks=chance("locks"),
            longest=1.0 if long else 0.25,
        )
        mane = back_hair.choose(chance("mane"), back_hair.LONG if long else back_hair.SHORT)
        return Hair(mane, fringe, self.colours)

    def paint_back(self, canvas: Canvas) -> None:
        """Paint what lies behind the head and shoulders."""
        tint = self.colours
        lock = self.mane.behind
        canvas.shade(lock.outline, (tint.shadow, tint.shadow, tint.deep))
        with canvas.within(lock.outline):
            for index, strand in enumerate(lock.strands):
                ink = tint.base if index % 3 == 1 else tint.deep
                canvas.fill(ribbon(strand, (0.004, 0.018, 0.002)), ink)
        canvas.outline(lock.outline, tint.line, _LINE)

    def paint_tails(self, canvas: Canvas) -> None:
        """Paint tails and buns, which catch the light, with the bands that hold them."""
        for lock in self.mane.tails:
            self._paint_lock(canvas, lock)
        for band in self.mane.bands:
            canvas.fill(band, self.mane.band_colour)
            canvas.outline(band, self.colours.line, _LINE * 0.8)

    def _paint_lock(self, canvas: Canvas, lock: back_hair.Lock) -> None:
        tint = self.colours
        canvas.shade(lock.outline, (tint.light, tint.base, tint.shadow))
        with canvas.within(lock.outline):
            for index, strand in enumerate(lock.strands):
                ink = tint.light if index % 3 == 1 else tint.deep
                canvas.fill(ribbon(strand, (0.003, 0.018, 0.002)), ink, 0.75)
        canvas.outline(lock.outline, tint.line, _LINE)

    def cast_shadow(self, canvas: Canvas, face: Points, colour: Colour) -> None:
        """Darken the face where the fringe keeps the light off."""
        with canvas.within(face):
            canvas.fill(moved(self.fringe.outline, 0, 0.028), colour)

    def paint_front(self, canvas: Canvas) -> None:
        """Paint the crown, the fringe and the side locks, with strands and gloss."""
        tint, fringe = self.colours, self.fringe
        canvas.shade(fringe.outline, (tint.base, tint.light, tint.base, tint.base, tint.shadow))
        with canvas.within(fringe.outline):
            for fold in fringe.folds:
                canvas.fill(fold, tint.shadow)
            for strand in fringe.strands:
                canvas.fill(ribbon(strand, (0.002, 0.009, 0.006, 0.001)), tint.light, 0.8)
            for part in fringe.partings:
                canvas.fill(ribbon(part, (0.001, 0.004, 0.011)), tint.deep)
            for piece in fringe.gloss:
                canvas.fill(piece, tint.gloss, 0.9)
        canvas.outline(fringe.outline, tint.line, _LINE)
        for wisp in fringe.wisps:
            outline = ribbon(wisp, (0.022, 0.026, 0.002))
            canvas.fill(outline, tint.base)
            canvas.outline(outline, tint.line, _LINE * 0.7)
