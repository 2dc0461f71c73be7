"""Noise follows Philox 4x32-10 and Box-Muller to the word, and to one unit in the last place."""

import numpy as np
import product
import pytest
from numpy.typing import NDArray

# From the contract: seed, words of block 0, first four normals.
KNOWN = [
    (
        0,
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
        (0.991137683, -0.92466259, -0.617608964, -0.482068598),
    ),
    (
        1,
        "e3e80670 e50a0ebc 95f222c0 b615aa27",
        (0.380400747, -0.296277881, -0.249233425, -1.00383723),
    ),
    (
        42,
        "9ceaf053 77f5493b 12bf50ad 5742b3d7",
        (-0.97018981, 0.19401896, -1.23562074, 1.92392671),
    ),
    (
        2**32,
        "fdde3e0b fa7e58b6 3380ec46 d8d55c4f",
        (0.12814565, -0.017424956, 1.02517724, -1.46835387),
    ),
    (
        2**64 - 1,
        "72a47709 15474739 9f41b01f 22799a5a",
        (1.09859574, 0.632302225, 0.645859957, 0.729511082),
    ),
]
# Random123's known answers for ten rounds: counter, key, words.
RANDOM123 = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", KNOWN[0][1]),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]
SEEDS = [0, 1, 42, 7**20, 2**32, 2**63, 2**64 - 1]


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Return the four words of a block, from the text of the contract."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 % 2**32, (p0 >> 32) ^ c3 ^ k1, p0 % 2**32
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return [c0, c1, c2, c3]


def expected(seed: int, count: int, stream: int = 0) -> NDArray[np.float32]:
    """Return the first normals of a seed, from the text of the contract."""
    numbers = []
    for block in range(-(-count // 4)):
        words = philox([block % 2**32, block >> 32, stream, 0], [seed % 2**32, seed >> 32])
        u = [(word + 0.5) * 2.0**-32 for word in words]
        for a, b in ((u[0], u[1]), (u[2], u[3])):
            radius, angle = np.sqrt(-2 * np.log(a)), 2 * np.pi * b
            numbers += [radius * np.cos(angle), radius * np.sin(angle)]
    return np.array(numbers[:count], np.float32)


def hexes(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "words"), RANDOM123)
def test_reference_known_answers_match(counter: str, key: str, words: str) -> None:
    assert philox(hexes(counter), hexes(key)) == hexes(words)


@pytest.mark.parametrize(("seed", "words", "numbers"), KNOWN)
def test_normals_known_seed_match_contract(
    seed: int, words: str, numbers: tuple[float, ...]
) -> None:
    assert philox([0] * 4, [seed % 2**32, seed >> 32]) == hexes(words)
    found = product.public("ganport_runtime.noise.normals")([seed], (4,))
    assert (found.shape, found.dtype) == ((1, 4), np.float32)
    np.testing.assert_array_max_ulp(found[0], np.array(numbers, np.float32), 1)


@pytest.mark.parametrize("shape", [(1,), (7,), (100,), (3, 8, 8)])
def test_normals_several_seeds_match_reference(shape: tuple[int, ...]) -> None:
    found = product.public("ganport_runtime.noise.normals")(SEEDS, shape)
    assert found.shape == (len(SEEDS), *shape)
    for row, seed in zip(found, SEEDS, strict=True):
        np.testing.assert_array_max_ulp(row.reshape(-1), expected(seed, row.size), 1)


def test_normals_alone_and_in_batch_are_equal() -> None:
    normals = product.public("ganport_runtime.noise.normals")
    batch = normals(SEEDS, (33,))
    for row, seed in zip(batch, SEEDS, strict=True):
        assert normals([seed], (33,))[0].tobytes() == row.tobytes()
    assert normals(SEEDS[::-1], (33,))[::-1].tobytes() == batch.tobytes()


def test_normals_other_stream_match_reference() -> None:
    found = product.public("ganport_runtime.noise.normals")([42], (8,), stream=3)
    np.testing.assert_array_max_ulp(found[0], expected(42, 8, stream=3), 1)


def test_consecutive_seeds_wrap_at_two_to_the_64() -> None:
    seeds = product.public("ganport_runtime.noise.consecutive")(2**64 - 2, 4)
    assert seeds == [2**64 - 2, 2**64 - 1, 0, 1]


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, True, "7", None])
def test_normals_no_uint64_is_refused(seed: object) -> None:
    with pytest.raises(product.public("ganport_runtime.RequestError")):
        product.public("ganport_runtime.noise.normals")([seed], (4,))
