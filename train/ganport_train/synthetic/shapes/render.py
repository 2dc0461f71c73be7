"""A scene to pixels: rays, light, shadow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganport_train.synthetic.shapes.scene import GAMMA, Lamp, Scene
from ganport_train.synthetic.shapes.solids import Solid
from ganport_train.synthetic.shapes.vectors import Floats, dot, unit

_SAMPLES = 3  # rays a pixel, in either direction
_RAYS = 1 << 14  # at a time: what is worked on stays in the processor's cache

_FILL = np.array([[-0.62], [-0.55], [0.56]], dtype=np.float32)  # unit, toward the weaker light
_KEY_POWER, _FILL_POWER, _SKY_POWER = 0.95, 0.22, 0.36  # of lamp, weaker light and sky
_GLOSS, _SHARPNESS = 0.28, 40
_HAZE = np.array([[0.40], [0.405], [0.415]], dtype=np.float32)
_HAZE_FROM, _HAZE_DEPTH = 13, 22  # how far away the ground begins to fade, and fades within
_OFF = 1e-3  # how far above a surface its shadow is looked for


def draw_scene(scene: Scene, size: int) -> Image.Image:
    """Draw a (size, size) RGB picture of `scene`; size 16 to 512."""
    side = size * _SAMPLES
    rows = max(1, _RAYS // (side * _SAMPLES)) * _SAMPLES
    bands = [_band(scene, side, range(top, min(top + rows, side))) for top in range(0, side, rows)]
    light = np.concatenate(bands)
    return Image.fromarray(np.rint(np.clip(light, 0, 1) ** (1 / GAMMA) * 255).astype(np.uint8))


def _band(scene: Scene, side: int, rows: range) -> Floats:
    """The light (rows / samples, side / samples, 3) that falls on whole pixels."""
    rays = scene.camera.rays(side, rows)
    lamps = _lamp_points(scene.lamp, side, len(rows))
    light = _seen(scene, rays, lamps)
    fine = light.reshape(3, len(rows) // _SAMPLES, _SAMPLES, side // _SAMPLES, _SAMPLES)
    mean: Floats = fine.mean(axis=(2, 4)).transpose(1, 2, 0)
    return mean


def _lamp_points(lamp: Lamp, side: int, rows: int) -> Floats:
    """A point of the lamp for each ray, (3, N): the rays of a pixel share its face among them.

    Their mean makes the edges of shadows soft, and farther from an object softer.
    """
    count = _SAMPLES * _SAMPLES
    order = np.arange(count)
    away = np.sqrt((order + 0.5) / count) * lamp.width
    angle = order * (np.pi * (3 - np.sqrt(5)))  # the golden angle spreads points evenly
    flat = np.stack([away * np.cos(angle), away * np.sin(angle), np.zeros(count)])
    points = (lamp.place[:, None] + flat).astype(np.float32).reshape(3, _SAMPLES, _SAMPLES)
    return np.tile(points, (1, rows // _SAMPLES, side // _SAMPLES)).reshape(3, -1)


def _seen(scene: Scene, rays: Floats, lamps: Floats) -> Floats:
    """The light (3, N) that comes along each ray."""
    eye = scene.camera.place[:, None]
    down = np.maximum(-rays[2], 1e-3)  # rays at or above the horizon meet the ground in the haze
    ground = eye[2] / down
    depths = np.stack([ground, *(solid.distances(eye, rays) for solid in scene.solids)])
    first = depths.argmin(axis=0)
    depth = depths.min(axis=0)
    points = eye + depth * rays
    normals, colours = _surface(scene, first, points)
    light, shine = _lit(scene, points, normals, rays, lamps)
    shine *= first > 0
    haze = np.clip((depth - _HAZE_FROM) / _HAZE_DEPTH, 0, 1) * (first == 0)
    seen: Floats = (colours * light + shine) * (1 - haze) + _HAZE * haze
    return seen


def _surface(scene: Scene, first: NDArray[np.intp], points: Floats) -> tuple[Floats, Floats]:
    normals = np.zeros_like(points)
    normals[2] = 1
    colours = np.full_like(points, scene.ground)
    for index, (solid, colour) in enumerate(zip(scene.solids, scene.colours, strict=True), 1):
        on = np.flatnonzero(first == index)
        normals[:, on] = solid.normals(points[:, on])
        colours[:, on] = colour[:, None]
    return normals, colours


def _lit(
    scene: Scene, points: Floats, normals: Floats, rays: Floats, lamps: Floats
) -> tuple[Floats, Floats]:
    """Diffuse light, by Lambert, and the shine of the lamp, by Blinn and Phong, each (N,)."""
    toward = unit(lamps - points)
    away = dot(lamps - points, toward)
    facing: Floats = np.maximum(dot(normals, toward), 0)
    facing *= _reached(scene.solids, points + normals * _OFF, toward, away)
    middle = float(np.linalg.norm(scene.lamp.place))
    fade = scene.lamp.brightness * middle**2 / (away * away)
    fill = np.maximum(dot(normals, _FILL), 0)
    sky = (0.7 + 0.3 * normals[2]) * _open(scene.solids, points, normals)
    diffuse = _KEY_POWER * fade * facing + _FILL_POWER * fill + _SKY_POWER * sky
    glance: Floats = np.maximum(dot(normals, unit(toward - rays)), 0)
    shine: Floats = _GLOSS * glance**_SHARPNESS * (facing > 0)
    return diffuse, shine


def _reached(solids: Sequence[Solid], points: Floats, toward: Floats, away: Floats) -> Floats:
    """Which points (3, N) the lamp reaches, (N,): 1, or 0 in a shadow."""
    free = np.ones(points.shape[1], dtype=np.float32)
    for solid in solids:
        free *= solid.distances(points, toward) >= away
    return free


def _open(solids: Sequence[Solid], points: Floats, normals: Floats) -> Floats:
    """How much of the sky each point sees past the solids, (N,): each counts as a ball.

    The cosine-weighted share that a ball of radius r at distance d covers is cos(a) (r / d)^2.
    """
    share: Floats = np.ones_like(points[0])
    for solid in solids:
        toward = solid.centre - points
        square = dot(toward, toward)
        cosine = dot(normals, toward) / np.sqrt(square)
        covered = np.clip(cosine, 0, 1) * (solid.size * solid.size) / square
        share *= 1 - np.minimum(covered, 1)
    return share
