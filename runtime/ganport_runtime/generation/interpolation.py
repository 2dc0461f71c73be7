"""Noise between noise: the spherical and the straight way from one sample to another.

White, "Sampling Generative Networks" (2016), section 2.1; report 003, linear interpolation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import RequestError

# Below this sine two samples lie on one line, where no great circle is given.
_ON_A_LINE = 1e-6


def spherical(
    first: NDArray[np.float32], second: NDArray[np.float32], shares: Sequence[float]
) -> NDArray[np.float32]:
    """The samples that lie each of `shares` (0 to 1) of the way from one to another.

    `first` and `second` are float32 of one shape, the result is (len(shares), *shape). The
    direction moves on a great circle and the length on a line, so that no sample on the way is
    shorter than normal noise is; at 0 and 1 the ends come back bit for bit. Samples on one line
    are mixed linearly. Raises `RequestError` for different shapes.
    """
    way = np.array(shares, np.float64)
    one, two = _flat(first, second)
    return _mixed(one, two, _weights(one, two, way)).reshape(len(way), *first.shape)


def linear(
    first: NDArray[np.float32], second: NDArray[np.float32], shares: Sequence[float]
) -> NDArray[np.float32]:
    """The samples that lie each of `shares` (0 to 1) of the straight way from one to another.

    Shapes and ends as in `spherical`. It is the way between noise that pictures were encoded to,
    which lies where pictures are and not on the sphere of random noise.
    """
    way = np.array(shares, np.float64)
    one, two = _flat(first, second)
    return _mixed(one, two, (1.0 - way, way)).reshape(len(way), *first.shape)


def _flat(
    first: NDArray[np.float32], second: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if first.shape != second.shape:
        raise RequestError(
            "interpolation",
            expected="two samples of one shape",
            found=f"{first.shape} and {second.shape}",
            fix="Take both from the same generator.",
        )
    return first.reshape(-1).astype(np.float64), second.reshape(-1).astype(np.float64)


def _mixed(
    one: NDArray[np.float64],
    two: NDArray[np.float64],
    weights: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float32]:
    return (weights[0][:, None] * one + weights[1][:, None] * two).astype(np.float32)


def _weights(
    one: NDArray[np.float64], two: NDArray[np.float64], way: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lengths = float(np.linalg.norm(one)), float(np.linalg.norm(two))
    if not all(lengths):
        return 1.0 - way, way
    angle = np.arccos(np.clip(one @ two / (lengths[0] * lengths[1]), -1.0, 1.0))
    if np.sin(angle) < _ON_A_LINE:
        return 1.0 - way, way
    length = (1.0 - way) * lengths[0] + way * lengths[1]
    turned = np.sin((1.0 - way) * angle), np.sin(way * angle)
    # Divided in this order, the weight of an end is exactly 1 there.
    first, second = (
        part / np.sin(angle) * (length / own) for part, own in zip(turned, lengths, strict=True)
    )
    return first, second
