from typing import Any

import numpy as np
import pytest

from ganport_runtime.conditions import (
    ConditionGroup,
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    Scalar,
    SignedMultiHot,
)
from ganport_train.evaluation.judge.judge import Prediction
from ganport_train.evaluation.metrics import Metric
from ganport_train.evaluation.scores.condition_accuracy import (
    Misclassified,
    find_misclassified,
    leak_metrics,
)
from ganport_train.evaluation.scores.sampling import GeneratedRound

HAIR = OneHot("hair", ("red", "blue", "pink"))
LOOK = JointOneHot("look", (OneHot("hair", ("red", "blue")), OneHot("eyes", ("black", "green"))))
OBJECTS = MultiHot("objects", ("cube", "ball", "cone"))
FACE = SignedMultiHot("face", ("smiling", "bald"))


def find(
    outputs: Any, vectors: Any, *groups: ConditionGroup, count: int = 9
) -> list[Misclassified]:
    outputs, vectors = np.array(outputs, np.float32), np.array(vectors, np.float32)
    images = np.zeros((len(vectors), 2, 2, 3), np.uint8)
    generated = GeneratedRound(
        images, vectors, [f"seed {100 + row}" for row in range(len(vectors))]
    )
    return find_misclassified(Conditions(groups), generated, Prediction(outputs, outputs), count)


def logistic(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


def test_one_hot_error_is_the_most_likely_label() -> None:
    errors = find(
        [[0, 0, np.log(2)], [3, 0, 0], [0, np.log(8), 0]], [[1, 0, 0], [1, 0, 0], [0, 0, 1]], HAIR
    )
    assert [error.row for error in errors] == [2, 0]
    assert errors[0].to_json() == {
        "requested": "pink hair",
        "predicted": "blue hair",
        "origin": "seed 102",
        "confidence": 0.8,
    }
    assert errors[1].confidence == pytest.approx(0.5)


def test_joint_error_names_both_groups() -> None:
    (error,) = find([[0, 5, 0, 0]], [[0, 0, 1, 0]], LOOK)
    assert (error.requested, error.predicted) == ("blue hair black eyes", "red hair green eyes")


def test_multi_hot_error_names_the_missing_and_the_extra_label() -> None:
    errors = find([[2, -3, 1], [2, 1, -3]], [[1, 1, 0], [1, 1, 0]], OBJECTS)
    assert errors == [Misclassified(0, "ball", "cone", "seed 100", pytest.approx(logistic(3)))]


def test_signed_multi_hot_error_is_the_most_confident_label() -> None:
    errors = find([[-1, 4], [1, -1]], [[1, -1], [1, -1]], FACE)
    assert errors == [Misclassified(0, "no bald", "bald", "seed 100", pytest.approx(logistic(4)))]
    (other,) = find([[-1, -4]], [[1, -1]], FACE)
    assert (other.requested, other.predicted) == ("smiling", "no smiling")


def test_numbers_have_no_errors() -> None:
    assert find([[0.9]], [[1.0]], Scalar("age", 20, 0, 100)) == []


def test_errors_of_all_groups_are_sorted_and_limited() -> None:
    outputs = [[0, 2, 0, -5], [0, 1, 0, 5], [0, 9, 0, 5]]
    vectors = [[1, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 1]]
    errors = find(outputs, vectors, HAIR, SignedMultiHot("face", ("bald",)), count=2)
    assert [(error.row, error.predicted) for error in errors] == [(2, "blue hair"), (0, "no bald")]


HAIR_AND_EYES = Conditions((HAIR, OneHot("eyes", ("black", "green", "blue"))))


def measure_leaks(shift: float, count: int = 600, noise: float = 0.5) -> dict[str, Metric]:
    """Return the leaks of outputs whose first hair number moves by `shift` with each eye color."""
    random = np.random.default_rng(0)
    vectors = np.zeros((count, 6), np.float32)
    hair, eyes = random.integers(3, size=(2, count))
    vectors[range(count), hair] = vectors[range(count), 3 + eyes] = 1
    outputs = vectors + random.normal(0, noise, vectors.shape).astype(np.float32)
    real = outputs.copy()
    outputs[:, 0] += shift * eyes
    generated = GeneratedRound(np.zeros((count, 2, 2, 3), np.uint8), vectors, [""] * count)
    predictions = [Prediction(outputs, outputs)] * 2
    return leak_metrics(HAIR_AND_EYES, [generated] * 2, predictions, real, vectors)


def test_leak_of_independent_groups_is_none() -> None:
    metrics = measure_leaks(0)
    assert list(metrics) == ["leak_hair_eyes", "leak_eyes_hair"]
    for metric in metrics.values():
        assert metric.value == metric.real
        assert metric.value < 0.07  # without the correction it would be 0.1


def test_leak_is_the_deviation_of_the_means_over_that_of_all_images() -> None:
    metrics = measure_leaks(2.0)
    # Means of 0, 2 and 4 have the unbiased variance 4, and in the total the variance 8 / 3.
    total = 3 * (0.5**2 + 2 / 9) + 8 / 3
    assert metrics["leak_eyes_hair"].value == pytest.approx((4 / total) ** 0.5, rel=0.03)
    assert metrics["leak_eyes_hair"].real == pytest.approx(0, abs=0.07)
    assert metrics["leak_hair_eyes"].value < 0.07


def test_leak_of_too_few_images_or_of_numbers_is_left_out() -> None:
    assert measure_leaks(2.0, count=3) == {}
    conditions = Conditions((Scalar("age", 0.5, 0.0, 1.0), OBJECTS))
    round_ = GeneratedRound(np.zeros((4, 2, 2, 3), np.uint8), np.ones((4, 4), np.float32), [""] * 4)
    outputs = np.ones((4, 4), np.float32)
    prediction = Prediction(outputs, outputs)
    assert leak_metrics(conditions, [round_], [prediction], outputs, round_.vectors) == {}
