"""Distances against closed forms, and against the formulas written out."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from ganport_train.evaluation.metrics.distances import frechet, kernel


def exact_normal(count: int, size: int, seed: int = 0):
    """Features whose sample mean is 0 and whose sample covariance is the unit matrix."""
    random = np.random.default_rng(seed).standard_normal((count, size))
    basis, _ = np.linalg.qr(random - random.mean(axis=0))
    return basis * np.sqrt(count - 1)


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (2.0, 1.0), (0.0, 3.0), (0.5, 0.25)])
def test_frechet_of_two_gaussians_is_the_closed_form(shift: float, scale: float) -> None:
    size = 6
    one = exact_normal(200, size)
    other = shift + scale * exact_normal(150, size, seed=1)
    # |m|^2 + trace(I + s^2 I - 2 s I), Dowson and Landau 1982.
    expected = size * shift**2 + size * (1 - scale) ** 2
    found = frechet(one.astype(np.float32), other.astype(np.float32))
    assert found == pytest.approx(expected, abs=1e-4)


def test_frechet_is_the_formula_for_any_covariance() -> None:
    random = np.random.default_rng(3)
    one, other = (random.standard_normal((90, 5)) @ random.standard_normal((5, 5)) for _ in "ab")
    covariances = [np.cov(part, rowvar=False) for part in (one, other)]
    gap = one.mean(axis=0) - other.mean(axis=0)
    root = sqrtm(covariances[0] @ covariances[1]).real
    expected = gap @ gap + np.trace(covariances[0] + covariances[1] - 2 * root)
    found = frechet(one.astype(np.float32), other.astype(np.float32))
    assert found == pytest.approx(expected, rel=1e-4)


def naive_kernel(one, other) -> float:
    """Binkowski et al. 2018, equation 4: the unbiased estimate, pair by pair."""

    def k(x, y) -> float:
        return (x @ y / len(x) + 1) ** 3

    m = len(one)
    within = sum(
        k(part[i], part[j]) for part in (one, other) for i in range(m) for j in range(m) if i != j
    )
    across = sum(k(x, y) for x in one for y in other)
    return float(within / (m * (m - 1)) - 2 * across / m**2)


def test_kernel_is_the_unbiased_estimate() -> None:
    random = np.random.default_rng(0)
    one = random.standard_normal((25, 4))
    other = 0.5 + 2 * random.standard_normal((25, 4))
    found, _ = kernel(one.astype(np.float32), other.astype(np.float32), subsets=1, size=25)
    assert found == pytest.approx(naive_kernel(one, other), rel=1e-4)


def test_kernel_is_nought_on_average_between_samples_of_one_distribution() -> None:
    random = np.random.default_rng(1)
    found = [
        kernel(*random.standard_normal((2, 30, 4)).astype(np.float32), subsets=1)[0]
        for _ in range(200)
    ]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 3 * error
    assert error < 0.1


def test_subsets_are_as_many_as_there_are_and_their_seed_decides() -> None:
    random = np.random.default_rng(2)
    one, other = random.standard_normal((2, 40, 3)).astype(np.float32)
    few = other[:12]
    assert kernel(one, few, subsets=5, seed=1) == kernel(one, few, subsets=5, seed=1)
    assert kernel(one, few, subsets=5, seed=1) != kernel(one, few, subsets=5, seed=2)
