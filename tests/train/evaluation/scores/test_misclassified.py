"""The surest mistakes, worked out by hand for each kind of group."""

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
from ganport_train.evaluation.judge.judge import Look
from ganport_train.evaluation.scores.misclassified import Mistake, worst
from ganport_train.evaluation.scores.sampling import Drawn

HAIR = OneHot("hair", ("red", "blue", "pink"))
LOOK = JointOneHot("look", (OneHot("hair", ("red", "blue")), OneHot("eyes", ("black", "green"))))
OBJECTS = MultiHot("objects", ("cube", "ball", "cone"))
FACE = SignedMultiHot("face", ("smiling", "bald"))


def found(outputs: Any, vectors: Any, *groups: ConditionGroup, count: int = 9) -> list[Mistake]:
    outputs, vectors = np.array(outputs, np.float32), np.array(vectors, np.float32)
    images = np.zeros((len(vectors), 2, 2, 3), np.uint8)
    drawn = Drawn(images, vectors, [f"seed {100 + row}" for row in range(len(vectors))])
    return worst(Conditions(groups), drawn, Look(outputs, outputs), count)


def logistic(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


def test_one_of_many_is_taken_for_the_likeliest() -> None:
    mistakes = found(
        [[0, 0, np.log(2)], [3, 0, 0], [0, np.log(8), 0]], [[1, 0, 0], [1, 0, 0], [0, 0, 1]], HAIR
    )
    assert [mistake.row for mistake in mistakes] == [2, 0]
    assert mistakes[0].to_json() == {
        "asked": "pink hair",
        "judged": "blue hair",
        "origin": "seed 102",
        "confidence": 0.8,
    }
    assert mistakes[1].confidence == pytest.approx(0.5)


def test_a_joint_label_names_both_groups() -> None:
    (mistake,) = found([[0, 5, 0, 0]], [[0, 0, 1, 0]], LOOK)
    assert (mistake.asked, mistake.judged) == ("blue hair black eyes", "red hair green eyes")


def test_of_many_labels_the_missed_one_and_what_is_there_instead() -> None:
    mistakes = found([[2, -3, 1], [2, 1, -3]], [[1, 1, 0], [1, 1, 0]], OBJECTS)
    assert mistakes == [Mistake(0, "ball", "cone", "seed 100", pytest.approx(logistic(3)))]


def test_of_signed_labels_the_surest_wrong_one() -> None:
    mistakes = found([[-1, 4], [1, -1]], [[1, -1], [1, -1]], FACE)
    assert mistakes == [Mistake(0, "no bald", "bald", "seed 100", pytest.approx(logistic(4)))]
    (other,) = found([[-1, -4]], [[1, -1]], FACE)
    assert (other.asked, other.judged) == ("smiling", "no smiling")


def test_numbers_are_not_taken_for_others() -> None:
    assert found([[0.9]], [[1.0]], Scalar("age", 20, 0, 100)) == []


def test_no_more_than_asked_for_the_surest_first_all_groups_together() -> None:
    outputs = [[0, 2, 0, -5], [0, 1, 0, 5], [0, 9, 0, 5]]
    vectors = [[1, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 1]]
    one = SignedMultiHot("face", ("bald",))
    mistakes = found(outputs, vectors, HAIR, one, count=2)
    assert [(mistake.row, mistake.judged) for mistake in mistakes] == [
        (2, "blue hair"),
        (0, "no bald"),
    ]
