import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.errors import RequestError
from ganport_runtime.generation.interpolation import linear, spherical
from ganport_runtime.noise import normals

SEEDS = st.integers(0, 2**64 - 1)


def test_spherical_quarter_turn_has_a_linear_length() -> None:
    between = spherical(np.float32([1, 0]), np.float32([0, 1]), [0, 1 / 3, 0.5, 1])
    root = np.sqrt(0.75)
    expected = [[1, 0], [root, 0.5], [np.sqrt(0.5), np.sqrt(0.5)], [0, 1]]
    np.testing.assert_allclose(between, expected, atol=1e-6)
    between = spherical(np.float32([2, 0]), np.float32([0, 4]), [0.5])
    np.testing.assert_allclose(between, [[3 * np.sqrt(0.5)] * 2], rtol=1e-6)


@given(SEEDS, SEEDS, st.sampled_from([(4,), (64,), (3, 8, 8)]))
def test_spherical_ends_are_exact_and_lengths_bounded(
    first: int, second: int, shape: tuple[int, ...]
) -> None:
    one, two = normals([first, second], shape)
    between = spherical(one, two, np.linspace(0, 1, 9).tolist())
    assert between.dtype == np.float32
    assert between.shape == (9, *shape)
    assert np.array_equal(between[0], one)
    assert np.array_equal(between[-1], two)
    lengths = np.linalg.norm(between.reshape(9, -1), axis=1)
    np.testing.assert_allclose(lengths, np.linspace(lengths[0], lengths[-1], 9), rtol=1e-4)


@pytest.mark.parametrize(
    ("first", "second", "middle"),
    [([1, 1], [1, 1], [1, 1]), ([1, 1], [3, 3], [2, 2]), ([0, 0], [2, 4], [1, 2])],
)
def test_spherical_of_collinear_samples_is_linear(
    first: list[float], second: list[float], middle: list[float]
) -> None:
    between = spherical(np.float32(first), np.float32(second), [0.5])
    np.testing.assert_allclose(between, [middle], rtol=1e-6)


@given(SEEDS, SEEDS)
def test_linear_is_the_weighted_mean(first: int, second: int) -> None:
    one, two = normals([first, second], (3, 4, 4))
    between = linear(one, two, [0.0, 0.25, 0.5, 1.0])
    assert between.dtype == np.float32
    assert np.array_equal(between[0], one)
    assert np.array_equal(between[-1], two)
    # Normals reach 6, where float32 numbers are 5e-7 apart, and each side rounds three times.
    np.testing.assert_allclose(between[1], 0.75 * one + 0.25 * two, atol=4e-6)
    np.testing.assert_allclose(between[2], (one + two) / 2, atol=4e-6)


def test_interpolation_of_different_shapes_is_a_request_error() -> None:
    with pytest.raises(RequestError, match="two samples of one shape"):
        spherical(np.zeros(3, np.float32), np.zeros(4, np.float32), [0.5])
