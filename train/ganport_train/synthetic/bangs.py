"""Bangs: the hair in front of the face, from the crown to the tips of the side locks.

Bangs are a dome over the skull. Its lower edge is a row of locks. Each lock runs from a notch
down to a tip and up to the next notch. A side lock hangs at each end of the row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import numpy as np

from ganport_train.synthetic.canvas import Point, Points, bezier, mirror, ribbon, spline, translate

_LOWEST = -0.082  # lowest tip above an iris: hair never hides an eye
_HAIRLINE = -0.21  # highest notch: the crown is always covered
_TEMPLE = 0.205  # x of the two ends of the row of locks


@dataclass(frozen=True)
class Bangs:
    """The shapes of bangs: the outline and the details inside it."""

    outline: Points
    folds: tuple[Points, ...]  # shaded side of each lock
    strands: tuple[Points, ...]  # bright hairs
    partings: tuple[Points, ...]  # from the crown to each notch
    gloss: tuple[Points, ...]
    wisps: tuple[Points, ...]  # hairs that stick out of the crown


@dataclass(frozen=True)
class _Row:
    """A row of locks from left to right: n tips between n + 1 notches."""

    tips: list[Point]
    notches: list[Point]


def _row(
    rng: Random, count: int, reach: Callable[[float], float], depth: float, lean: float
) -> _Row:
    """Return a row of `count` locks.

    `reach` returns the y of a tip at x. `depth` is the distance from there up to the notches,
    `lean` the shift of the tips to the right of the middle of their locks.
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
    """Return curtains on both sides of a part in the middle or near it."""
    gap = rng.choice((0.0, -0.06, 0.06)) + rng.uniform(-0.015, 0.015)
    tips = [(-0.2, -0.06), (gap * 0.5 - 0.125, -0.1), (gap * 0.5 + 0.125, -0.1), (0.2, -0.06)]
    middle = (gap, _HAIRLINE + rng.uniform(0.0, 0.02))
    notches = [(-_TEMPLE, -0.1), (-0.165, -0.125), middle, (0.165, -0.125), (_TEMPLE, -0.1)]
    return _Row(tips, notches)


def _pointed(rng: Random) -> _Row:
    """Return locks of which one falls between the eyes."""
    x, reach = rng.uniform(-0.02, 0.02), rng.uniform(-0.03, 0.0)
    tips = [(-0.185, -0.075), (-0.095, -0.1), (x, reach), (0.095, -0.1), (0.185, -0.075)]
    notches = [(-_TEMPLE, -0.12), (-0.145, -0.14), (-0.05, -0.165), (0.05, -0.165), (0.145, -0.14)]
    return _Row(tips, [*notches, (_TEMPLE, -0.12)])


def _combed_back(rng: Random) -> _Row:
    """Return hair that leaves the forehead free between the temples."""
    return _swung(rng.uniform(-0.03, 0.03), -0.2)


def _curtained(rng: Random) -> _Row:
    """Return hair with an off-center part that leaves the forehead free."""
    return _swung(rng.choice((-0.08, 0.08)) + rng.uniform(-0.015, 0.015), -0.175)


def _swung(gap: float, reach: float) -> _Row:
    """Return hair parted at x = `gap` that swings to the temples and hangs down to `reach`."""
    tips = [(-0.197, -0.06), (gap * 0.5 - 0.105, reach), (gap * 0.5 + 0.105, reach), (0.197, -0.06)]
    notches = [(-_TEMPLE, -0.1), (-0.172, -0.15), (gap, -0.238), (0.172, -0.15), (_TEMPLE, -0.1)]
    return _Row(tips, notches)


Style = Callable[[Random], _Row]

ANY: tuple[Style, ...] = (
    *(_blunt, _choppy, _choppy, _swept, _swept),
    *(_parted, _parted, _pointed, _pointed),
)
COVERING: tuple[Style, ...] = (_blunt, _blunt, _choppy, _choppy, _pointed)
"""Styles that cover the forehead."""
OPEN: tuple[Style, ...] = (_combed_back, _curtained)
"""Styles that leave the forehead free."""


def _side_lock(rng: Random, length: float) -> Points:
    """Return the right side lock: outer root, tip, inner root."""
    tip = (rng.uniform(0.215, 0.24), length)
    outer = spline([(0.318, -0.18), (0.33, -0.05), (0.318, 0.45 * length), tip])
    inner = bezier(tip, (0.262, 0.25 * length), (_TEMPLE, -0.12))
    return np.concatenate([outer, inner[1:]])


def _dome(rng: Random) -> Points:
    """Return the crown from the root of the left side lock to that of the right one."""
    top = rng.uniform(-0.465, -0.445)
    half = [
        (0.07, top + 0.006),
        (0.17, top + 0.052),
        (0.26, -0.325),
        (0.305, -0.24),
        (0.318, -0.18),
    ]
    return spline([*((-x, y) for x, y in half[::-1]), *half])


def _hanging(row: _Row) -> Points:
    """Return the lower edge from right to left; each lock bends toward its tip."""
    line = []
    for tip, (left, right) in reversed(list(zip(row.tips, pairwise(row.notches), strict=True))):
        lean = 0.4 * (tip[0] - (left[0] + right[0]) / 2)
        low = tip[1] - 0.35 * (tip[1] - (left[1] + right[1]) / 2)
        line.append(bezier(right, (right[0] * 0.6 + tip[0] * 0.4 - lean, low), tip))
        line.append(bezier(tip, (left[0] * 0.6 + tip[0] * 0.4 - lean, low), left)[1:])
    return np.concatenate(line)


def _gloss(rng: Random) -> tuple[Points, ...]:
    """Return the highlight around the crown: two pieces with a jagged lower edge."""
    middle, pieces = rng.uniform(-0.25, 0.25), []
    for start, end in ((-0.95, middle - 0.06), (middle + 0.06, 0.95)):
        turn = np.linspace(start, end, 15)
        arc = np.stack([np.sin(turn), -np.cos(turn)], axis=1)
        width = np.sin(np.linspace(0.1, np.pi - 0.1, 15))
        jag = np.array([rng.uniform(0.5, 1.1) * (k % 2) for k in range(15)])
        outer = arc * (0.264 + 0.018 * width)[:, None]
        inner = arc * (0.264 - 0.03 * width * jag)[:, None]
        pieces.append(translate(np.concatenate([spline(outer, steps=2), inner[::-1]]), 0, -0.075))
    return tuple(pieces)


def sample_bangs(
    rng: Random,
    styles: Sequence[Style] = ANY,
    *,
    lock_rng: Random | None = None,
    max_length: float = 1.0,
) -> Bangs:
    """Return random bangs of one of `styles`.

    lock_rng: random stream of the row of locks; the default is `rng`. With a stream of its own,
    another row does not change the crown and the side locks.
    max_length: largest length of the side locks, within 8 %.
    """
    lock_rng = lock_rng or rng
    row = lock_rng.choice(styles)(lock_rng)
    length = min(max_length, rng.choice((0.18, 0.25, 0.33, 0.42)))
    right = _side_lock(rng, length)
    left = mirror(_side_lock(rng, length * rng.uniform(0.92, 1.08)))
    root = (rng.uniform(-0.05, 0.05), -0.43)
    return Bangs(
        outline=np.concatenate([_dome(rng), right, _hanging(row), left]),
        folds=(*_folds(row), *_side_folds(length)),
        strands=tuple(_strands(lock_rng, row, root)),
        partings=tuple(_from_crown(root, notch, 0.3) for notch in row.notches[1:-1]),
        gloss=_gloss(rng),
        wisps=tuple(_wisps(rng)),
    )


def _from_crown(root: Point, end: Point, start: float) -> Points:
    """Return the part from fraction `start` on of a hair that falls from `root` to `end`."""
    hair = bezier(root, (end[0] * 1.05, 0.55 * root[1] + 0.45 * end[1]), end, 16)
    return hair[round(start * 15) :]


def _folds(row: _Row) -> list[Points]:
    folds = []
    for tip, notch in zip(row.tips, row.notches, strict=False):
        top = (notch[0] * 0.92, notch[1] - 0.09)
        edge = bezier(top, (notch[0] + 0.012, notch[1]), tip)
        folds.append(ribbon(edge, (0.0, 0.018, 0.026, 0.0)))
    return folds


def _side_folds(length: float) -> list[Points]:
    inner = bezier((0.215, -0.17), (0.25, 0.2 * length), (0.228, length))
    fold = ribbon(inner, (0.0, 0.035, 0.03, 0.0))
    return [fold, mirror(fold)]


def _strands(rng: Random, row: _Row, root: Point) -> list[Points]:
    strands = []
    for tip in row.tips:
        for _ in range(2):
            end = (tip[0] + rng.uniform(-0.02, 0.02), tip[1] - rng.uniform(0.03, 0.07))
            strands.append(_from_crown(root, end, rng.uniform(0.15, 0.35)))
    for side in (-1, 1):
        strands.append(bezier((side * 0.27, -0.27), (side * 0.31, -0.12), (side * 0.3, 0.05)))
    return strands


def _wisps(rng: Random) -> list[Points]:
    if rng.random() < 0.75:
        return []
    side = rng.choice((-1, 1))
    return [bezier((-0.01 * side, -0.43), (-0.01 * side, -0.52), (0.11 * side, -0.485), 10)]
