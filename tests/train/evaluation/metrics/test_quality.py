import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from ganport_runtime.conditions import Conditions
from ganport_train.evaluation.metrics.quality import (
    MAX_LABEL_IMAGES,
    MIN_LABEL_IMAGES,
    Reference,
    density_coverage,
    frechet_distance,
    kernel_distance,
    label_metrics,
    precision_recall,
    quality_metrics,
)


def exact_normal(count: int, size: int, seed: int = 0):
    """Return features with a sample mean of 0 and a unit sample covariance."""
    random = np.random.default_rng(seed).standard_normal((count, size))
    basis, _ = np.linalg.qr(random - random.mean(axis=0))
    return basis * np.sqrt(count - 1)


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (2.0, 1.0), (0.0, 3.0), (0.5, 0.25)])
def test_frechet_distance_of_gaussians_equals_the_closed_form(shift: float, scale: float) -> None:
    size = 6
    one = exact_normal(200, size)
    other = shift + scale * exact_normal(150, size, seed=1)
    # |m|^2 + trace(I + s^2 I - 2 s I), Dowson and Landau 1982.
    expected = size * shift**2 + size * (1 - scale) ** 2
    found = frechet_distance(one.astype(np.float32), other.astype(np.float32))
    assert found == pytest.approx(expected, abs=1e-4)


def test_frechet_distance_equals_its_formula() -> None:
    random = np.random.default_rng(3)
    one, other = (random.standard_normal((90, 5)) @ random.standard_normal((5, 5)) for _ in "ab")
    covariances = [np.cov(part, rowvar=False) for part in (one, other)]
    gap = one.mean(axis=0) - other.mean(axis=0)
    root = sqrtm(covariances[0] @ covariances[1]).real
    expected = gap @ gap + np.trace(covariances[0] + covariances[1] - 2 * root)
    found = frechet_distance(one.astype(np.float32), other.astype(np.float32))
    assert found == pytest.approx(expected, rel=1e-4)


def naive_kernel_distance(one, other) -> float:
    """Binkowski et al. 2018, equation 4: the unbiased estimate, pair by pair."""

    def k(x, y) -> float:
        return (x @ y / len(x) + 1) ** 3

    m = len(one)
    within = sum(
        k(part[i], part[j]) for part in (one, other) for i in range(m) for j in range(m) if i != j
    )
    across = sum(k(x, y) for x in one for y in other)
    return float(within / (m * (m - 1)) - 2 * across / m**2)


def test_kernel_distance_equals_the_unbiased_estimate() -> None:
    random = np.random.default_rng(0)
    one = random.standard_normal((25, 4))
    other = 0.5 + 2 * random.standard_normal((25, 4))
    found = kernel_distance(one.astype(np.float32), other.astype(np.float32), subsets=1, size=25)
    assert found == pytest.approx(naive_kernel_distance(one, other), rel=1e-4)


def test_kernel_distance_of_one_distribution_is_0_on_average() -> None:
    random = np.random.default_rng(1)
    found = [
        kernel_distance(*random.standard_normal((2, 30, 4)).astype(np.float32), subsets=1)
        for _ in range(200)
    ]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 3 * error
    assert error < 0.1


def test_kernel_distance_subsets_depend_on_the_seed() -> None:
    random = np.random.default_rng(2)
    one, other = random.standard_normal((2, 40, 3)).astype(np.float32)
    few = other[:12]
    assert kernel_distance(one, few, subsets=5, seed=1) == kernel_distance(
        one, few, subsets=5, seed=1
    )
    assert kernel_distance(one, few, subsets=5, seed=1) != kernel_distance(
        one, few, subsets=5, seed=2
    )


def radii(features, k: int):
    """Return the distance of each row to its k-th neighbor."""
    return [sorted(np.linalg.norm(features - row, axis=1))[k] for row in features]


def naive_precision_recall(generated, real, k: int) -> tuple[float, float]:
    def inside(points, centers) -> float:
        balls = list(zip(centers, radii(centers, k), strict=True))
        hits = [any(np.linalg.norm(p - c) <= r for c, r in balls) for p in points]
        return float(np.mean(hits))

    return inside(generated, real), inside(real, generated)


def naive_density_coverage(generated, real, k: int) -> tuple[float, float]:
    """Return what the authors' `prdc` computes, ball by ball."""
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
@settings(max_examples=25)
def test_manifold_metrics_equal_their_definitions(
    seed: int, count: int, real_count: int, shift: float, k: int
) -> None:
    random = np.random.default_rng(seed)
    generated = (random.standard_normal((count, 3)) + shift).astype(np.float32)
    real = random.standard_normal((real_count, 3)).astype(np.float32)
    wide = generated.astype(float), real.astype(float)
    assert precision_recall(generated, real, k=k) == pytest.approx(naive_precision_recall(*wide, k))
    assert density_coverage(generated, real, k=k) == pytest.approx(naive_density_coverage(*wide, k))


def test_density_coverage_of_one_distribution_has_the_expected_values() -> None:
    one, other = np.random.default_rng(0).standard_normal((2, 800, 2)).astype(np.float32)
    density, coverage = density_coverage(one, other, k=5)
    # Naeem et al. 2020, section 3.2: 1 and 1 - 2^-k.
    assert density == pytest.approx(1, abs=0.08)
    assert coverage == pytest.approx(1 - 2**-5, abs=0.03)


def test_manifold_metrics_of_one_repeated_image_show_low_coverage() -> None:
    real = np.random.default_rng(1).standard_normal((100, 4)).astype(np.float32)
    generated = np.repeat(real[:1], 100, axis=0)
    precision, recall = precision_recall(generated, real)
    density, coverage = density_coverage(generated, real)
    assert precision == 1
    assert recall <= 0.01
    assert coverage < 0.2
    assert density >= 1


def test_manifold_metrics_far_from_the_origin_keep_precision() -> None:
    """float32 distances by matrix product would be noise here."""
    random = np.random.default_rng(2)
    near = random.standard_normal((2, 60, 8)) * 0.01
    one, other = (near + 100).astype(np.float32)
    found = *precision_recall(one, other), *density_coverage(one, other)
    shifted = [(part.astype(float) - 100).astype(np.float32) for part in (one, other)]
    assert found == pytest.approx((*precision_recall(*shifted), *density_coverage(*shifted)))


def test_manifold_metrics_of_two_images_use_one_neighbor() -> None:
    pair = np.array([[0.0], [1.0]], np.float32)
    assert precision_recall(pair, pair) == (1, 1)
    assert density_coverage(pair, pair, k=5)[1] == 1


HAIR = Conditions.one_hots({"hair": ["red", "blue", "pink"]})


def normal(count: int, seed: int, shift: float = 0.0):
    random = np.random.default_rng(seed)
    return (random.standard_normal((count, 6)) + shift).astype(np.float32)


def reference(count: int = 300, size: int = 100) -> Reference:
    return Reference.of(normal(count, 0), np.zeros((count, 0), np.float32), size, seed=0)


@pytest.mark.parametrize(("count", "size", "compared"), [(300, 100, 100), (300, 1000, 150)])
def test_reference_separates_baseline_and_others(count: int, size: int, compared: int) -> None:
    found = reference(count, size)
    assert not set(found.baseline) & set(found.others)
    assert len(found.baseline) + len(found.others) == count
    assert len(set(found.size_matched)) == compared
    assert set(found.size_matched) <= set(found.others)
    assert found.counts() == {
        "generated": compared,
        "real": count - compared,
        "size_matched": compared,
    }


def test_quality_metrics_of_shifted_features_are_worse() -> None:
    same, moved = (
        quality_metrics("judge", [normal(100, seed, shift) for seed in (1, 2, 3)], reference())
        for shift in (0.0, 2.0)
    )
    for name in ("judge_kernel", "judge_frechet"):
        assert moved[name].value > 5 * max(abs(same[name].value), abs(same[name].real or 0))
    for name in ("judge_precision", "judge_recall", "judge_density", "judge_coverage"):
        assert same[name].value == pytest.approx(same[name].real, abs=0.12)
        assert moved[name].value < 0.5 * same[name].value
    assert same["judge_coverage"].low is not None


def test_quality_metrics_of_sorted_features_use_all_conditions() -> None:
    halves = np.concatenate([normal(500, 1, -9), normal(500, 2, 9)])
    real = np.concatenate([normal(100, 3, -9), normal(100, 4, 9)])
    found = Reference.of(real, np.zeros((200, 0), np.float32), 1000, seed=0)
    coverage = quality_metrics("judge", [halves], found)["judge_coverage"]
    assert coverage.value > 0.85


def test_only_inception_metrics_are_named_fid_and_kid() -> None:
    features = [normal(50, 1)]
    ours, theirs = (quality_metrics(name, features, reference()) for name in ("judge", "inception"))
    assert [ours[f"judge_{key}"].title for key in ("kernel", "frechet")] == [
        "kernel distance x 1000",
        "feature distance",
    ]
    assert [theirs[f"inception_{key}"].title for key in ("kernel", "frechet")] == [
        "KID x 1000",
        "FID",
    ]
    assert all("KID" not in metric.title + metric.section for metric in ours.values())
    assert ours["judge_coverage"].value == theirs["inception_coverage"].value


def test_label_metrics_of_a_rare_label_are_none() -> None:
    requested = HAIR.encode_many([{"hair": hair} for hair in ["red"] * 30 + ["blue"] * 30])
    available = HAIR.encode_many(
        [{"hair": hair} for hair in ["red"] * 60 + ["blue"] * 60 + ["pink"] * MIN_LABEL_IMAGES]
    )
    real = Reference.of(normal(len(available), 0), available, 60, seed=0)
    rounds = [np.concatenate([normal(30, seed), normal(30, seed, 5)]) for seed in (1, 2)]
    red, blue, pink = label_metrics(HAIR, requested, rounds, real)
    assert (red["label"], red["generated"], red["real"]) == ("red", 60, 60)
    assert red["metrics"]["coverage"] > 0.8 > 0.1 > blue["metrics"]["coverage"]
    assert blue["metrics"]["kernel"] > 10 * abs(red["metrics"]["kernel"])
    assert red["metrics"]["spread"] == pytest.approx(1, abs=0.15)
    assert (pink["generated"], pink["real"]) == (0, MIN_LABEL_IMAGES)
    assert set(pink["metrics"].values()) == {None}


def test_label_metrics_of_a_frequent_label_use_a_limited_number() -> None:
    requested = HAIR.encode_many([{"hair": "red"}] * (MAX_LABEL_IMAGES + 50))
    real = Reference.of(normal(len(requested), 0), requested, 100, seed=0)
    red, *_ = label_metrics(HAIR, requested, [normal(len(requested), 1)], real)
    assert red["metrics"]["coverage"] == pytest.approx(1 - 2**-5, abs=0.03)
