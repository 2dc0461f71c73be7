"""The hair behind the head: short or long, loose or tied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import numpy as np

from ganport_train.synthetic.canvas import (
    Point,
    Points,
    bezier,
    ellipse,
    interpolate,
    mirror,
    normals,
    spline,
    symmetric_outline,
)
from ganport_train.synthetic.palette import Color

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


def sample_back_hair(rng: Random, styles: Sequence[Style] = ANY) -> BackHair:
    """Return random back hair of one of `styles`."""
    return rng.choice(styles)(rng)
