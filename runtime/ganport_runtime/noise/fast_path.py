"""The noise of one seed, drawn in arrays that are made once and kept for the next.

A picture leaves the caches cold, and then what each function of numpy touches costs more than its
work: the ten rounds are integers of all blocks side by side, which touch little, and views of
every step are there before the first.
"""

from __future__ import annotations

from functools import lru_cache
from math import pi, prod

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.noise.philox import MULTIPLIERS, ROUNDS, WEYL

MAX_SIZE = 512
"""Numbers of a sample up to which this is faster than arrays of integers."""

_MASK = 2**32 - 1
# The low 32 bits of a float64 from 2^20 on count in steps of 2^-32: a word is there the fraction
# itself, and one subtraction, which is exact, leaves (word + 0.5) / 2^32.
_BITS_OF_2_20 = 0x4130000000000000
_ABOVE = np.array(2.0**20 - 2.0**-33)
_KEPT = 64


def normal_row(seed: int, shape: tuple[int, ...], stream: int = 0) -> NDArray[np.float32]:
    """Standard normal noise of a seed, float32 (1, *shape), of at most `MOST` numbers."""
    idle = _idle(shape, stream)
    try:
        single = idle.pop()  # from here on no other thread has it
    except IndexError:
        single = _Single(shape, stream)
    row = single.draw(seed)
    idle.append(single)
    return row


@lru_cache(_KEPT)
def _idle(shape: tuple[int, ...], stream: int) -> list[_Single]:
    """Those nobody draws with, as many in the end as threads have drawn at once."""
    return []


class _Single:
    """The noise of one seed after another, for one shape and stream."""

    def __init__(self, shape: tuple[int, ...], stream: int) -> None:
        size = prod(shape)
        blocks = -(-size // 4)
        self._set_lanes(blocks, stream)
        self._data = bytearray(32 * blocks)
        self._uniforms = np.frombuffer(self._data, "<f8")
        self._radii, self._angles = np.split(self._uniforms, 2)
        self._factors = np.repeat([-2.0, 2.0 * pi], 2 * blocks)
        waves = np.empty((2, 2 * blocks))
        self._cosines, self._sines = waves
        # Both pairs of a block after one another, and in each the cosine before the sine.
        self._pairs = waves.reshape(2, 2, blocks).T, self._radii.reshape(1, 2, blocks).T
        self._normals = np.empty((blocks, 2, 2))
        self._row = self._normals.reshape(-1)[:size].reshape(1, *shape)

    def _set_lanes(self, blocks: int, stream: int) -> None:
        """Lanes of 64 bits, one for each block: half of them words 0 or 1, the others 2 or 3."""
        ones = sum(1 << 64 * lane for lane in range(blocks))
        self._half = 64 * blocks
        self._ones, self._low = ones, (1 << self._half) - 1
        self._start = sum(lane << 64 * lane for lane in range(blocks)) | ones * stream << self._half
        self._mask = ones * _MASK | ones * _MASK << self._half
        self._weyl = ones * WEYL[0] | ones * WEYL[1] << self._half
        bits = ones * _BITS_OF_2_20
        self._bits = sum(bits << self._half * quarter for quarter in range(4))

    def draw(self, seed: int) -> NDArray[np.float32]:
        self._data[:] = self._words(seed)
        uniforms, radii, angles = self._uniforms, self._radii, self._angles
        np.subtract(uniforms, _ABOVE, uniforms)
        np.log(radii, radii)
        np.multiply(uniforms, self._factors, uniforms)
        np.sqrt(radii, radii)
        np.cos(angles, self._cosines)
        np.sin(angles, self._sines)
        np.multiply(*self._pairs, self._normals)
        return self._row.astype(np.float32)

    def _words(self, seed: int) -> bytes:
        """Words 0, 2, 1 and 3 of all blocks, as the low bits of float64 from 2^20 on."""
        half, low, mask, weyl = self._half, self._low, self._mask, self._weyl
        key = self._ones * (seed & _MASK) | self._ones * (seed >> 32) << half
        even, odd = self._start, 0
        for _ in range(ROUNDS):
            products = (even >> half) * MULTIPLIERS[1] | (even & low) * MULTIPLIERS[0] << half
            even, odd = (products >> 32 & mask) ^ odd ^ key, products & mask
            key = key + weyl & mask
        return (even | odd << 2 * half | self._bits).to_bytes(len(self._data), "little")
