import threading
from concurrent.futures import ThreadPoolExecutor
from math import cos, log, pi, sin, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.noise import fast_path, normals
from ganport_runtime.noise.fast_path import MAX_SIZE, normal_row
from ganport_runtime.noise.philox import philox4x32

SEEDS = st.integers(0, 2**64 - 1)
STREAMS = st.integers(0, 2**32 - 1)


@given(SEEDS, SEEDS, st.integers(1, MAX_SIZE), STREAMS)
def test_one_seed_has_what_it_has_among_others(
    seed: int, other: int, size: int, stream: int
) -> None:
    # One seed goes through long integers, two through arrays.
    among = normals([other, seed], (size,), stream)
    assert normal_row(seed, (size,), stream).tobytes() == among[1].tobytes()


@given(SEEDS, STREAMS)
def test_words_in_float64_by_the_formula(seed: int, stream: int) -> None:
    drawn = normal_row(seed, (8,), stream)[0]
    for block in (0, 1):
        counter = [np.array(word, np.uint64) for word in (block, 0, stream, 0)]
        key = [np.array(half, np.uint64) for half in (seed % 2**32, seed >> 32)]
        u = [(int(word) + 0.5) / 2**32 for word in philox4x32(counter, key)]
        expected = [
            sqrt(-2 * log(u[pair])) * wave(2 * pi * u[pair + 1])
            for pair in (0, 2)
            for wave in (cos, sin)
        ]
        found = drawn[4 * block : 4 * block + 4]
        np.testing.assert_array_max_ulp(found, np.array(expected, np.float32), 1)


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (2, 4, 8), (MAX_SIZE,)])
def test_a_row_of_any_shape(shape: tuple[int, ...]) -> None:
    row = normal_row(2**64 - 1, shape)
    assert (row.shape, row.dtype, row.flags.c_contiguous) == ((1, *shape), np.float32, True)
    assert row.tobytes() == normals([2**64 - 1, 0], shape)[0].tobytes()


def test_a_row_is_the_callers_own() -> None:
    first = normal_row(1, (6,))
    copy = first.copy()
    second = normal_row(2, (6,))
    first[:] = 0
    assert np.array_equal(normal_row(1, (6,)), copy)
    assert np.array_equal(normal_row(2, (6,)), second)


def test_threads_do_not_share_arrays() -> None:
    seeds = [*range(400)]
    expected = normals(seeds, (77,))
    together = threading.Barrier(4, timeout=30)

    def draw(start: int) -> bool:
        together.wait()
        own = seeds[start::4]
        return all(np.array_equal(normal_row(seed, (77,))[0], expected[seed]) for seed in own)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(draw, range(4)))
    assert 1 <= len(fast_path._idle((77,), 0)) <= 4


def test_what_is_kept_is_bounded() -> None:
    for size in range(1, 200):
        normal_row(0, (size,))
    info = fast_path._idle.cache_info()
    assert info.currsize == info.maxsize
