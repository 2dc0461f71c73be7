"""Precision, recall, density and coverage against their definitions written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganport_train.evaluation.metrics.manifolds import density_coverage, precision_recall


def radii(features, k: int):
    """The distance of each to its k-th nearest other."""
    return [sorted(np.linalg.norm(features - row, axis=1))[k] for row in features]


def naive_precision_recall(generated, real, k: int) -> tuple[float, float]:
    def inside(points, centres) -> float:
        balls = list(zip(centres, radii(centres, k), strict=True))
        hits = [any(np.linalg.norm(p - c) <= r for c, r in balls) for p in points]
        return float(np.mean(hits))

    return inside(generated, real), inside(real, generated)


def naive_density_coverage(generated, real, k: int) -> tuple[float, float]:
    """As the authors' `prdc` computes them, ball by ball."""
    held = [
        sum(np.linalg.norm(g - c) < r for g in generated)
        for c, r in zip(real, radii(real, k), strict=True)
    ]
    return sum(held) / (k * len(generated)), float(np.mean([count > 0 for count in held]))


@given(
    st.integers(0, 2**32 - 1),
    st.integers(8, 30),
    st.integers(8, 30),
    st.floats(0.0, 2.0),
    st.integers(1, 5),
)
@settings(max_examples=25, deadline=None)
def test_all_four_are_what_their_papers_say(
    seed: int, drawn: int, there: int, shift: float, k: int
) -> None:
    random = np.random.default_rng(seed)
    generated = (random.standard_normal((drawn, 3)) + shift).astype(np.float32)
    real = random.standard_normal((there, 3)).astype(np.float32)
    wide = generated.astype(float), real.astype(float)
    assert precision_recall(generated, real, k=k) == pytest.approx(naive_precision_recall(*wide, k))
    assert density_coverage(generated, real, k=k) == pytest.approx(naive_density_coverage(*wide, k))


def test_samples_of_one_distribution_meet_the_expected_values() -> None:
    one, other = np.random.default_rng(0).standard_normal((2, 800, 2)).astype(np.float32)
    density, coverage = density_coverage(one, other, k=5)
    # Naeem et al. 2020, section 3.2: 1 and 1 - 2^-k.
    assert density == pytest.approx(1, abs=0.08)
    assert coverage == pytest.approx(1 - 2**-5, abs=0.03)


def test_one_picture_again_and_again_covers_hardly_anything() -> None:
    real = np.random.default_rng(1).standard_normal((100, 4)).astype(np.float32)
    generated = np.repeat(real[:1], 100, axis=0)
    precision, recall = precision_recall(generated, real)
    density, coverage = density_coverage(generated, real)
    assert precision == 1
    assert recall <= 0.01
    assert coverage < 0.2
    assert density >= 1


def test_small_differences_far_from_the_origin_are_seen() -> None:
    """Single-precision distances by matrix product would be noise here."""
    random = np.random.default_rng(2)
    near = random.standard_normal((2, 60, 8)) * 0.01
    one, other = (near + 100).astype(np.float32)
    found = *precision_recall(one, other), *density_coverage(one, other)
    shifted = [(part.astype(float) - 100).astype(np.float32) for part in (one, other)]
    assert found == pytest.approx((*precision_recall(*shifted), *density_coverage(*shifted)))


def test_few_pictures_have_fewer_neighbours() -> None:
    pair = np.array([[0.0], [1.0]], np.float32)
    assert precision_recall(pair, pair) == (1, 1)
    assert density_coverage(pair, pair, k=5)[1] == 1
