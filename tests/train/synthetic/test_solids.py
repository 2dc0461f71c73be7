"""Ray intersections and normals of solids with known values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.synthetic.solids import (
    SOLIDS,
    Cube,
    Cylinder,
    Floats,
    Solid,
    Sphere,
    dot,
    normalize,
)

angles = st.floats(0, math.tau)
places = st.floats(-3, 3)
solids = st.builds(
    lambda kind, *numbers: SOLIDS[kind](*numbers),
    st.sampled_from(list(SOLIDS)),
    places,
    places,
    st.floats(0.5, 1),
    angles,
)


def column(*parts: float) -> Floats:
    return np.array([parts], dtype=np.float32).T


def distance(solid: Solid, origin: Floats, direction: Floats) -> float:
    return float(solid.distances(origin, normalize(direction))[0])


@pytest.mark.parametrize("kind", list(SOLIDS))
def test_distances_from_above_hit_top(kind: str) -> None:
    solid = SOLIDS[kind](1.0, -2.0, 0.75, 0.3)
    assert distance(solid, column(1, -2, 10), column(0, 0, -1)) == pytest.approx(8.5)
    assert solid.normals(column(1, -2, 1.5))[:, 0] == pytest.approx([0, 0, 1], abs=1e-6)


@pytest.mark.parametrize(
    ("solid", "near"),
    [
        (Sphere(0, 0, 0.5), 9.5),
        (Cylinder(0, 0, 0.5), 9.5),
        (Cube(0, 0, 0.5), 9.5),
        (Cube(0, 0, 0.5, math.pi / 4), 10 - math.sqrt(0.5)),
    ],
)
def test_distances_from_side(solid: Solid, near: float) -> None:
    # Off center, because a cube rotated by 45 degrees has an edge in the middle.
    assert distance(solid, column(-10, 1e-4, 0.5), column(1, 0, 0)) == pytest.approx(near, abs=1e-3)


@pytest.mark.parametrize("kind", list(SOLIDS))
def test_distances_missing_rays_are_infinite(kind: str) -> None:
    solid = SOLIDS[kind](0.0, 0.0, 0.5)
    assert distance(solid, column(-10, 0.8, 0.5), column(1, 0, 0)) == math.inf
    assert distance(solid, column(-10, 0, 0.5), column(-1, 0, 0)) == math.inf
    assert distance(solid, column(-10, 0, 1.1), column(1, 0, 0)) == math.inf


def test_normals_of_rotated_cube() -> None:
    cube = Cube(1, 1, 0.5, math.pi / 6)
    facing = [math.cos(math.pi / 6), math.sin(math.pi / 6), 0]
    point = column(1 + 0.5 * facing[0], 1 + 0.5 * facing[1], 0.5)
    assert cube.normals(point)[:, 0] == pytest.approx(facing, abs=1e-6)


@given(solids, angles, st.floats(0.1, 1.2))
def test_hit_points_lie_on_surface_facing_ray(solid: Solid, turn: float, height: float) -> None:
    origin = 9 * column(
        math.cos(turn) * math.cos(height), math.sin(turn) * math.cos(height), math.sin(height)
    )
    across, up = np.meshgrid(np.linspace(-1, 1, 9), np.linspace(-1, 1, 9))
    aims = solid.center + solid.radius * np.stack([across, 0 * across, up]).reshape(3, -1)
    rays = normalize(aims.astype(np.float32) - origin)
    depths = solid.distances(origin, rays)
    met = np.isfinite(depths)
    assert met.any()
    points = origin + depths[met] * rays[:, met]
    normals = solid.normals(points)
    assert dot(normals, normals) == pytest.approx(1, abs=1e-3)
    # At an edge, rounding may assign a point to the hidden face.
    assert (dot(normals, rays[:, met]) < 1e-3).mean() > 0.9
    assert (np.abs(points[2] - solid.size) <= solid.size + 1e-3).all()
    assert (np.hypot(*(points - solid.center)[:2]) <= solid.radius + 1e-3).all()
