from typing import Any

import pytest

from ganport_train.evaluation.metrics import Metric
from ganport_train.evaluation.scores.evaluation import find_warnings, headline_keys


def metric(value: float, real: float | None = 1.0, title: str = "it") -> Metric:
    return Metric(title, "section", value, real=real, unit="%")


@pytest.mark.parametrize(
    ("key", "good", "bad", "real", "message"),
    [
        ("accuracy_hair", 0.9, 0.89, 1.0, "ignores part of its condition"),
        ("prompts_test", 0.9, 0.89, 1.0, "fails a prompt list"),
        ("changed", 0.45, 0.44, 0.9, "hardly changes its images"),
        ("kept", 0.9, 0.89, 1.0, "changes other labels"),
        ("spread_pixels", 0.5, 0.49, 1.0, "collapsed within a condition"),
        ("spread_features", 0.5, 0.49, 1.0, "collapsed within a condition"),
        ("judge_coverage", 0.48, 0.47, 0.96, "misses many real images"),
        ("grain_checker", 0.8, 0.79, 1.0, "blurred or grainy"),
        ("grain_octave", 1.3, 1.31, 1.0, "blurred or grainy"),
        ("near_duplicates", 0.07, 0.08, 0.02, "generates near-duplicates"),
        ("copied", 0.05, 0.06, 0.01, "copies training images"),
        # With few held-out images chance alone gives more.
        ("copied", 0.24, 0.26, 0.05, "copies training images"),
    ],
)
def test_find_warnings_starts_beyond_each_limit(
    key: str, good: float, bad: float, real: float, message: str
) -> None:
    assert find_warnings({key: metric(good, real)}, {}) == []
    (line,) = find_warnings({key: metric(bad, real)}, {})
    assert line == f"{message}: it {bad:.1%}, real images {real:.1%}"


def test_find_warnings_without_a_real_value_is_empty() -> None:
    assert find_warnings({"accuracy_hair": metric(0.0, None)}, {}) == []


def counted(value: float, count: int = 9) -> dict[str, Any]:
    return {"value": value, "count": count}


def label(generated: float, high: float, real: float, count: int = 9) -> dict[str, Any]:
    return {
        "generated": {"value": generated, "high": high, "count": count},
        "real": counted(real, count),
    }


def test_find_warnings_names_a_failing_label() -> None:
    labels = {
        "pink": label(0.1, 0.3, 0.9),
        "red": label(0.4, 0.6, 0.9),
        "blue": label(0.0, 0.0, 0.0),
        "gray": label(0.0, 0.0, 0.9, count=0),
    }
    part = {"real": counted(0.9), "labels": labels}
    assert find_warnings({"accuracy_hair": metric(0.95)}, {"hair": part}) == [
        "ignores a label: accuracy of hair pink 10.0%, real images 90.0%"
    ]


@pytest.mark.parametrize(
    ("real", "count", "weak"), [(0.9, 9, False), (0.899, 0, False), (0.899, 9, True)]
)
def test_find_warnings_names_a_weak_judge(real: float, count: int, weak: bool) -> None:
    lines = find_warnings({}, {"hair": {"real": counted(real, count), "labels": {}}})
    assert [line.startswith("a weak judge: accuracy of hair") for line in lines] == [True] * weak


def test_headline_keys_start_with_accuracy() -> None:
    keys = ["copied", "spread_pixels", "judge_kernel", "judge_recall", "accuracy_b", "accuracy_a"]
    keys += ["inception_frechet", "inception_kernel", "distance_ratio"]
    keys += [
        "back_levels",
        "moved_levels",
        "own_levels",
        "training_bits",
        "bits",
        "kept",
        "changed",
    ]
    assert headline_keys({key: metric(1) for key in keys}) == [
        "accuracy_b",
        "accuracy_a",
        "changed",
        "kept",
        "bits",
        "inception_kernel",
        "inception_frechet",
        "judge_kernel",
        "spread_pixels",
        "copied",
        "own_levels",
        "back_levels",
    ]
