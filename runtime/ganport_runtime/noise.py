"""Seed to noise: `philox4x32-10/box-muller-f64/1`, the same numbers in every language.

Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011), section 3.3, and the
Box-Muller transform in float64. `docs/interface.md` specifies the bytes.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from math import pi, prod
from numbers import Integral
from typing import SupportsIndex, cast

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import RequestError
from ganport_runtime.values import repr_short

MAX_SEEDS = 2**20
MAX_NUMBERS = 2**31
"""Numbers of noise in one call: 8 GiB."""
ALGORITHM = "philox4x32-10/box-muller-f64/1"

SeedArray = NDArray[np.uint64] | tuple[int]
"""Checked seeds; the tuple of a single seed avoids the cost of an array."""

_CHUNK = 8192  # blocks per step: the 64-bit temporaries stay in the second-level cache
_MAX_SINGLE_SIZE = 512  # numbers per sample up to which `_SingleSeedSampler` is faster
_MASK = 2**32 - 1
_OFFSET = np.array(2.0**20 - 2.0**-33)  # an array, since converting a float costs more

_Words = tuple[NDArray[np.uint32], NDArray[np.uint32]]
"""Words 0 and 2 of each block, and words 1 and 3."""

_ROUNDS = 10
_FACTORS = 0xD2511F53, 0xCD9E8D57
_WEYL = 0x9E3779B9, 0xBB67AE85

_ROUND_KEYS = np.arange(_ROUNDS, dtype=np.uint32)[:, None] * np.array(_WEYL, np.uint32)  # mod 2^32
_LOW_INDEX = 0 if sys.byteorder == "little" else 1


def normals(
    seeds: Sequence[int] | NDArray[np.uint64], shape: tuple[int, ...], stream: int = 0
) -> NDArray[np.float32]:
    """Return standard normal noise of each seed, float32 `(len(seeds), *shape)`.

    A row depends only on its seed, on `shape` in row-major order and on `stream` (0 to 2^32 - 1).
    Raises `RequestError` for a seed that is not a uint64, and for more than 2^20 seeds or 2^31
    numbers.
    """
    checked = _check_seeds(seeds)
    for length in shape:
        check_integer("noise shape", length, 1, 2**31)
    check_integer("stream", stream, 0, 2**32 - 1)
    check_integer("numbers of noise", len(checked) * prod(shape), 0, MAX_NUMBERS)
    return normal_rows(checked, shape, stream)


def normal_rows(seeds: SeedArray, shape: tuple[int, ...], stream: int = 0) -> NDArray[np.float32]:
    """Return `normals` of checked arguments."""
    size = prod(shape)
    if len(seeds) == 1 and size <= _MAX_SINGLE_SIZE:
        return _single_normal_row(int(seeds[0]), shape, stream)
    seeds = np.asarray(seeds, np.uint64)
    blocks = -(-size // 4)
    out = np.empty((len(seeds), blocks, 4), np.float32)
    rows = max(1, _CHUNK // blocks)
    for row in range(0, len(seeds), rows):
        for block in range(0, blocks, _CHUNK):
            part = out[row : row + rows, block : block + _CHUNK]
            _fill(part, seeds[row : row + rows], block, stream)
    return out.reshape(len(seeds), blocks * 4)[:, :size].reshape(len(seeds), *shape)


def seed_range(seed: int, count: int) -> list[int]:
    """Return the seeds `seed + i mod 2^64` for i in 0 .. count - 1."""
    first = check_seed(seed)
    return [(first + index) % 2**64 for index in range(count)]


def check_seed(seed: object) -> int:
    """Return `seed` as an int; raise `RequestError` unless it is an integer in 0 .. 2^64 - 1."""
    return check_integer("seed", seed, 0, 2**64 - 1)


def check_integer(place: str, value: object, low: int, high: int) -> int:
    """Return `value` as an int; raise `RequestError` unless it is an integer in `low` .. `high`."""
    if type(value) is int and low <= value <= high:  # the common case, without ABC lookups
        return value
    if not isinstance(value, bool) and isinstance(value, Integral):
        number = operator.index(cast(SupportsIndex, value))
        if low <= number <= high:
            return number
    raise RequestError(
        place,
        f"an integer from {low} to {high}",
        f"{type(value).__name__} {repr_short(value)}",
        "Give a whole number in that range.",
    )


def _check_seeds(seeds: Sequence[int] | NDArray[np.uint64]) -> NDArray[np.uint64]:
    if isinstance(seeds, np.ndarray) and seeds.dtype == np.uint64 and seeds.ndim == 1:
        return seeds
    if isinstance(seeds, str | bytes) or not hasattr(seeds, "__iter__"):
        fix = "Give a list with one seed for each image."
        raise RequestError("seeds", "a list of integers", type(seeds).__name__, fix)
    given = list(islice(seeds, MAX_SEEDS + 1))
    if len(given) > MAX_SEEDS:
        fix = "Request fewer at a time."
        raise RequestError("seeds", f"at most {MAX_SEEDS:,} seeds", "more", fix)
    return np.array([check_seed(seed) for seed in given], np.uint64)


def _fill(
    out: NDArray[np.float32], seeds: NDArray[np.uint64], first_block: int, stream: int
) -> None:
    """Fill `out`, float32 (seeds, blocks, 4), by the Box-Muller transform."""
    radius, angle = uniform_midpoints(seeds, first_block, out.shape[1], stream)
    radius *= 2.0**-32
    np.log(radius, out=radius)
    radius *= -2.0
    np.sqrt(radius, out=radius)
    angle *= 2.0 * np.pi * 2.0**-32  # exact: one of the factors is a power of two
    pairs = out.transpose(2, 0, 1)
    np.multiply(radius, np.cos(angle), out=pairs[0::2])
    np.multiply(radius, np.sin(angle, out=angle), out=pairs[1::2])


def _single_normal_row(seed: int, shape: tuple[int, ...], stream: int) -> NDArray[np.float32]:
    """Return the noise of one seed, float32 `(1, *shape)`."""
    pool = _sampler_pool(shape, stream)
    try:
        sampler = pool.pop()  # no other thread uses it now
    except IndexError:
        sampler = _SingleSeedSampler(shape, stream)
    row = sampler.sample(seed)
    pool.append(sampler)
    return row


@lru_cache(64)
def _sampler_pool(shape: tuple[int, ...], stream: int) -> list[_SingleSeedSampler]:
    """Return the idle samplers, at most as many as threads have sampled at once."""
    return []


class _SingleSeedSampler:
    """The noise of one seed at a time, in arrays that are allocated once.

    Caches are cold after inference, so NumPy calls dominate: the Philox rounds are therefore done
    on Python integers with one lane of 64 bits for each block, words 0 and 1 in the low half, words
    2 and 3 in the high half.
    """

    def __init__(self, shape: tuple[int, ...], stream: int) -> None:
        size = prod(shape)
        blocks = -(-size // 4)
        ones = sum(1 << 64 * lane for lane in range(blocks))
        self._ones = ones
        self._half = half = 64 * blocks
        self._counters = sum(lane << 64 * lane for lane in range(blocks)) | ones * stream << half
        self._low_words = ones * _MASK | ones * _MASK << half
        self._weyl = ones * _WEYL[0] | ones * _WEYL[1] << half
        # The low 32 bits of a float64 in [2^20, 2^20 + 1) are a fraction in units of 2^-32.
        exponent = ones * 0x4130000000000000
        self._exponents = sum(exponent << half * quarter for quarter in range(4))
        self._bytes = bytearray(32 * blocks)
        self._uniforms = np.frombuffer(self._bytes, "<f8")
        self._radii, self._angles = np.split(self._uniforms, 2)
        self._factors = np.repeat([-2.0, 2.0 * pi], 2 * blocks)
        waves = np.empty((2, 2 * blocks))
        self._cosines, self._sines = waves
        # Views in output order: both pairs of a block, cosine before sine.
        self._pairs = waves.reshape(2, 2, blocks).T, self._radii.reshape(1, 2, blocks).T
        self._normals = np.empty((blocks, 2, 2))
        self._row = self._normals.reshape(-1)[:size].reshape(1, *shape)

    def sample(self, seed: int) -> NDArray[np.float32]:
        self._bytes[:] = self._philox(seed).to_bytes(len(self._bytes), "little")
        np.subtract(self._uniforms, _OFFSET, self._uniforms)  # (word + 0.5) / 2^32
        np.log(self._radii, self._radii)
        np.multiply(self._uniforms, self._factors, self._uniforms)
        np.sqrt(self._radii, self._radii)
        np.cos(self._angles, self._cosines)
        np.sin(self._angles, self._sines)
        np.multiply(*self._pairs, self._normals)
        return self._row.astype(np.float32)

    def _philox(self, seed: int) -> int:
        """Return words 0, 2, 1, 3 of all blocks as float64 bits in [2^20, 2^20 + 1)."""
        half, low_words = self._half, self._low_words
        low_half = (1 << half) - 1
        key = self._ones * (seed & _MASK) | self._ones * (seed >> 32) << half
        even, odd = self._counters, 0
        for _ in range(_ROUNDS):
            products = (even >> half) * _FACTORS[1] | (even & low_half) * _FACTORS[0] << half
            even, odd = (products >> 32 & low_words) ^ odd ^ key, products & low_words
            key = key + self._weyl & low_words
        return even | odd << 2 * half | self._exponents


def philox4x32(
    counter: Sequence[NDArray[np.uint64]], key: Sequence[NDArray[np.uint64]]
) -> tuple[NDArray[np.uint32], ...]:
    """Return the four output words of four counter and two key words.

    Each word has 32 bits and is held in a uint64 array; the arrays broadcast.
    """
    c0, c1, c2, c3, k0, k1 = np.broadcast_arrays(*counter, *key)
    odd, keys = np.array((c1, c3), np.uint32), np.array((k0, k1), np.uint32)
    even, odd = _run_rounds(np.array((c0, c2), np.uint64), odd, keys)
    return even[0], odd[0], even[1], odd[1]


def uniform_midpoints(
    seeds: NDArray[np.uint64], first_block: int, blocks: int, stream: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the words of consecutive blocks of each seed, plus 0.5, which is exact.

    The arrays are float64 (2, len(seeds), blocks): words 0 and 2, and words 1 and 3.
    """
    block = np.arange(first_block, first_block + blocks, dtype=np.uint64)
    even = np.empty((2, len(seeds), blocks), np.uint64)
    even[0], even[1] = block & np.uint64(_MASK), stream
    odd = np.zeros((2, 1, blocks), np.uint32)
    odd[0] = block >> np.uint64(32)
    key = np.array((seeds & np.uint64(_MASK), seeds >> np.uint64(32)), np.uint32)
    even_words, odd_words = _run_rounds(even, odd, key[..., None])
    return np.add(even_words, 0.5, dtype=np.float64), np.add(odd_words, 0.5, dtype=np.float64)


def _run_rounds(
    even: NDArray[np.uint64], odd: NDArray[np.uint32], key: NDArray[np.uint32]
) -> _Words:
    """Run ten rounds on words 0 and 2, (2, ...), which are overwritten, and on words 1 and 3.

    The halves of the 64-bit products are views: no shift, mask or copy is needed.
    """
    column = (2,) + (1,) * (even.ndim - 1)
    multipliers = np.array(_FACTORS, np.uint64).reshape(column)
    words, _ = _split_halves(even)
    # Two product arrays alternate: the low half of one is still read while the next is written.
    products = np.empty((2, *even.shape), np.uint64)
    lows, highs = _split_halves(products)
    buffers = [*zip(products, lows[:, ::-1], highs[:, ::-1], strict=True)] * (_ROUNDS // 2)
    round_keys = _ROUND_KEYS.reshape(-1, *column) + key
    for round_key, (product, low, high) in zip(round_keys, buffers, strict=True):
        np.multiply(even, multipliers, out=product)
        np.bitwise_xor(high, odd, out=words)
        np.bitwise_xor(words, round_key, out=words)
        odd = low
    return words, odd


def _split_halves(numbers: NDArray[np.uint64]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return views of the low and the high 32 bits of 64-bit numbers."""
    halves = numbers.view(np.uint32)
    return halves[..., _LOW_INDEX::2], halves[..., 1 - _LOW_INDEX :: 2]
