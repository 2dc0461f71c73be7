"""Philox4x32-10: counters and keys to random words, in arrays for many and in integers for few.

Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011), section 3.3.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Words = tuple[NDArray[np.uint32], NDArray[np.uint32]]
"""Words 0 and 2 of each block, and words 1 and 3: they run through the same steps in pairs."""
Middles = tuple[NDArray[np.float64], NDArray[np.float64]]
"""The same in float64 with a half added to each, which is exact."""

_ROUNDS = 10
_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_WEYL = 0x9E3779B9, 0xBB67AE85
_MASK = 0xFFFFFFFF
_STEPS = np.arange(_ROUNDS, dtype=np.uint32)[:, None] * np.array(_WEYL, np.uint32)  # modulo 2^32
_BITS_OF_2_52 = 0x4330000000000000  # as float64
_LOW = 0 if sys.byteorder == "little" else 1
# Up to here the calls of numpy cost more than arithmetic on long integers.
_FEW_BLOCKS = 128


def philox4x32(
    counter: Sequence[NDArray[np.uint64]], key: Sequence[NDArray[np.uint64]]
) -> tuple[NDArray[np.uint32], ...]:
    """Ten Philox rounds: four counter and two key words (32 bits each, held in uint64 arrays that
    broadcast) to four output words."""
    c0, c1, c2, c3, k0, k1 = np.broadcast_arrays(*counter, *key)
    odd, keys = np.array((c1, c3), np.uint32), np.array((k0, k1), np.uint32)
    even, odd = _rounds(np.array((c0, c2), np.uint64), odd, keys)
    return even[0], odd[0], even[1], odd[1]


def middles_of(seeds: NDArray[np.uint64], first: int, blocks: int, stream: int) -> Middles:
    """Blocks `first` .. `first + blocks - 1` of each seed, each array (2, len(seeds), blocks)."""
    if len(seeds) == 1 and first == 0 and blocks <= _FEW_BLOCKS:
        return _middles_of_one(int(seeds[0]), blocks, stream)
    block = np.arange(first, first + blocks, dtype=np.uint64)
    even = np.empty((2, len(seeds), blocks), np.uint64)
    even[0], even[1] = block & np.uint64(_MASK), stream
    odd = np.zeros((2, 1, blocks), np.uint32)
    odd[0] = block >> np.uint64(32)
    key = np.array((seeds & np.uint64(_MASK), seeds >> np.uint64(32)), np.uint32)
    words, others = _rounds(even, odd, key[..., None])
    return np.add(words, 0.5, dtype=np.float64), np.add(others, 0.5, dtype=np.float64)


def _rounds(even: NDArray[np.uint64], odd: NDArray[np.uint32], key: NDArray[np.uint32]) -> Words:
    """Ten rounds on words 0 and 2, (2, ...), written over, and on words 1 and 3, under both keys.

    All halves of the 64-bit products are views: no shift, no mask, no copy.
    """
    column = (2,) + (1,) * (even.ndim - 1)
    multipliers = np.array(_MULTIPLIERS, np.uint64).reshape(column)
    words, _ = _halves(even)
    products = np.empty((2, *even.shape), np.uint64)
    # By turns, because the low half of one product is still needed when the next is made.
    lows, highs = _halves(products)
    turns = [*zip(products, lows[:, ::-1], highs[:, ::-1], strict=True)] * (_ROUNDS // 2)
    for step_key, (product, low, high) in zip(
        _STEPS.reshape(-1, *column) + key, turns, strict=True
    ):
        np.multiply(even, multipliers, out=product)
        np.bitwise_xor(high, odd, out=words)
        np.bitwise_xor(words, step_key, out=words)
        odd = low
    return words, odd


def _halves(numbers: NDArray[np.uint64]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Views of the low and of the high 32 bits of 64-bit numbers."""
    halves = numbers.view(np.uint32)
    return halves[..., _LOW::2], halves[..., 1 - _LOW :: 2]


def _middles_of_one(seed: int, blocks: int, stream: int) -> Middles:
    """The same for one seed, with all its blocks side by side in integers, 64 bits each.

    As the low bits of a float64 from 2^52 on, where neighbours are 1 apart, a word needs no
    conversion: numpy's takes as long as all ten rounds when a picture has left the caches cold.
    """
    ones, block = _lanes(blocks)
    mask = ones * _MASK
    k0, k1 = seed & _MASK, seed >> 32
    x0, x1, x2, x3 = block, 0, ones * stream, 0
    for _ in range(_ROUNDS):
        p0, p2 = x0 * _MULTIPLIERS[0], x2 * _MULTIPLIERS[1]
        x0, x2 = (p2 >> 32 & mask) ^ x1 ^ ones * k0, (p0 >> 32 & mask) ^ x3 ^ ones * k1
        x1, x3 = p2 & mask, p0 & mask
        k0, k1 = k0 + _WEYL[0] & _MASK, k1 + _WEYL[1] & _MASK
    above = ones * _BITS_OF_2_52
    lanes = [x0 | above, x2 | above, x1 | above, x3 | above]
    data = b"".join([lane.to_bytes(8 * blocks, "little") for lane in lanes])
    even, odd = np.frombuffer(data, "<f8").reshape(2, 2, 1, blocks) - (2.0**52 - 0.5)
    return even, odd


@lru_cache(_FEW_BLOCKS)
def _lanes(blocks: int) -> tuple[int, int]:
    """1 in each of that many lanes of 64 bits, and the number of each lane in it."""
    ones = sum(1 << 64 * lane for lane in range(blocks))
    return ones, sum(lane << 64 * lane for lane in range(blocks))
