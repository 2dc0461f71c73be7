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
from ganport_train.evaluation.scores.condition_accuracy import Misclassified, find_misclassified
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
