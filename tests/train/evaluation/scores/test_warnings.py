"""Which figures give cause to worry, at their very limits."""

from typing import Any

import pytest

from ganport_train.evaluation.scores.metric import Figure
from ganport_train.evaluation.scores.warnings import headline, warnings


def figure(value: float, real: float | None = 1.0, title: str = "it") -> Figure:
    return Figure(title, "section", value, real=real, unit="%")


@pytest.mark.parametrize(
    ("key", "good", "bad", "real", "words"),
    [
        ("accuracy_hair", 0.9, 0.89, 1.0, "ignores part of its condition"),
        ("trial_test", 0.9, 0.89, 1.0, "fails a test list"),
        ("changed", 0.45, 0.44, 0.9, "hardly changes its pictures"),
        ("kept", 0.9, 0.89, 1.0, "changes what was to stay"),
        ("spread_pixels", 0.5, 0.49, 1.0, "collapsed within a condition"),
        ("spread_features", 0.5, 0.49, 1.0, "collapsed within a condition"),
        ("judge_coverage", 0.48, 0.47, 0.96, "leaves out many pictures"),
        ("grain_checker", 0.8, 0.79, 1.0, "blurred or grainy"),
        ("grain_octave", 1.3, 1.31, 1.0, "blurred or grainy"),
        ("near_duplicates", 0.07, 0.08, 0.02, "draws the same picture again and again"),
        ("copied", 0.05, 0.06, 0.01, "draws pictures of its training set"),
        # Few held-out pictures: what is expected by chance is more.
        ("copied", 0.24, 0.26, 0.05, "draws pictures of its training set"),
    ],
)
def test_a_warning_begins_where_its_limit_ends(
    key: str, good: float, bad: float, real: float, words: str
) -> None:
    assert warnings({key: figure(good, real)}, {}) == []
    (line,) = warnings({key: figure(bad, real)}, {})
    assert line == f"{words}: it {bad:.1%}, real pictures {real:.1%}"


def test_what_has_no_real_value_raises_nothing() -> None:
    assert warnings({"accuracy_hair": figure(0.0, None)}, {}) == []


def share(value: float, count: int = 9) -> dict[str, Any]:
    return {"value": value, "count": count}


def label(drawn: float, high: float, real: float, count: int = 9) -> dict[str, Any]:
    return {
        "generated": {"value": drawn, "high": high, "count": count},
        "real": share(real, count),
    }


def test_a_label_that_fails_is_named_whatever_the_total_says() -> None:
    labels = {
        "pink": label(0.1, 0.3, 0.9),
        "red": label(0.4, 0.6, 0.9),
        "blue": label(0.0, 0.0, 0.0),
        "grey": label(0.0, 0.0, 0.9, count=0),
    }
    part = {"real": share(0.9), "labels": labels}
    assert warnings({"accuracy_hair": figure(0.95)}, {"hair": part}) == [
        "ignores a label: hair pink as asked 10.0%, real pictures 90.0%"
    ]


@pytest.mark.parametrize(
    ("real", "count", "lines"),
    [
        (0.9, 9, []),
        (0.899, 0, []),
        (
            0.899,
            9,
            [
                "a weak judge: it reads only 89.9% of hair right on real pictures; its figures "
                "say little"
            ],
        ),
    ],
)
def test_a_judge_that_cannot_read_real_pictures_is_named(
    real: float, count: int, lines: list[str]
) -> None:
    assert warnings({}, {"hair": {"real": share(real, count), "labels": {}}}) == lines


def test_accuracies_come_first_then_distances_then_worries() -> None:
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
    assert headline({key: figure(1) for key in keys}) == [
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
