"""Philox4x32-10: counters and keys to random words, in arrays.

Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011), section 3.3.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Words = tuple[NDArray[np.uint32], NDArray[np.uint32]]
"""Words 0 and 2 of each block, and words 1 and 3: they run through the same steps in pairs."""
Middles = tuple[NDArray[np.float64], NDArray[np.float64]]
"""The same in float64 with a half added to each, which is exact."""

ROUNDS = 10
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85

_MASK = 0xFFFFFFFF
_STEPS = np.arange(ROUNDS, dtype=np.uint32)[:, None] * np.array(WEYL, np.uint32)  # modulo 2^32
_LOW = 0 if sys.byteorder == "little" else 1


def philox4x32(
    counter: Sequence[NDArray[np.uint64]], key: Sequence[NDArray[np.uint64]]
) -> tuple[NDArray[np.uint32], ...]:
    """Ten Philox rounds: four counter and two key words (32 bits each, held in uint64 arrays that
    broadcast) to four output words."""
    c0, c1, c2, c3, k0, k1 = np.broadcast_arrays(*counter, *key)
    odd, keys = np.array((c1, c3), np.uint32), np.array((k0, k1), np.uint32)
    even, odd = _rounds(np.array((c0, c2), np.uint64), odd, keys)
    return even[0], odd[0], even[1], odd[1]


def uniform_midpoints(seeds: NDArray[np.uint64], first: int, blocks: int, stream: int) -> Middles:
    """Blocks `first` .. `first + blocks - 1` of each seed, each array (2, len(seeds), blocks)."""
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
    multipliers = np.array(MULTIPLIERS, np.uint64).reshape(column)
    words, _ = _halves(even)
    products = np.empty((2, *even.shape), np.uint64)
    # By turns, because the low half of one product is still needed when the next is made.
    lows, highs = _halves(products)
    turns = [*zip(products, lows[:, ::-1], highs[:, ::-1], strict=True)] * (ROUNDS // 2)
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
