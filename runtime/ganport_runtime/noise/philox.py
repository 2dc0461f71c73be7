"""Philox4x32-10: counters and keys to random words, in arrays.

Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011), section 3.3.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Words = tuple[NDArray[np.uint32], NDArray[np.uint32]]
"""Words 0 and 2 of each block, and words 1 and 3."""

ROUNDS = 10
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85

_MASK = 0xFFFFFFFF
_ROUND_KEYS = np.arange(ROUNDS, dtype=np.uint32)[:, None] * np.array(WEYL, np.uint32)  # mod 2^32
_LOW_INDEX = 0 if sys.byteorder == "little" else 1


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
) -> Words:
    """Run ten rounds on words 0 and 2, (2, ...), which are overwritten, and on words 1 and 3.

    The halves of the 64-bit products are views: no shift, mask or copy is needed.
    """
    column = (2,) + (1,) * (even.ndim - 1)
    multipliers = np.array(MULTIPLIERS, np.uint64).reshape(column)
    words, _ = _split_halves(even)
    # Two product arrays alternate: the low half of one is still read while the next is written.
    products = np.empty((2, *even.shape), np.uint64)
    lows, highs = _split_halves(products)
    buffers = [*zip(products, lows[:, ::-1], highs[:, ::-1], strict=True)] * (ROUNDS // 2)
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
