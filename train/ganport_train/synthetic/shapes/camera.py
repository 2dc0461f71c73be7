"""The camera of a scene: rays from pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Self

import numpy as np

from ganport_train.synthetic.shapes.vectors import Floats, unit

_ZOOM = 3.0  # the frame is 2 wide at this distance


@dataclass(frozen=True)
class Camera:
    """A pinhole at `place` (3,) above the ground, z up; `axes` (3, 3) are right, up and ahead."""

    place: Floats
    axes: Floats

    @classmethod
    def of(cls, rng: Random) -> Self:
        """Draw a camera near the one of CLEVR: 11 from the middle, 29 degrees above the ground."""
        turn = math.radians(rng.uniform(-4, 4))
        height = math.radians(29 + rng.uniform(-2, 2))
        away = 11 * rng.uniform(0.97, 1.03)
        behind = (math.sin(turn) * math.cos(height), -math.cos(turn) * math.cos(height))
        place = np.array([*behind, math.sin(height)], dtype=np.float32) * away
        aim = np.array([rng.uniform(-0.12, 0.12), 0, rng.uniform(0.25, 0.45)], dtype=np.float32)
        ahead = unit(aim - place)
        right = unit(np.cross(ahead, np.array([0, 0, 1], dtype=np.float32)))
        return cls(place, np.stack([right, np.cross(right, ahead), ahead]))

    def rays(self, side: int, rows: range) -> Floats:
        """Return unit directions (3, rows x side) through `rows` of a grid of side x side rays."""
        across = ((np.arange(side, dtype=np.float32) + 0.5) * (2 / side) - 1)[None, :]
        down = ((np.array(rows, dtype=np.float32) + 0.5) * (2 / side) - 1)[:, None]
        right, up, ahead = (axis[:, None, None] for axis in self.axes)
        return unit((right * across - up * down + ahead * _ZOOM).reshape(3, -1))
