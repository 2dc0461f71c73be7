"""Vectors in space: float32 (3, N), one a column."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def dot(left: Floats, right: Floats) -> Floats:
    """Return the inner products, (N,)."""
    product: Floats = left[0] * right[0] + left[1] * right[1] + left[2] * right[2]
    return product


def unit(vectors: Floats) -> Floats:
    """Return `vectors` at length 1."""
    scaled: Floats = np.divide(vectors, np.sqrt(dot(vectors, vectors)))
    return scaled


def turned(vectors: Floats, angle: float) -> Floats:
    """Return `vectors` turned about z, which points up, by `angle` radians."""
    cos, sin = math.cos(angle), math.sin(angle)
    x, y, z = vectors
    return np.stack([cos * x - sin * y, sin * x + cos * y, z])
