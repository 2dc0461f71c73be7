"""Fringes: the hair before the face, from the crown to the tips of the side locks.

A fringe is a dome over the skull whose lower edge is a row of locks. Each lock runs from a notch
down to a tip and up to the next notch; a side lock hangs at either end of the row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import numpy as np

from ganport_train.synthetic.curves import (
    Point,
    Points,
    bend,
    flipped,
    moved,
    ribbon,
    smooth,
)

_LOWEST = -0.082  # tips above the irises end here, so that hair never hides an eye
_HAIRLINE = -0.21  # no notch reaches higher, so that the crown is always covered
_TEMPLE = 0.205  # where the row of locks ends to either side


@dataclass(frozen=True)
class Fringe:
    """The shapes of a fringe: its outline and what is drawn inside it."""

    outline: Points
    folds: tuple[Points, ...]  # the shaded side of each lock
    strands: tuple[Points, ...]  # bright hairs
    partings: tuple[Points, ...]  # from the crown to each notch
    gloss: tuple[Points, ...]
    wisps: tuple[Points, ...]  # hairs that stand up from the crown


@dataclass(frozen=True)
class _Row:
    """A row of locks from left to right: n tips between n + 1 notches."""

    tips: list[Point]
    notches: list[Point]


def _row(
    rng: Random, count: int, reach: Callable[[float], float], depth: float, lean: float
) -> _Row:
    """Lay `count` locks side by side.

    `reach` gives the height of the tip at x, `depth` how far the notches lie above it, `lean`
    how far the tips lie to the right of their locks' middle.
    """
    xs = [_TEMPLE * (2 * k / count - 1) for k in range(count + 1)]
    xs[1:-1] = [x + rng.uniform(-0.016, 0.016) for x in xs[1:-1]]
    tips = []
    for left, right in pairwise(xs):
        x = (left + right) / 2 + lean + rng.uniform(-0.008, 0.008)
        tips.append((x, reach(x) + rng.uniform(-0.012, 0.012)))
    return _Row(tips, [(x, reach(x) - depth * rng.uniform(0.75, 1.1)) for x in xs])


def _blunt(rng: Random) -> _Row:
    level = rng.uniform(-0.1, -0.085)
    return _row(rng, rng.choice((6, 7, 8)), lambda x: level + 0.4 * x * x, 0.022, 0.0)


def _choppy(rng: Random) -> _Row:
    lean = rng.uniform(-0.03, 0.03)
    return _row(rng, rng.choice((4, 5)), lambda x: _LOWEST + 0.5 * x * x, 0.075, lean)


def _swept(rng: Random) -> _Row:
    side = rng.choice((-1, 1))
    return _row(rng, rng.choice((4, 5)), lambda x: -0.115 + 0.16 * side * x, 0.06, 0.035 * side)


def _parted(rng: Random) -> _Row:
    """Curtains to both sides of a parting in the middle, or a little beside it."""
    gap = rng.choice((0.0, -0.06, 0.06)) + rng.uniform(-0.015, 0.015)
    tips = [(-0.2, -0.06), (gap * 0.5 - 0.125, -0.1), (gap * 0.5 + 0.125, -0.1), (0.2, -0.06)]
    middle = (gap, _HAIRLINE + rng.uniform(0.0, 0.02))
    notches = [(-_TEMPLE, -0.1), (-0.165, -0.125), middle, (0.165, -0.125), (_TEMPLE, -0.1)]
    return _Row(tips, notches)


def _pointed(rng: Random) -> _Row:
    """One lock falls between the eyes."""
    x, reach = rng.uniform(-0.02, 0.02), rng.uniform(-0.03, 0.0)
    tips = [(-0.185, -0.075), (-0.095, -0.1), (x, reach), (0.095, -0.1), (0.185, -0.075)]
    notches = [(-_TEMPLE, -0.12), (-0.145, -0.14), (-0.05, -0.165), (0.05, -0.165), (0.145, -0.14)]
    return _Row(tips, [*notches, (_TEMPLE, -0.12)])


def _combed_back(rng: Random) -> _Row:
    """The forehead is free from temple to temple, but for the locks that fall beside it."""
    return _swung(rng.uniform(-0.03, 0.03), -0.2)


def _curtained(rng: Random) -> _Row:
    """A parting off the middle, from which the hair swings wide of the forehead."""
    return _swung(rng.choice((-0.08, 0.08)) + rng.uniform(-0.015, 0.015), -0.175)


def _swung(gap: float, reach: float) -> _Row:
    """Part the hair at `gap` and let it swing to the temples; `reach` is how low it hangs."""
    tips = [(-0.197, -0.06), (gap * 0.5 - 0.105, reach), (gap * 0.5 + 0.105, reach), (0.197, -0.06)]
    notches = [(-_TEMPLE, -0.1), (-0.172, -0.15), (gap, -0.238), (0.172, -0.15), (_TEMPLE, -0.1)]
    return _Row(tips, notches)


Style = Callable[[Random], _Row]

ANY: tuple[Style, ...] = (
    *(_blunt, _choppy, _choppy, _swept, _swept),
    *(_parted, _parted, _pointed, _pointed),
)
COVERING: tuple[Style, ...] = (_blunt, _blunt, _choppy, _choppy, _pointed)  # the forehead
OPEN: tuple[Style, ...] = (_combed_back, _curtained)


def _side_lock(rng: Random, length: float) -> Points:
    """Return the right side lock, from its outer root down to its tip and up to its inner root."""
    tip = (rng.uniform(0.215, 0.24), length)
    outer = smooth([(0.318, -0.18), (0.33, -0.05), (0.318, 0.45 * length), tip])
    inner = bend(tip, (0.262, 0.25 * length), (_TEMPLE, -0.12))
    return np.concatenate([outer, inner[1:]])


def _dome(rng: Random) -> Points:
    """Return the crown from the left root of the side lock to the right one."""
    top = rng.uniform(-0.465, -0.445)
    half = [
        (0.07, top + 0.006),
        (0.17, top + 0.052),
        (0.26, -0.325),
        (0.305, -0.24),
        (0.318, -0.18),
    ]
    return smooth([*((-x, y) for x, y in half[::-1]), *half])


def _hanging(row: _Row) -> Points:
    """Return the lower edge from right to left; each lock bends the way its tip leans."""
    line = []
    for tip, (left, right) in reversed(list(zip(row.tips, pairwise(row.notches), strict=True))):
        lean = 0.4 * (tip[0] - (left[0] + right[0]) / 2)
        low = tip[1] - 0.35 * (tip[1] - (left[1] + right[1]) / 2)
        line.append(bend(right, (right[0] * 0.6 + tip[0] * 0.4 - lean, low), tip))
        line.append(bend(tip, (left[0] * 0.6 + tip[0] * 0.4 - lean, low), left)[1:])
    return np.concatenate(line)


def _gloss(rng: Random) -> tuple[Points, ...]:
    """Return the band of light around the crown, in two pieces that are jagged below."""
    middle, pieces = rng.uniform(-0.25, 0.25), []
    for start, end in ((-0.95, middle - 0.06), (middle + 0.06, 0.95)):
        turn = np.linspace(start, end, 15)
        arc = np.stack([np.sin(turn), -np.cos(turn)], axis=1)
        width = np.sin(np.linspace(0.1, np.pi - 0.1, 15))
        jag = np.array([rng.uniform(0.5, 1.1) * (k % 2) for k in range(15)])
        outer = arc * (0.264 + 0.018 * width)[:, None]
        inner = arc * (0.264 - 0.03 * width * jag)[:, None]
        pieces.append(moved(np.concatenate([smooth(outer, steps=2), inner[::-1]]), 0, -0.075))
    return tuple(pieces)


def choose(
    rng: Random,
    styles: Sequence[Style] = ANY,
    *,
    locks: Random | None = None,
    longest: float = 1.0,
) -> Fringe:
    """Draw a fringe by chance, of one of `styles`.

    locks: the stream of the row of locks, if not `rng`, so that another row leaves the crown and
    the side locks as they are. longest: how far down the side locks may reach, give or take 8 %.
    """
    locks = locks or rng
    row = locks.choice(styles)(locks)
    length = min(longest, rng.choice((0.18, 0.25, 0.33, 0.42)))
    right = _side_lock(rng, length)
    left = flipped(_side_lock(rng, length * rng.uniform(0.92, 1.08)))
    root = (rng.uniform(-0.05, 0.05), -0.43)
    return Fringe(
        outline=np.concatenate([_dome(rng), right, _hanging(row), left]),
        folds=(*_folds(row), *_side_folds(length)),
        strands=tuple(_strands(locks, row, root)),
        partings=tuple(_from_crown(root, notch, 0.3) for notch in row.notches[1:-1]),
        gloss=_gloss(rng),
        wisps=tuple(_wisps(rng)),
    )


def _from_crown(root: Point, end: Point, start: float) -> Points:
    """Return the part from `start` on of a hair that grows at `root` and falls to `end`."""
    hair = bend(root, (end[0] * 1.05, 0.55 * root[1] + 0.45 * end[1]), end, 16)
    return hair[round(start * 15) :]


def _folds(row: _Row) -> list[Points]:
    folds = []
    for tip, notch in zip(row.tips, row.notches, strict=False):
        top = (notch[0] * 0.92, notch[1] - 0.09)
        edge = bend(top, (notch[0] + 0.012, notch[1]), tip)
        folds.append(ribbon(edge, (0.0, 0.018, 0.026, 0.0)))
    return folds


def _side_folds(length: float) -> list[Points]:
    inner = bend((0.215, -0.17), (0.25, 0.2 * length), (0.228, length))
    fold = ribbon(inner, (0.0, 0.035, 0.03, 0.0))
    return [fold, flipped(fold)]


def _strands(rng: Random, row: _Row, root: Point) -> list[Points]:
    strands = []
    for tip in row.tips:
        for _ in range(2):
            end = (tip[0] + rng.uniform(-0.02, 0.02), tip[1] - rng.uniform(0.03, 0.07))
            strands.append(_from_crown(root, end, rng.uniform(0.15, 0.35)))
    for side in (-1, 1):
        strands.append(bend((side * 0.27, -0.27), (side * 0.31, -0.12), (side * 0.3, 0.05)))
    return strands


def _wisps(rng: Random) -> list[Points]:
    if rng.random() < 0.75:
        return []
    side = rng.choice((-1, 1))
    return [bend((-0.01 * side, -0.43), (-0.01 * side, -0.52), (0.11 * side, -0.485), 10)]
