"""Fringes: the hair before the face, from the crown to the tips of the side locks.

A fringe is a dome over the skull whose lower edge is a row of locks. Each lock runs from a notch
to a tip and on to the next notch; the first and the last are the side locks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from ganport_train.draw.curves import Points, bend, ribbon, smooth

_BROW = -0.115  # where fringes end: above the eyes, which stay free
_HAIRLINE = -0.2  # no notch reaches higher, so the crown is always covered


@dataclass(frozen=True)
class Fringe:
    """The shapes of a fringe: its outline and what is drawn inside it."""

    outline: Points
    folds: tuple[Points, ...]  # the shaded side of each lock
    strands: tuple[Points, ...]  # bright hairs
    partings: tuple[Points, ...]  # lines from the notches toward the crown
    gloss: Points
    wisps: tuple[Points, ...]  # hairs that stand up from the crown


@dataclass(frozen=True)
class _Edge:
    """The lower edge of a fringe: tips (n) and the notches (n - 1) between them, left to right."""

    tips: Sequence[tuple[float, float]]
    notches: Sequence[tuple[float, float]]
    sweep: float  # how far the locks bend aside


def _teeth(rng: Random, count: int, reach: Callable[[float], float], depth: float) -> _Edge:
    """Lay `count` locks side by side; `reach` gives the height of the tips at x."""
    xs = np.linspace(-0.2, 0.2, count + 1)
    xs[1:-1] += [rng.uniform(-0.014, 0.014) for _ in range(count - 1)]
    lean = rng.uniform(-0.02, 0.02)
    middles = (xs[:-1] + xs[1:]) / 2 + lean
    tips = [(float(x), reach(float(x)) + rng.uniform(-0.012, 0.012)) for x in middles]
    inner = [(float(x), min(reach(float(x)), _BROW) - depth * rng.uniform(0.7, 1)) for x in xs]
    return _Edge(tips, inner, lean)


def _blunt(rng: Random) -> _Edge:
    level = rng.uniform(-0.125, -0.105)
    return _teeth(rng, rng.choice((5, 6, 7)), lambda x: level + 0.3 * x * x, 0.02)


def _choppy(rng: Random) -> _Edge:
    return _teeth(rng, rng.choice((4, 5)), lambda x: _BROW + 0.015, 0.075)


def _swept(rng: Random) -> _Edge:
    side = rng.choice((-1, 1))
    edge = _teeth(rng, 4, lambda x: -0.135 + 0.13 * side * x, 0.055)
    return _Edge(edge.tips, edge.notches, 0.05 * side)


def _parted(rng: Random) -> _Edge:
    gap = rng.uniform(-0.03, 0.03)
    tips = [(-0.17, -0.075), (-0.1, -0.115), (0.1, -0.115), (0.17, -0.075)]
    notches = [(-0.2, -0.13), (-0.13, -0.14), (gap, _HAIRLINE), (0.13, -0.14), (0.2, -0.13)]
    return _Edge(tips, notches, 0.0)


def _pointed(rng: Random) -> _Edge:
    reach = rng.uniform(-0.03, 0.0)
    tips = [(-0.15, -0.1), (rng.uniform(-0.012, 0.012), reach), (0.15, -0.1)]
    notches = [(-0.2, -0.12), (-0.075, -0.18), (0.075, -0.18), (0.2, -0.12)]
    return _Edge(tips, notches, 0.0)


_STYLES = (_blunt, _choppy, _choppy, _swept, _swept, _parted, _pointed)


def _side_lock(rng: Random, length: float) -> Points:
    """Return the right side lock, from its outer root down to its tip and up to its inner root."""
    tip = rng.uniform(0.22, 0.25), length
    outer = smooth([(0.3, -0.2), (0.322, -0.05), (0.31, 0.5 * length), tip])
    inner = smooth([tip, (0.245, 0.45 * length + 0.03), (0.222, -0.02), (0.2, -0.13)])
    return np.concatenate([outer, inner[1:]])


def _dome(rng: Random) -> Points:
    """Return the outline of the crown from the left root of the side lock to the right one."""
    top = rng.uniform(-0.455, -0.43)
    knots = [(-0.3, -0.2), (-0.272, -0.3), (-0.18, -0.4), (0, top), (0.18, -0.4), (0.272, -0.3)]
    return smooth([*knots, (0.3, -0.2)])


def _hanging(edge: _Edge) -> Points:
    """Return the lower edge from right to left."""
    line = []
    for k in range(len(edge.tips) - 1, -1, -1):
        right, tip, left = (
            np.array(p) for p in (edge.notches[k + 1], edge.tips[k], edge.notches[k])
        )
        belly = np.array([edge.sweep, 0.0])
        line.append(bend(right, (right + tip) / 2 + (0.02, 0.012) + belly, tip))
        line.append(bend(tip, (left + tip) / 2 + (-0.02, 0.012) + belly, left))
    return np.concatenate(line)


def _gloss(rng: Random) -> Points:
    """Return a jagged band of light around the crown."""
    count = 15
    turn = np.linspace(-1.0, 1.0, count) * rng.uniform(0.75, 0.95)
    jag = np.array([rng.uniform(0.006, 0.024) * (-1) ** k for k in range(count)])
    width = 0.02 * np.cos(turn) + 0.004
    arc = np.stack([np.sin(turn), -np.cos(turn)], axis=1)
    outer = arc * (0.25 + width + jag * 0.5)[:, None]
    inner = arc * (0.25 - width + jag)[:, None]
    return np.concatenate([outer, inner[::-1]]) * (0.95, 1.0) + (0, -0.075)


def choose(rng: Random) -> Fringe:
    """Draw a fringe by chance."""
    edge = rng.choice(_STYLES)(rng)
    length = rng.choice((0.04, 0.12, 0.2, 0.3))
    right = _side_lock(rng, length)
    left = _side_lock(rng, length * rng.uniform(0.9, 1.1)) * (-1, 1)
    outline = np.concatenate([_dome(rng), right, _hanging(edge), left[::-1]])
    root = np.array([rng.uniform(-0.07, 0.07), -0.42])
    folds, partings, strands = [], [], []
    for k, tip in enumerate(edge.tips):
        notch, mid = np.array(edge.notches[k]), np.array([tip[0] * 0.8, -0.28])
        if k:
            partings.append(bend(root * 0.4 + notch * 0.6, root * 0.15 + notch * 0.85, notch))
        side = bend(mid, (np.array(tip) + mid) / 2 + (0.012, 0), tip)
        folds.append(ribbon(side, (0.0, 0.02, 0.024, 0.0)) - (0.012, 0))
        for _ in range(2):
            start = root + (rng.uniform(-0.1, 0.1), rng.uniform(0.03, 0.1))
            end = np.array(tip) + (rng.uniform(-0.015, 0.03), rng.uniform(-0.07, -0.02))
            strands.append(bend(start, (end[0], (start[1] + end[1]) / 2 - 0.05), end))
    for side, lock in ((1, right), (-1, left)):
        tip = lock[len(lock) // 2]
        folds.append(ribbon(bend((side * 0.25, -0.2), (side * 0.26, 0), tip), (0, 0.03, 0.03, 0)))
        strands.append(bend((side * 0.26, -0.28), (side * 0.295, -0.1), (side * 0.285, length / 2)))
    wisps = []
    if rng.random() < 0.25:
        lean = rng.choice((-1, 1))
        wisps.append(bend((0.01 * lean, -0.42), (0.0, -0.52), (0.1 * lean, -0.5), 10))
    return Fringe(outline, tuple(folds), tuple(strands), tuple(partings), _gloss(rng), tuple(wisps))
