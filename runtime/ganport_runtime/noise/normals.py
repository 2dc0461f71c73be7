"""Seed to noise: `philox4x32-10/box-muller-f64/1`, the same numbers in every language.

Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011), section 3.3, and the
Box-Muller transform in float64. The byte-level rule stands in `docs/interface.md`.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from math import prod
from numbers import Integral
from typing import SupportsIndex, cast

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import RequestError
from ganport_runtime.noise.fast_path import MAX_SIZE, normal_row
from ganport_runtime.noise.philox import philox4x32 as philox4x32
from ganport_runtime.noise.philox import uniform_midpoints
from ganport_runtime.values import repr_short

ALGORITHM = "philox4x32-10/box-muller-f64/1"

SeedArray = NDArray[np.uint64] | tuple[int]
"""Checked seeds; of one picture they come at a tenth of the cost without an array."""

# Blocks worked on at once: the 64-bit temporaries stay in the second-level cache.
_CHUNK = 8192


def normals(
    seeds: Sequence[int] | NDArray[np.uint64], shape: tuple[int, ...], stream: int = 0
) -> NDArray[np.float32]:
    """Standard normal noise of each seed, float32 (len(seeds), *shape).

    A row depends on its own seed, `shape` in row-major order and `stream` (0 to 2^32 - 1) alone,
    never on the other rows. Raises `RequestError` for a seed that is no uint64.
    """
    keys = _checked_seeds(seeds)
    for length in shape:
        check_integer("noise shape", length, 1, 2**31)
    check_integer("stream", stream, 0, 2**32 - 1)
    return normal_rows(keys, shape, stream)


def normal_rows(keys: SeedArray, shape: tuple[int, ...], stream: int = 0) -> NDArray[np.float32]:
    """`normals` of what has been checked."""
    size = prod(shape)
    if len(keys) == 1 and size <= MAX_SIZE:
        return normal_row(int(keys[0]), shape, stream)
    keys = np.asarray(keys, np.uint64)
    blocks = -(-size // 4)
    out = np.empty((len(keys), blocks, 4), np.float32)
    rows = max(1, _CHUNK // blocks)
    for row in range(0, len(keys), rows):
        for block in range(0, blocks, _CHUNK):
            part = out[row : row + rows, block : block + _CHUNK]
            _fill(part, keys[row : row + rows], block, stream)
    return out.reshape(len(keys), blocks * 4)[:, :size].reshape(len(keys), *shape)


def seed_range(seed: int, count: int) -> list[int]:
    """The seeds `seed + i mod 2^64` for i in 0 .. count - 1."""
    first = check_seed(seed)
    return [(first + index) % 2**64 for index in range(count)]


def check_seed(seed: object) -> int:
    """`seed` as a plain int; raises `RequestError` unless it is an integer in 0 .. 2^64 - 1."""
    return check_integer("seed", seed, 0, 2**64 - 1)


def check_integer(place: str, value: object, low: int, high: int) -> int:
    """`value` as a plain int in `low` .. `high`; raises `RequestError` for anything else."""
    if type(value) is int and low <= value <= high:  # nearly all, and so the fast way
        return value
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise _bad_integer(place, value, low, high)
    number = operator.index(cast(SupportsIndex, value))
    if not low <= number <= high:
        raise _bad_integer(place, value, low, high)
    return number


def _fill(
    out: NDArray[np.float32], seeds: NDArray[np.uint64], first_block: int, stream: int
) -> None:
    radius, angle = uniform_midpoints(seeds, first_block, out.shape[1], stream)
    radius *= 2.0**-32
    np.log(radius, out=radius)
    radius *= -2.0
    np.sqrt(radius, out=radius)
    angle *= 2.0 * np.pi * 2.0**-32  # as exact as 2 pi times the fraction: one is a power of two
    pairs = out.transpose(2, 0, 1)
    np.multiply(radius, np.cos(angle), out=pairs[0::2])
    np.multiply(radius, np.sin(angle, out=angle), out=pairs[1::2])


def _checked_seeds(seeds: Sequence[int] | NDArray[np.uint64]) -> NDArray[np.uint64]:
    if isinstance(seeds, np.ndarray) and seeds.dtype == np.uint64 and seeds.ndim == 1:
        return seeds
    if isinstance(seeds, str | bytes) or not hasattr(seeds, "__iter__"):
        raise RequestError(
            "seeds",
            expected="a list of integers",
            found=type(seeds).__name__,
            fix="Give one seed per picture in a list.",
        )
    return np.array([check_seed(seed) for seed in seeds], np.uint64)


def _bad_integer(place: str, value: object, low: int, high: int) -> RequestError:
    return RequestError(
        place,
        expected=f"an integer from {low} to {high}",
        found=f"{type(value).__name__} {repr_short(value)}",
        fix="Give a whole number in that range.",
    )
