import numpy as np
import pytest

from ganport_runtime.conditions import Conditions
from ganport_train.evaluation.scores.quality import (
    MAX_LABEL_IMAGES,
    MIN_LABEL_IMAGES,
    Reference,
    label_metrics,
    quality_metrics,
)

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
