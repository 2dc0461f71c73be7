"""One scene: where camera, lamp and objects are.

After CLEVR (J. Johnson et al., "CLEVR: A Diagnostic Dataset for Compositional Language and
Elementary Visual Reasoning", CVPR 2017, appendix A), with objects of one size and one material.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ganport_train.synthetic import oklab
from ganport_train.synthetic.palette import shade
from ganport_train.synthetic.shapes.camera import Camera
from ganport_train.synthetic.shapes.solids import SOLIDS, Solid
from ganport_train.synthetic.shapes.vectors import Floats
from ganport_train.synthetic.shapes.vocabulary import COLOURS, parted

GAMMA = 2.2
"""Of the pictures: light is a stored value to this power."""

_SIZES = {"cube": 0.68, "sphere": 0.78, "cylinder": 0.7}  # look equally large
_FIELD = 2.9  # how far from the middle objects stand
_GAP = 0.25  # between two objects
_MASK = 48  # side of the grid on which silhouettes are compared
_VISIBLE = 0.5  # of each silhouette, on that coarse grid


@dataclass(frozen=True)
class Lamp:
    """A round lamp of radius `width` at `place` (3,), of a brightness relative to the usual."""

    place: Floats
    width: float
    brightness: float


@dataclass(frozen=True)
class Scene:
    """Solids with their colours ((3,) light reflected), the lamp, and how light the ground is."""

    camera: Camera
    lamp: Lamp
    ground: float
    solids: tuple[Solid, ...]
    colours: tuple[Floats, ...]

    @classmethod
    def of(cls, seed: int, stem: str, objects: Sequence[str]) -> Self:
        """Set up the scene `stem` of the set of `seed` with `objects`, each a label.

        The first objects of a list stand as they stand in a shorter list: each object depends on
        those before it alone, and none is put where it hides more than half of one before it.
        """

        def chance(part: object) -> Random:
            return Random(f"ganport scene 1/{seed}/{stem}/{part}")

        camera = Camera.of(chance("camera"))
        solids: list[Solid] = []
        for index, label in enumerate(objects):
            solids.append(_placed(chance(index), parted(label)[1], solids, camera))
        colours = (_colour(chance(f"colour {i}"), label) for i, label in enumerate(objects))
        rng = chance("light")
        return cls(camera, _lamp(rng), rng.uniform(0.36, 0.42), tuple(solids), tuple(colours))


def _lamp(rng: Random) -> Lamp:
    place = (6 + rng.uniform(-1, 1), -4.5 + rng.uniform(-1, 1), 9 + rng.uniform(-1, 1))
    return Lamp(np.array(place, dtype=np.float32), 1.1, rng.uniform(0.92, 1.08))


def _colour(rng: Random, label: str) -> Floats:
    colour, _ = parted(label)
    # Half of the jitter that could still be told: light and shade do the rest.
    rgb = oklab.to_rgb((oklab.from_rgb(COLOURS[colour]) + shade(rng, colour, COLOURS)) / 2)
    return ((rgb / 255) ** GAMMA).astype(np.float32)


def _placed(rng: Random, shape: str, others: Sequence[Solid], camera: Camera) -> Solid:
    """Draw a place for one more solid; two others never fill the field, so there is one."""
    size = _SIZES[shape] * rng.uniform(0.94, 1.06)
    rays = camera.rays(_MASK, range(_MASK))
    depths = [other.distances(camera.place[:, None], rays) for other in others]
    while True:
        away, angle = _FIELD * math.sqrt(rng.random()), rng.uniform(0, math.tau)
        solid = SOLIDS[shape](
            away * math.cos(angle), away * math.sin(angle), size, rng.uniform(0, math.tau)
        )
        if all(_apart(solid, other) for other in others):
            depth = solid.distances(camera.place[:, None], rays)
            if _whole(depth) and visible_shares([*depths, depth]).min() >= _VISIBLE:
                return solid


def _apart(one: Solid, other: Solid) -> bool:
    return math.hypot(one.x - other.x, one.y - other.y) >= one.reach + other.reach + _GAP


def _whole(depth: Floats) -> bool:
    """Whether a silhouette does not touch the edge of the picture."""
    seen = np.isfinite(depth).reshape(_MASK, _MASK)
    inner = seen[1:-1, 1:-1]
    return bool(seen.sum() == inner.sum())


def visible_shares(depths: Sequence[Floats]) -> NDArray[np.float64]:
    """Return how much of each silhouette is seen, as shares, from the solids' distances (N,)."""
    stacked = np.stack(depths)
    outlines = np.isfinite(stacked)
    seen = outlines & (stacked == stacked.min(axis=0))
    shares: NDArray[np.float64] = seen.sum(axis=1) / np.maximum(outlines.sum(axis=1), 1)
    return shares
