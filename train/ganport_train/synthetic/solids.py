"""The solids of a scene: ray intersections and surface normals. Vectors are float32 (3, N)."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Span = tuple[Floats, Floats]
"""Distances (N,) at which rays enter and leave a solid; rays miss it if they leave first."""

_UP = np.array([[0], [0], [1]], dtype=np.float32)
_EPSILON = 1e-9  # replaces a zero divisor


def dot(left: Floats, right: Floats) -> Floats:
    """Return the inner products (N,)."""
    product: Floats = left[0] * right[0] + left[1] * right[1] + left[2] * right[2]
    return product


def normalize(vectors: Floats) -> Floats:
    """Scale `vectors` to length 1."""
    scaled: Floats = np.divide(vectors, np.sqrt(dot(vectors, vectors)))
    return scaled


def rotate_z(vectors: Floats, angle: float) -> Floats:
    """Rotate `vectors` around the vertical axis z by `angle` radians."""
    cos, sin = math.cos(angle), math.sin(angle)
    x, y, z = vectors
    return np.stack([cos * x - sin * y, sin * x + cos * y, z])


@dataclass(frozen=True)
class Solid(ABC):
    """A convex solid on the ground at (x, y), rotated by `angle` radians around z.

    `size` is half its height.
    """

    x: float
    y: float
    size: float
    angle: float = 0.0

    @cached_property
    def center(self) -> Floats:
        """Center (3, 1)."""
        return np.array([[self.x], [self.y], [self.size]], dtype=np.float32)

    @property
    def radius(self) -> float:
        """Radius of the bounding vertical cylinder."""
        return self.size

    def distances(self, origins: Floats, directions: Floats) -> Floats:
        """Return the distances (N,) along unit `directions` (3, N) to the solid; inf for a miss.

        origins: (3, N) or (3, 1), outside the solid.
        """
        near, far = self._span(self._to_local(origins - self.center), self._to_local(directions))
        hits: Floats = np.where((near < far) & (near > 0), near, np.float32(np.inf))
        return hits

    def normals(self, points: Floats) -> Floats:
        """Return the outward unit normals at `points` (3, N) of the surface."""
        return self._to_world(self._normals(self._to_local(points - self.center)))

    @abstractmethod
    def _span(self, origins: Floats, directions: Floats) -> Span:
        """Return where rays enter and leave the solid, in local coordinates."""

    @abstractmethod
    def _normals(self, points: Floats) -> Floats:
        """Return the normals in local coordinates."""

    def _to_local(self, vectors: Floats) -> Floats:
        return vectors

    def _to_world(self, vectors: Floats) -> Floats:
        return vectors


class Sphere(Solid):
    """A sphere."""

    def _span(self, origins: Floats, directions: Floats) -> Span:
        return _round_span(origins, directions, self.size)

    def _normals(self, points: Floats) -> Floats:
        return points / self.size


class Cylinder(Solid):
    """A vertical cylinder as wide as it is high."""

    def _span(self, origins: Floats, directions: Floats) -> Span:
        side = _round_span(origins[:2], directions[:2], self.size)
        return _intersection(side, _slab_span(origins[2], directions[2], self.size))

    def _normals(self, points: Floats) -> Floats:
        rim = np.hypot(points[0], points[1])
        normals: Floats = points / np.maximum(rim, np.float32(_EPSILON))
        normals[2] = 0
        normals[:, points[2] > rim] = _UP  # the bottom is never visible
        return normals


class Cube(Solid):
    """A cube."""

    @property
    def radius(self) -> float:
        return self.size * math.sqrt(2)

    def _span(self, origins: Floats, directions: Floats) -> Span:
        slabs = (_slab_span(o, d, self.size) for o, d in zip(origins, directions, strict=True))
        return reduce(_intersection, slabs)

    def _normals(self, points: Floats) -> Floats:
        extents = np.stack([abs(points[0]), abs(points[1]), points[2]])  # the bottom is hidden
        faces = extents.argmax(axis=0) == np.arange(3)[:, None]
        return np.where(faces, np.sign(points), np.float32(0))

    def _to_local(self, vectors: Floats) -> Floats:
        return rotate_z(vectors, -self.angle)

    def _to_world(self, vectors: Floats) -> Floats:
        return rotate_z(vectors, self.angle)


SOLIDS: dict[str, type[Solid]] = {"cube": Cube, "sphere": Sphere, "cylinder": Cylinder}


def _round_span(origins: Floats, directions: Floats, radius: float) -> Span:
    """Return the span of a sphere (3 rows) or an infinite cylinder (2 rows) at the origin."""
    square = np.maximum(sum(part * part for part in directions), _EPSILON)
    along = sum(o * d for o, d in zip(origins, directions, strict=True))
    beyond = sum(part * part for part in origins) - radius * radius
    inside = along * along - square * beyond
    root = np.sqrt(np.maximum(inside, 0))
    # A tangent ray enters and leaves at one point, so it counts as a miss.
    return (-along - root) / square, (-along + root) / square


def _slab_span(origins: Floats, directions: Floats, half: float) -> Span:
    safe = np.where(np.abs(directions) < _EPSILON, np.float32(_EPSILON), directions)
    first, second = (-half - origins) / safe, (half - origins) / safe
    return np.minimum(first, second), np.maximum(first, second)


def _intersection(first: Span, second: Span) -> Span:
    return np.maximum(first[0], second[0]), np.minimum(first[1], second[1])
