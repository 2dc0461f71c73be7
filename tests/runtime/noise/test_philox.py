import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.noise.normals import philox4x32, uniform_midpoints

SEEDS = st.integers(0, 2**64 - 1)
STREAMS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(0, 2**64 - 4), STREAMS)
def test_block_counter_has_64_bits(seed: int, first: int, stream: int) -> None:
    even, odd = uniform_midpoints(np.array([seed], np.uint64), first, 3, stream)
    for index in range(3):
        low, high = (first + index) % 2**32, (first + index) >> 32
        counter = [np.array(word, np.uint64) for word in (low, high, stream, 0)]
        key = [np.array(half, np.uint64) for half in (seed % 2**32, seed >> 32)]
        expected = [int(word) for word in philox4x32(counter, key)]
        assert [x[pair, 0, index] - 0.5 for pair in (0, 1) for x in (even, odd)] == expected
