"""Hair: the hair behind the head, the bangs and the side locks, in one color."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import numpy as np
from numpy.typing import ArrayLike

from ganport_train.synthetic.bangs import COVERING, OPEN, Bangs, sample_bangs
from ganport_train.synthetic.canvas import (
    Canvas,
    Point,
    Points,
    bezier,
    ellipse,
    interpolate,
    mirror,
    normals,
    ribbon,
    spline,
    symmetric_outline,
    translate,
)
from ganport_train.synthetic.palette import Color, tints
from ganport_train.synthetic.traits import Streams, Trait

_LINE = 0.0085
_BANDS: tuple[Color, ...] = (
    (214, 48, 64),
    (250, 250, 250),
    (40, 44, 60),
    (246, 190, 60),
    (86, 130, 220),
    (240, 130, 170),
)
_CROWN = ((0.0, -0.45), (0.17, -0.4), (0.285, -0.28))


@dataclass(frozen=True)
class Lock:
    """A mass of hair and the strands inside it."""

    outline: Points
    strands: tuple[Points, ...]

    def mirrored(self) -> Lock:
        """Return this lock on the other side of the head."""
        return Lock(mirror(self.outline), tuple(mirror(s)[::-1] for s in self.strands))


@dataclass(frozen=True)
class BackHair:
    """Loose hair, tails, and the bands around the tails."""

    behind: Lock
    tails: tuple[Lock, ...] = ()
    bands: tuple[Points, ...] = ()
    band_color: Color = (0, 0, 0)


def _fall(rng: Random, half: Sequence[Point]) -> Lock:
    """Return loose hair inside the outline of a right half and its mirror image."""
    end = half[-1][1]
    strands = []
    for side in (-1, 1):
        for offset in (0.24, 0.29, 0.335):
            x = side * (offset + rng.uniform(-0.012, 0.012))
            strands.append(bezier((x * 0.8, -0.25), (x * 1.08, 0), (x, end)))
    return Lock(symmetric_outline(spline([*_CROWN, *half])), tuple(strands))


def _long(rng: Random) -> BackHair:
    half_width = rng.uniform(0.34, 0.4)
    return BackHair(
        _fall(rng, [(0.335, -0.1), (0.345, 0.1), (half_width, 0.3), (half_width + 0.02, 0.62)])
    )


def _wavy(rng: Random) -> BackHair:
    half_width = rng.uniform(0.35, 0.385)
    ends = [
        (half_width - 0.01, 0.2),
        (half_width + 0.05, 0.32),
        (half_width + 0.01, 0.42),
        (half_width + 0.06, 0.62),
    ]
    return BackHair(
        _fall(rng, [(0.335, -0.12), (half_width - 0.02, 0.0), (half_width + 0.03, 0.1), *ends])
    )


def _bob(rng: Random) -> BackHair:
    end, half_width = rng.uniform(0.22, 0.31), rng.uniform(0.345, 0.375)
    tips = [(0.31, end), (0.265, end - 0.022), (0.22, end + 0.012), (0.1, end - 0.03)]
    return BackHair(
        _fall(rng, [(0.335, -0.1), (half_width, 0.06), (half_width - 0.005, end - 0.06), *tips])
    )


def _short(rng: Random) -> BackHair:
    end = rng.uniform(0.13, 0.21)
    tips = [(0.295, end), (0.25, end - 0.03), (0.2, end + 0.03), (0.1, end)]
    return BackHair(_fall(rng, [(0.328, -0.1), (0.333, 0.02), *tips]))


def _spiky(rng: Random) -> BackHair:
    """Return locks that stick out all around, bent downward and longest at the sides."""
    line = []
    for k, turn in enumerate(np.linspace(-2.1, 2.1, 15).tolist()):
        tip = k % 2 == 1
        reach = rng.uniform(0.405, 0.43) + 0.03 * abs(np.sin(turn)) if tip else 0.32
        turn += rng.uniform(-0.04, 0.04) + (0.24 * np.sin(turn) if tip else 0)
        line.append(np.array([np.sin(turn) * reach, -np.cos(turn) * reach * 1.08 - 0.06]))
    edges = [bezier(a, (a + b) / 2 * 1.12, b, 6) for a, b in pairwise(line)]
    strands = tuple(bezier(p * 0.6, p * 0.85, p * 0.97) for p in line[1::2])
    return BackHair(_short(rng).behind, (Lock(np.concatenate(edges), strands),))


def _tail(knots: Sequence[Point], widths: Sequence[float]) -> Lock:
    """Return a tail along a spline through `knots`, with evenly spaced `widths`."""
    line = spline(knots, steps=8)
    side = normals(line) * (interpolate(widths, len(line)) / 2)[:, None]
    strands = tuple(line + side * offset for offset in (-0.6, -0.2, 0.15, 0.55))
    return Lock(np.concatenate([line + side, (line - side)[::-1]]), strands)


def _tied(rng: Random, tails: Sequence[Lock], bands: Sequence[Points] = ()) -> BackHair:
    return BackHair(_short(rng).behind, tuple(tails), tuple(bands), rng.choice(_BANDS))


def _band(x: float, y: float) -> Points:
    return ellipse(x, y, 0.027, 0.027, 16)


def _twin_tails(rng: Random) -> BackHair:
    high, out, end = rng.uniform(-0.3, -0.22), rng.uniform(0.4, 0.42), rng.uniform(0.35, 0.55)
    knots = [(0.29, high), (0.375, high - 0.02), (out, high + 0.18), (out, 0.12), (out - 0.04, end)]
    right = _tail(knots, (0.04, 0.12, 0.15, 0.12, 0.0))
    return _tied(rng, (right, right.mirrored()), (_band(0.295, high), _band(-0.295, high)))


def _ponytail(rng: Random) -> BackHair:
    end = rng.uniform(0.25, 0.5)
    knots = [(0.17, -0.39), (0.29, -0.43), (0.39, -0.28), (0.405, 0.0), (0.36, end)]
    tail, band = _tail(knots, (0.05, 0.11, 0.15, 0.13, 0.0)), _band(0.205, -0.41)
    if rng.random() < 0.5:
        tail, band = tail.mirrored(), mirror(band)
    return _tied(rng, (tail,), (band,))


def _buns(rng: Random) -> BackHair:
    x, y, size = rng.uniform(0.22, 0.25), rng.uniform(-0.4, -0.37), rng.uniform(0.085, 0.105)
    curls = tuple(ellipse(x, y, size * r, size * r, 24)[:17] for r in (0.35, 0.7))
    bun = Lock(ellipse(x, y, size, size), curls)
    return _tied(rng, (bun, bun.mirrored()))


def _low_tails(rng: Random) -> BackHair:
    end = rng.uniform(0.42, 0.5)
    knots = [(0.25, 0.17), (0.31, 0.22), (0.33, 0.32), (0.29, end)]
    tail = _tail(knots, (0.06, 0.13, 0.13, 0.0))
    return _tied(rng, (tail, tail.mirrored()), (_band(0.27, 0.19), _band(-0.27, 0.19)))


Style = Callable[[Random], BackHair]

ANY: tuple[Style, ...] = (
    *(_long, _long, _long, _wavy, _wavy, _bob, _bob, _short, _short),
    *(_spiky, _twin_tails, _twin_tails, _ponytail, _buns, _low_tails),
)
# A style that ends near the chin or is hidden in some poses is neither long nor short.
LONG: tuple[Style, ...] = (_long, _long, _wavy, _twin_tails)
SHORT: tuple[Style, ...] = (_bob, _bob, _short, _spiky, _buns)


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
        return cls(rng.choice(ANY)(rng), sample_bangs(rng), HairColors.from_oklab(lab))

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
        rng = streams("mane")
        back = rng.choice(LONG if long else SHORT)(rng)
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
