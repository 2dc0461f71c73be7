import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from math import cos, log, pi, sin, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.errors import RequestError
from ganport_runtime.noise import normals, philox4x32, seed_range, uniform_midpoints

SEEDS = st.integers(0, 2**64 - 1)
STREAMS = st.integers(0, 2**32 - 1)
SHAPES = st.lists(st.integers(1, 7), max_size=3).map(tuple)

# From the contract: the words of block 0 and the first four normals of a seed.
KNOWN = {
    0: ("6627e8d5 e169c58d bc57ac4c 9b00dbd8", "3f7dbb33 bf6cb6b0 bf1e1b9f bef6d1b2"),
    1: ("e3e80670 e50a0ebc 95f222c0 b615aa27", "3ec2c3e3 be97b1bc be7f370c bf807dbd"),
    42: ("9ceaf053 77f5493b 12bf50ad 5742b3d7", "bf785e5c 3e46ace8 bf9e28d2 3ff6433b"),
    2**32: ("fdde3e0b fa7e58b6 3380ec46 d8d55c4f", "3e03389d bc8ebec8 3f833902 bfbbf305"),
    2**64 - 1: ("72a47709 15474739 9f41b01f 22799a5a", "3f8c9ec9 3f21de8f 3f255714 3f3ac13d"),
}
# Random123's kat_vectors for philox4x32, 10 rounds: counter, key, result.
RANDOM123 = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", KNOWN[0][0]),
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


def words(text: str) -> list[np.ndarray]:
    return [np.array([int(word, 16)], np.uint64) for word in text.split()]


def philox(counter: str, key: str) -> str:
    return " ".join(f"{int(word[0]):08x}" for word in philox4x32(words(counter), words(key)))


@pytest.mark.parametrize(("counter", "key", "result"), RANDOM123)
def test_philox_matches_the_answers_of_random123(counter: str, key: str, result: str) -> None:
    assert philox(counter, key) == result


@pytest.mark.parametrize("seed", KNOWN)
def test_words_and_normals_match_the_contract(seed: int) -> None:
    key = f"{seed % 2**32:08x} {seed >> 32:08x}"
    assert philox(RANDOM123[0][0], key) == KNOWN[seed][0]
    first = normals([seed], (4,))[0]
    expected = np.array([int(bits, 16) for bits in KNOWN[seed][1].split()], np.uint32)
    np.testing.assert_array_max_ulp(first, expected.view(np.float32), 1)


def test_hundred_normals_of_seed_42_have_the_recorded_digest() -> None:
    data = normals([42], (100,)).astype("<f4").tobytes()
    expected = "a0bbf9e597233b987833e791da6e2fc6d55cb530217aa6180df9f0202c6c5f95"
    assert hashlib.sha256(data).hexdigest() == expected


@given(st.lists(SEEDS, min_size=1, max_size=40), SHAPES, st.data())
def test_row_does_not_depend_on_the_batch(
    seeds: list[int], shape: tuple[int, ...], data: st.DataObject
) -> None:
    batch = normals(seeds, shape)
    row = data.draw(st.integers(0, len(seeds) - 1))
    assert batch.shape == (len(seeds), *shape)
    assert batch[row].tobytes() == normals([seeds[row]], shape)[0].tobytes()


@given(SEEDS, st.integers(1, 200), st.integers(1, 200))
def test_short_sample_is_a_prefix_of_a_long_one(seed: int, one: int, two: int) -> None:
    short, long = sorted((one, two))
    assert np.array_equal(normals([seed], (long,))[0, :short], normals([seed], (short,))[0])


def test_long_samples_have_the_same_numbers_as_short_ones() -> None:
    # 40,000 numbers are more blocks than one step computes.
    long = normals([3, 4], (40_000,))
    assert np.array_equal(long[1, :4096], normals([4], (4096,))[0])
    assert abs(float(long.mean())) < 0.02
    assert abs(float(long.std()) - 1) < 0.02


def test_other_stream_gives_other_numbers() -> None:
    assert not np.array_equal(normals([7], (8,), stream=1), normals([7], (8,)))


def test_normals_accepts_a_uint64_array() -> None:
    seeds = np.array([0, 2**64 - 1], np.uint64)
    assert np.array_equal(normals(seeds, (5,)), normals([0, 2**64 - 1], (5,)))


def test_normals_of_no_seeds_has_no_rows() -> None:
    assert normals([], (3,)).shape == (0, 3)


@pytest.mark.parametrize("seed", [-1, 2**64, True, 1.0, "7", None, np.float32(3), np.True_])
def test_seed_outside_uint64_is_a_request_error(seed: object) -> None:
    with pytest.raises(RequestError, match="seed"):
        normals([seed], (4,))  # type: ignore[list-item]
    with pytest.raises(RequestError, match="seed"):
        seed_range(seed, 2)  # type: ignore[arg-type]


@pytest.mark.parametrize("seeds", [7, "78", None])
def test_seeds_without_a_list_are_a_request_error(seeds: object) -> None:
    with pytest.raises(RequestError, match="seeds"):
        normals(seeds, (4,))  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(0,), (-1, 2), (2.0,)])
def test_empty_shape_is_a_request_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(RequestError, match="noise shape"):
        normals([1], shape)


def test_seed_range_wraps_around() -> None:
    assert seed_range(2**64 - 2, 4) == [2**64 - 2, 2**64 - 1, 0, 1]


@given(SEEDS, SEEDS, st.integers(1, 600), STREAMS)
def test_single_seed_has_the_bytes_of_a_batch(
    seed: int, other: int, size: int, stream: int
) -> None:
    # A small sample of one seed is computed with Python integers, a batch with arrays.
    batch = normals([other, seed], (size,), stream)
    assert normals([seed], (size,), stream).tobytes() == batch[1].tobytes()


@given(SEEDS, STREAMS)
def test_normals_follow_the_box_muller_formula(seed: int, stream: int) -> None:
    row = normals([seed], (8,), stream)[0]
    for block in (0, 1):
        counter = [np.array(word, np.uint64) for word in (block, 0, stream, 0)]
        key = [np.array(half, np.uint64) for half in (seed % 2**32, seed >> 32)]
        u = [(int(word) + 0.5) / 2**32 for word in philox4x32(counter, key)]
        expected = [
            sqrt(-2 * log(u[pair])) * wave(2 * pi * u[pair + 1])
            for pair in (0, 2)
            for wave in (cos, sin)
        ]
        found = row[4 * block : 4 * block + 4]
        np.testing.assert_array_max_ulp(found, np.array(expected, np.float32), 1)


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (2, 4, 8), (512,)])
def test_single_seed_returns_a_contiguous_row_of_any_shape(shape: tuple[int, ...]) -> None:
    row = normals([2**64 - 1], shape)
    assert (row.shape, row.dtype, row.flags.c_contiguous) == ((1, *shape), np.float32, True)
    assert row.tobytes() == normals([2**64 - 1, 0], shape)[0].tobytes()


def test_returned_row_is_not_reused() -> None:
    first = normals([1], (6,))
    copy = first.copy()
    second = normals([2], (6,))
    first[:] = 0
    assert np.array_equal(normals([1], (6,)), copy)
    assert np.array_equal(normals([2], (6,)), second)


def test_threads_do_not_share_buffers() -> None:
    seeds = [*range(400)]
    expected = normals(seeds, (77,))
    barrier = threading.Barrier(4, timeout=30)

    def sample(start: int) -> bool:
        barrier.wait()
        own = seeds[start::4]
        return all(np.array_equal(normals([seed], (77,))[0], expected[seed]) for seed in own)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(sample, range(4)))


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        (range(10**11), "at most 1,048,576 seeds"),
        (range(10**30), "at most 1,048,576 seeds"),
        (iter(int, 1), "at most 1,048,576 seeds"),
        (range(2**20), "numbers of noise: expected an integer from 0 to 2147483648"),
    ],
    ids=["long", "longer than memory", "endless", "large"],
)
def test_normals_of_too_many_seeds_are_refused_at_once(seeds: Any, message: str) -> None:
    started = time.process_time()
    with pytest.raises(RequestError, match=message):
        normals(seeds, (2**14,))
    assert time.process_time() - started < 5


@given(SEEDS, st.integers(0, 2**64 - 4), STREAMS)
def test_block_counter_has_64_bits(seed: int, first: int, stream: int) -> None:
    even, odd = uniform_midpoints(np.array([seed], np.uint64), first, 3, stream)
    for index in range(3):
        low, high = (first + index) % 2**32, (first + index) >> 32
        counter = [np.array(word, np.uint64) for word in (low, high, stream, 0)]
        key = [np.array(half, np.uint64) for half in (seed % 2**32, seed >> 32)]
        expected = [int(word) for word in philox4x32(counter, key)]
        assert [x[pair, 0, index] - 0.5 for pair in (0, 1) for x in (even, odd)] == expected
