"""A scene, its camera, lamp and objects, and its image by rays, light and shadow.

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
from PIL import Image

from ganport_train.synthetic.palette import oklab_to_rgb, rgb_to_oklab, sample_shade
from ganport_train.synthetic.scene_labels import COLORS, split_label
from ganport_train.synthetic.solids import SOLIDS, Floats, Solid, dot, normalize

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


_SAMPLES = 3  # rays per pixel in each direction
_RAYS = 1 << 14  # rays at a time: their arrays stay in the processor's cache

_FILL_DIRECTION = np.array([[-0.62], [-0.55], [0.56]], dtype=np.float32)  # unit, toward the light
_KEY_POWER, _FILL_POWER, _SKY_POWER = 0.95, 0.22, 0.36  # of lamp, fill light and sky
_SPECULAR, _SHININESS = 0.28, 40
_HAZE = np.array([[0.40], [0.405], [0.415]], dtype=np.float32)
_HAZE_START, _HAZE_DEPTH = 13, 22  # distance at which the ground starts to fade, and fade length
_SHADOW_OFFSET = 1e-3  # distance from a surface at which its shadow rays start


def draw_scene(scene: Scene, size: int) -> Image.Image:
    """Render `scene` as a (size, size) RGB image; size is 16 to 512."""
    side = size * _SAMPLES
    rows = max(1, _RAYS // (side * _SAMPLES)) * _SAMPLES
    bands = [
        _render_band(scene, side, range(top, min(top + rows, side))) for top in range(0, side, rows)
    ]
    light = np.concatenate(bands)
    return Image.fromarray(np.rint(np.clip(light, 0, 1) ** (1 / GAMMA) * 255).astype(np.uint8))


def _render_band(scene: Scene, side: int, rows: range) -> Floats:
    """Return the light (rows / samples, side / samples, 3) on whole pixels."""
    rays = scene.camera.rays(side, rows)
    lamp_points = _sample_lamp_points(scene.lamp, side, len(rows))
    light = _trace(scene, rays, lamp_points)
    fine = light.reshape(3, len(rows) // _SAMPLES, _SAMPLES, side // _SAMPLES, _SAMPLES)
    mean: Floats = fine.mean(axis=(2, 4)).transpose(1, 2, 0)
    return mean


def _sample_lamp_points(lamp: Lamp, side: int, rows: int) -> Floats:
    """Return a point (3, N) of the lamp for each ray; the rays of a pixel cover its disc.

    Their mean gives soft shadow edges, softer farther from an object.
    """
    count = _SAMPLES * _SAMPLES
    order = np.arange(count)
    radius = np.sqrt((order + 0.5) / count) * lamp.radius
    angle = order * (np.pi * (3 - np.sqrt(5)))  # the golden angle spreads points evenly
    offsets = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.zeros(count)])
    points = (lamp.position[:, None] + offsets).astype(np.float32).reshape(3, _SAMPLES, _SAMPLES)
    return np.tile(points, (1, rows // _SAMPLES, side // _SAMPLES)).reshape(3, -1)


def _trace(scene: Scene, rays: Floats, lamp_points: Floats) -> Floats:
    """Return the light (3, N) along each ray."""
    eye = scene.camera.position[:, None]
    down = np.maximum(-rays[2], 1e-3)  # rays at or above the horizon hit the ground in the haze
    ground = eye[2] / down
    depths = np.stack([ground, *(solid.distances(eye, rays) for solid in scene.solids)])
    first = depths.argmin(axis=0)
    depth = depths.min(axis=0)
    points = eye + depth * rays
    normals, colors = _surface(scene, first, points)
    diffuse, specular = _shade(scene, points, normals, rays, lamp_points)
    specular *= first > 0
    haze = np.clip((depth - _HAZE_START) / _HAZE_DEPTH, 0, 1) * (first == 0)
    light: Floats = (colors * diffuse + specular) * (1 - haze) + _HAZE * haze
    return light


def _surface(scene: Scene, first: NDArray[np.intp], points: Floats) -> tuple[Floats, Floats]:
    """Return normals and colors (3, N) at `points` on the objects `first`; 0 is the ground."""
    normals = np.zeros_like(points)
    normals[2] = 1
    colors = np.full_like(points, scene.ground)
    for index, (solid, color) in enumerate(zip(scene.solids, scene.colors, strict=True), 1):
        hits = np.flatnonzero(first == index)
        normals[:, hits] = solid.normals(points[:, hits])
        colors[:, hits] = color[:, None]
    return normals, colors


def _shade(
    scene: Scene, points: Floats, normals: Floats, rays: Floats, lamp_points: Floats
) -> tuple[Floats, Floats]:
    """Return the diffuse (Lambert) and specular (Blinn-Phong) light, each (N,)."""
    to_lamp = normalize(lamp_points - points)
    distance = dot(lamp_points - points, to_lamp)
    facing: Floats = np.maximum(dot(normals, to_lamp), 0)
    facing *= _lamp_visibility(scene.solids, points + normals * _SHADOW_OFFSET, to_lamp, distance)
    reference = float(np.linalg.norm(scene.lamp.position))
    attenuation = scene.lamp.brightness * reference**2 / (distance * distance)
    fill = np.maximum(dot(normals, _FILL_DIRECTION), 0)
    sky = (0.7 + 0.3 * normals[2]) * _sky_visibility(scene.solids, points, normals)
    diffuse = _KEY_POWER * attenuation * facing + _FILL_POWER * fill + _SKY_POWER * sky
    halfway: Floats = np.maximum(dot(normals, normalize(to_lamp - rays)), 0)
    specular: Floats = _SPECULAR * halfway**_SHININESS * (facing > 0)
    return diffuse, specular


def _lamp_visibility(
    solids: Sequence[Solid], points: Floats, to_lamp: Floats, distance: Floats
) -> Floats:
    """Return 1 for each of `points` (3, N) that the lamp reaches and 0 in a shadow, (N,)."""
    visible = np.ones(points.shape[1], dtype=np.float32)
    for solid in solids:
        visible *= solid.distances(points, to_lamp) >= distance
    return visible


def _sky_visibility(solids: Sequence[Solid], points: Floats, normals: Floats) -> Floats:
    """Return the fraction of the sky that each point sees, (N,); solids count as spheres.

    A sphere of radius r at distance d covers the cosine-weighted fraction cos(a) (r / d)^2.
    """
    fraction: Floats = np.ones_like(points[0])
    for solid in solids:
        to_center = solid.center - points
        square = dot(to_center, to_center)
        cosine = dot(normals, to_center) / np.sqrt(square)
        covered = np.clip(cosine, 0, 1) * (solid.size * solid.size) / square
        fraction *= 1 - np.minimum(covered, 1)
    return fraction
