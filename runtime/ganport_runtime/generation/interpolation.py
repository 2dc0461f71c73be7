"""Interpolation between noise samples: spherical and linear.

White, "Sampling Generative Networks" (2016), section 2.1; report 003, linear interpolation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import RequestError

Floats = NDArray[np.float64]
_MIN_SINE = 1e-6  # below it two samples are collinear and define no great circle


def spherical(
    first: NDArray[np.float32], second: NDArray[np.float32], fractions: Sequence[float]
) -> NDArray[np.float32]:
    """Return the samples at `fractions` (0 to 1) of the great circle between two samples.

    `first` and `second` are float32 of one shape; the result is (len(fractions), *shape). The
    length changes linearly, so every sample is as long as normal noise; the ends are returned bit
    for bit. Collinear samples are interpolated linearly. Raises `RequestError` for different
    shapes.
    """
    return _interpolate(first, second, fractions, _spherical_weights)


def linear(
    first: NDArray[np.float32], second: NDArray[np.float32], fractions: Sequence[float]
) -> NDArray[np.float32]:
    """Return the samples at `fractions` (0 to 1) of the line between two samples.

    Shapes and ends are those of `spherical`. Use it for encoded images, whose noise is not on the
    sphere of random noise.
    """
    return _interpolate(first, second, fractions, lambda one, two, t: (1.0 - t, t))


def _interpolate(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    fractions: Sequence[float],
    weights: Callable[[Floats, Floats, Floats], tuple[Floats, Floats]],
) -> NDArray[np.float32]:
    if first.shape != second.shape:
        raise RequestError(
            "interpolation",
            "two samples of one shape",
            f"{first.shape} and {second.shape}",
            "Use two samples of one generator.",
        )
    one, two = first.reshape(-1).astype(np.float64), second.reshape(-1).astype(np.float64)
    left, right = weights(one, two, np.array(fractions, np.float64))
    samples: NDArray[np.float32] = (left[:, None] * one + right[:, None] * two).astype(np.float32)
    return samples.reshape(len(left), *first.shape)


def _spherical_weights(one: Floats, two: Floats, t: Floats) -> tuple[Floats, Floats]:
    lengths = float(np.linalg.norm(one)), float(np.linalg.norm(two))
    if not all(lengths):
        return 1.0 - t, t
    angle = np.arccos(np.clip(one @ two / (lengths[0] * lengths[1]), -1.0, 1.0))
    if np.sin(angle) < _MIN_SINE:
        return 1.0 - t, t
    length = (1.0 - t) * lengths[0] + t * lengths[1]
    sines = np.sin((1.0 - t) * angle), np.sin(t * angle)
    # In this order of divisions the weight of an end is exactly 1.
    first, second = (
        sine / np.sin(angle) * (length / own) for sine, own in zip(sines, lengths, strict=True)
    )
    return first, second
