"""A scene: camera, lamp and objects.

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

from ganport_train.synthetic.palette import oklab_to_rgb, rgb_to_oklab, sample_shade
from ganport_train.synthetic.scene_labels import COLORS, split_label
from ganport_train.synthetic.solids import SOLIDS, Floats, Solid, normalize

GAMMA = 2.2
"""Exponent that turns a stored value into light."""

_SIZES = {"cube": 0.68, "sphere": 0.78, "cylinder": 0.7}  # look equally large
_FIELD_RADIUS = 2.9  # largest distance of an object from the center
_GAP = 0.25  # smallest distance between two objects
_GRID = 48  # side of the grid on which silhouettes are compared
_MIN_VISIBLE = 0.5  # smallest visible fraction of a silhouette
_ZOOM = 3.0  # distance at which the frame is 2 wide


@dataclass(frozen=True)
class Camera:
    """A pinhole camera at `position` (3,), z up; `axes` (3, 3) are right, up and ahead."""

    position: Floats
    axes: Floats

    @classmethod
    def sample(cls, rng: Random) -> Self:
        """Return a random camera near that of CLEVR: 11 from the center, 29 degrees up."""
        azimuth = math.radians(rng.uniform(-4, 4))
        elevation = math.radians(29 + rng.uniform(-2, 2))
        distance = 11 * rng.uniform(0.97, 1.03)
        horizontal = (
            math.sin(azimuth) * math.cos(elevation),
            -math.cos(azimuth) * math.cos(elevation),
        )
        position = np.array([*horizontal, math.sin(elevation)], dtype=np.float32) * distance
        target = np.array([rng.uniform(-0.12, 0.12), 0, rng.uniform(0.25, 0.45)], dtype=np.float32)
        ahead = normalize(target - position)
        right = normalize(np.cross(ahead, np.array([0, 0, 1], dtype=np.float32)))
        return cls(position, np.stack([right, np.cross(right, ahead), ahead]))

    def rays(self, side: int, rows: range) -> Floats:
        """Return unit directions (3, rows x side) of `rows` of a grid of side x side rays."""
        across = ((np.arange(side, dtype=np.float32) + 0.5) * (2 / side) - 1)[None, :]
        down = ((np.array(rows, dtype=np.float32) + 0.5) * (2 / side) - 1)[:, None]
        right, up, ahead = (axis[:, None, None] for axis in self.axes)
        return normalize((right * across - up * down + ahead * _ZOOM).reshape(3, -1))


@dataclass(frozen=True)
class Lamp:
    """A round lamp of `radius` at `position` (3,); a `brightness` of 1 is the usual one."""

    position: Floats
    radius: float
    brightness: float


@dataclass(frozen=True)
class Scene:
    """Solids with their colors (reflectance (3,)), the lamp, and the reflectance of the ground."""

    camera: Camera
    lamp: Lamp
    ground: float
    solids: tuple[Solid, ...]
    colors: tuple[Floats, ...]

    @classmethod
    def sample(cls, seed: int, name: str, objects: Sequence[str]) -> Self:
        """Return the scene `name` of the dataset of `seed` with `objects`, given as labels.

        An object depends only on the objects before it in the list, so a longer list keeps the
        objects of a shorter one. No object hides more than half of an earlier one.
        """

        def stream(part: object) -> Random:
            return Random(f"ganport scene 1/{seed}/{name}/{part}")

        camera = Camera.sample(stream("camera"))
        solids: list[Solid] = []
        for index, label in enumerate(objects):
            solids.append(_sample_solid(stream(index), split_label(label)[1], solids, camera))
        # The names of the random streams are part of every seed's image.
        colors = (_sample_color(stream(f"colour {i}"), label) for i, label in enumerate(objects))
        rng = stream("light")
        return cls(camera, _sample_lamp(rng), rng.uniform(0.36, 0.42), tuple(solids), tuple(colors))


def _sample_lamp(rng: Random) -> Lamp:
    position = (6 + rng.uniform(-1, 1), -4.5 + rng.uniform(-1, 1), 9 + rng.uniform(-1, 1))
    return Lamp(np.array(position, dtype=np.float32), 1.1, rng.uniform(0.92, 1.08))


def _sample_color(rng: Random, label: str) -> Floats:
    color, _ = split_label(label)
    # Halve the shade's distance from its label, because light and shadow add to it.
    rgb = oklab_to_rgb((rgb_to_oklab(COLORS[color]) + sample_shade(rng, color, COLORS)) / 2)
    return ((rgb / 255) ** GAMMA).astype(np.float32)


def _sample_solid(rng: Random, shape: str, others: Sequence[Solid], camera: Camera) -> Solid:
    """Return a solid at a random free position; two others never fill the field."""
    size = _SIZES[shape] * rng.uniform(0.94, 1.06)
    rays = camera.rays(_GRID, range(_GRID))
    depths = [other.distances(camera.position[:, None], rays) for other in others]
    while True:
        distance, angle = _FIELD_RADIUS * math.sqrt(rng.random()), rng.uniform(0, math.tau)
        solid = SOLIDS[shape](
            distance * math.cos(angle), distance * math.sin(angle), size, rng.uniform(0, math.tau)
        )
        if all(_are_separate(solid, other) for other in others):
            depth = solid.distances(camera.position[:, None], rays)
            if _is_inside(depth) and visible_fractions([*depths, depth]).min() >= _MIN_VISIBLE:
                return solid


def _are_separate(first: Solid, second: Solid) -> bool:
    distance = math.hypot(first.x - second.x, first.y - second.y)
    return distance >= first.radius + second.radius + _GAP


def _is_inside(depth: Floats) -> bool:
    """Return whether a silhouette does not touch the edge of the image."""
    silhouette = np.isfinite(depth).reshape(_GRID, _GRID)
    return bool(silhouette.sum() == silhouette[1:-1, 1:-1].sum())


def visible_fractions(depths: Sequence[Floats]) -> NDArray[np.float64]:
    """Return the visible fraction of each solid's silhouette from the solids' distances (N,)."""
    stacked = np.stack(depths)
    silhouettes = np.isfinite(stacked)
    visible = silhouettes & (stacked == stacked.min(axis=0))
    fractions: NDArray[np.float64] = visible.sum(axis=1) / np.maximum(silhouettes.sum(axis=1), 1)
    return fractions
