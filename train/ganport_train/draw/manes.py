"""Manes: the hair behind the head, short or long, loose or tied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from ganport_train.draw.curves import Points, bend, ellipse, mirrored, smooth
from ganport_train.draw.palette import Colour

_BANDS: tuple[Colour, ...] = (
    (214, 48, 64),
    (250, 250, 250),
    (40, 44, 60),
    (246, 190, 60),
    (86, 130, 220),
    (240, 130, 170),
)


@dataclass(frozen=True)
class Lock:
    """A mass of hair and the strands drawn in it."""

    outline: Points
    strands: tuple[Points, ...]


@dataclass(frozen=True)
class Mane:
    """Loose hair behind the head, tails, and the bands that hold them."""

    behind: tuple[Lock, ...]
    tails: tuple[Lock, ...] = ()
    bands: tuple[Points, ...] = ()
    band_colour: Colour = (0, 0, 0)


_CROWN = [(0.0, -0.45), (0.17, -0.41), (0.27, -0.3)]


def _fall(rng: Random, half: Sequence[tuple[float, float]]) -> Lock:
    """Close a right half outline over its mirror image; strands run down inside it."""
    right = smooth([*_CROWN, *half])
    outline = np.concatenate([mirrored(right), right[1:]])
    end = half[-1][1]
    strands = []
    for side in (-1, 1):
        for x in (0.22, 0.27, 0.31):
            x += rng.uniform(-0.015, 0.015)
            strands.append(bend((side * x * 0.8, -0.25), (side * x * 1.1, 0), (side * x, end)))
    return Lock(outline, tuple(strands))


def _long(rng: Random) -> Mane:
    wide = rng.uniform(0.33, 0.39)
    half = [(0.32, -0.1), (0.34, 0.1), (wide, 0.3), (wide + 0.02, 0.62)]
    return Mane((_fall(rng, half),))


def _wavy(rng: Random) -> Mane:
    wide = rng.uniform(0.34, 0.38)
    half = [
        (0.325, -0.12),
        (wide - 0.02, 0.0),
        (wide + 0.03, 0.1),
        (wide - 0.01, 0.2),
        (wide + 0.05, 0.32),
        (wide + 0.01, 0.42),
        (wide + 0.06, 0.62),
    ]
    return Mane((_fall(rng, half),))


def _bob(rng: Random) -> Mane:
    end = rng.uniform(0.2, 0.3)
    half = [
        (0.325, -0.1),
        (0.35, 0.05),
        (0.35, end - 0.06),
        (0.3, end),
        (0.22, end + 0.01),
        (0.1, end - 0.03),
    ]
    return Mane((_fall(rng, half),))


def _short(rng: Random) -> Mane:
    end = rng.uniform(0.1, 0.2)
    half = [(0.315, -0.1), (0.325, 0.02), (0.29, end), (0.2, end + 0.03), (0.1, end)]
    return Mane((_fall(rng, half),))


def _spiky(rng: Random) -> Mane:
    """Locks stick out all round, longest at the sides."""
    count = 17
    turns = np.linspace(-2.15, 2.15, count)
    line: list[Points] = []
    for k, turn in enumerate(turns):
        radius = 0.335 if k % 2 == 0 else rng.uniform(0.39, 0.44)
        twist = turn + (0.05 * np.sign(turn) if k % 2 else 0)
        line.append(
            np.array([np.sin(twist) * radius * 0.98, -np.cos(twist) * radius * 1.02 - 0.07])
        )
    outline = np.concatenate(
        [bend(a, (a + b) / 2 * 1.03, b, 5) for a, b in zip(line, line[1:], strict=False)]
    )
    strands = tuple(bend(p * 0.6, p * 0.8, p * 0.95) for p in line[1::2])
    return Mane((Lock(outline, strands),))


def _tail(rng: Random, knots: Sequence[tuple[float, float]], widths: Sequence[float]) -> Lock:
    """Return a tail along a spline through `knots`."""
    line = smooth(knots, steps=8)
    along = np.gradient(line, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    normal /= np.hypot(normal[:, 0], normal[:, 1])[:, None]
    half = np.interp(np.linspace(0, 1, len(line)), np.linspace(0, 1, len(widths)), widths) / 2
    side = normal * half[:, None]
    strands = [line + side * place for place in (-0.6, -0.2, 0.15, 0.55)]
    return Lock(np.concatenate([line + side, (line - side)[::-1]]), tuple(strands))


def _tied(rng: Random, tails: Sequence[Lock], knots: Sequence[tuple[float, float]]) -> Mane:
    bands = tuple(ellipse(x, y, 0.026, 0.026, 16) for x, y in knots)
    return Mane(_short(rng).behind, tuple(tails), bands, rng.choice(_BANDS))


def _twin_tails(rng: Random) -> Mane:
    high, out, end = rng.uniform(-0.28, -0.2), rng.uniform(0.4, 0.43), rng.uniform(0.35, 0.6)
    knots = [(0.285, high), (0.37, high - 0.03), (out, high + 0.16), (out, 0.1), (out - 0.03, end)]
    right = _tail(rng, knots, (0.04, 0.11, 0.13, 0.11, 0.0))
    left = Lock(right.outline * (-1, 1), tuple(s * (-1, 1) for s in right.strands))
    return _tied(rng, (right, left), ((0.29, high), (-0.29, high)))


def _ponytail(rng: Random) -> Mane:
    side = rng.choice((-1.0, 1.0))
    end = rng.uniform(0.25, 0.5)
    knots = [(0.17, -0.38), (0.28, -0.43), (0.38, -0.3), (0.41, 0.0), (0.37, end)]
    lock = _tail(rng, knots, (0.05, 0.1, 0.14, 0.12, 0.0))
    lock = Lock(lock.outline * (side, 1), tuple(s * (side, 1) for s in lock.strands))
    return _tied(rng, (lock,), ((side * 0.2, -0.4),))


def _buns(rng: Random) -> Mane:
    x, y, size = rng.uniform(0.2, 0.24), rng.uniform(-0.42, -0.38), rng.uniform(0.08, 0.1)
    locks = []
    for side in (-1, 1):
        curls = [ellipse(side * x, y, size * r, size * r, 24)[:16] for r in (0.35, 0.7)]
        locks.append(Lock(ellipse(side * x, y, size, size), tuple(curls)))
    return _tied(rng, locks, ())


_STYLES = (_long, _long, _wavy, _bob, _bob, _short, _spiky, _twin_tails, _ponytail, _buns)


def choose(rng: Random) -> Mane:
    """Draw a mane by chance."""
    return rng.choice(_STYLES)(rng)
