"""The solids of a scene: where rays meet them, and which way they face there."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from ganport_train.synthetic.shapes.vectors import Floats, turned

Span = tuple[Floats, Floats]
"""Where rays enter and leave, each (N,); they miss where they leave before they enter."""

_UP = np.array([[0], [0], [1]], dtype=np.float32)
_TINY = 1e-9  # in place of a zero one may not divide by


@dataclass(frozen=True)
class Solid(ABC):
    """A convex solid that stands on the ground at (x, y), turned by `turn` radians about z.

    `size` is half its height.
    """

    x: float
    y: float
    size: float
    turn: float = 0.0

    @cached_property
    def centre(self) -> Floats:
        """Its middle, (3, 1)."""
        return np.array([[self.x], [self.y], [self.size]], dtype=np.float32)

    @property
    def reach(self) -> float:
        """The radius of the upright cylinder around it."""
        return self.size

    def distances(self, origins: Floats, directions: Floats) -> Floats:
        """Return how far along unit `directions` (3, N) rays enter it, (N,); inf if they miss.

        origins: (3, N) or (3, 1), outside the solid.
        """
        near, far = self._span(self._inward(origins - self.centre), self._inward(directions))
        met: Floats = np.where((near < far) & (near > 0), near, np.float32(np.inf))
        return met

    def normals(self, points: Floats) -> Floats:
        """Return the outward unit normals at `points` (3, N) of its surface."""
        return self._outward(self._normals(self._inward(points - self.centre)))

    @abstractmethod
    def _span(self, origins: Floats, directions: Floats) -> Span:
        """Where rays enter and leave the solid in its own frame."""

    @abstractmethod
    def _normals(self, points: Floats) -> Floats:
        """Normals in its own frame."""

    def _inward(self, vectors: Floats) -> Floats:
        return vectors

    def _outward(self, vectors: Floats) -> Floats:
        return vectors


class Sphere(Solid):
    """A ball."""

    def _span(self, origins: Floats, directions: Floats) -> Span:
        return _round_span(origins, directions, self.size)

    def _normals(self, points: Floats) -> Floats:
        return points / self.size


class Cylinder(Solid):
    """An upright cylinder as wide as it is high."""

    def _span(self, origins: Floats, directions: Floats) -> Span:
        side = _round_span(origins[:2], directions[:2], self.size)
        return _both(side, _slab_span(origins[2], directions[2], self.size))

    def _normals(self, points: Floats) -> Floats:
        rim = np.hypot(points[0], points[1])
        normals: Floats = points / np.maximum(rim, np.float32(_TINY))
        normals[2] = 0
        normals[:, points[2] > rim] = _UP  # nobody sees the bottom
        return normals


class Cube(Solid):
    """A cube."""

    @property
    def reach(self) -> float:
        return self.size * math.sqrt(2)

    def _span(self, origins: Floats, directions: Floats) -> Span:
        slabs = (_slab_span(o, d, self.size) for o, d in zip(origins, directions, strict=True))
        return reduce(_both, slabs)

    def _normals(self, points: Floats) -> Floats:
        heights = np.stack([abs(points[0]), abs(points[1]), points[2]])  # nobody sees the bottom
        faces = heights.argmax(axis=0) == np.arange(3)[:, None]
        return np.where(faces, np.sign(points), np.float32(0))

    def _inward(self, vectors: Floats) -> Floats:
        return turned(vectors, -self.turn)

    def _outward(self, vectors: Floats) -> Floats:
        return turned(vectors, self.turn)


SOLIDS: dict[str, type[Solid]] = {"cube": Cube, "sphere": Sphere, "cylinder": Cylinder}


def _round_span(origins: Floats, directions: Floats, radius: float) -> Span:
    """The span of a ball (3 rows) or of an endless cylinder (2 rows) around the origin."""
    square = np.maximum(sum(part * part for part in directions), _TINY)
    along = sum(o * d for o, d in zip(origins, directions, strict=True))
    beyond = sum(part * part for part in origins) - radius * radius
    inside = along * along - square * beyond
    root = np.sqrt(np.maximum(inside, 0))
    # A ray that just touches leaves where it enters, and so misses, as do those that pass by.
    return (-along - root) / square, (-along + root) / square


def _slab_span(origins: Floats, directions: Floats, half: float) -> Span:
    safe = np.where(np.abs(directions) < _TINY, np.float32(_TINY), directions)
    one, other = (-half - origins) / safe, (half - origins) / safe
    return np.minimum(one, other), np.maximum(one, other)


def _both(one: Span, other: Span) -> Span:
    return np.maximum(one[0], other[0]), np.minimum(one[1], other[1])
