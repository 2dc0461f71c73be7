"""Render a scene: rays, light and shadow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganport_train.synthetic.scenes import GAMMA, Lamp, Scene
from ganport_train.synthetic.solids import Floats, Solid, dot, normalize

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
    lamp_points = _sample_lamp(scene.lamp, side, len(rows))
    light = _trace(scene, rays, lamp_points)
    fine = light.reshape(3, len(rows) // _SAMPLES, _SAMPLES, side // _SAMPLES, _SAMPLES)
    mean: Floats = fine.mean(axis=(2, 4)).transpose(1, 2, 0)
    return mean


def _sample_lamp(lamp: Lamp, side: int, rows: int) -> Floats:
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
