from typing import Any

import numpy as np
import pytest

from ganport_runtime.conditions import (
    ConditionGroup,
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    Rgb,
    Scalar,
    SignedMultiHot,
)
from ganport_train.evaluation.judge.accuracy import (
    Tally,
    accuracy,
    by_label,
    confusion,
    joint,
)

HAIR = OneHot("hair", ("red", "blue", "pink"))
LOOK = JointOneHot("look", (OneHot("hair", ("red", "blue")), OneHot("eyes", ("black", "green"))))
OBJECTS = MultiHot("objects", ("cube", "ball", "cone", "ring"))
FACE = SignedMultiHot("face", ("smiling", "bald"))
AGE = Scalar("age", 20, 0, 100)
SKIN = Rgb("skin", "#000000", (-1.0, 1.0))


def floats(*rows: list[float]) -> Any:
    return np.array(rows, np.float32)


@pytest.mark.parametrize(
    ("group", "outputs", "vectors", "hits", "total"),
    [
        (HAIR, floats([9, 1, 0], [0, 1, 2]), floats([1, 0, 0], [0, 1, 0]), 1, 2),
        (LOOK, floats([0, 3, 0, 1]), floats([0, 1, 0, 0]), 1, 1),
        # The lab's rule: of the k highest outputs, those among the k labels asked for.
        (OBJECTS, floats([5, 4, 3, 2]), floats([1, 0, 1, 0]), 1, 2),
        (OBJECTS, floats([-5, -4, -3, -2]), floats([0, 0, 0, 1]), 1, 1),
        (OBJECTS, floats([5, 4, 3, 2], [0, 9, 0, 0]), floats([1, 1, 1, 0], [0, 1, 0, 0]), 4, 4),
        (FACE, floats([1, -1], [1, 1]), floats([1, -1], [-1, 1]), 3, 4),
        (AGE, floats([0.25], [0.35]), floats([20], [20]), 1, 2),
        (SKIN, floats([0, 0.05, 0.95], [0, 0, 0.8]), floats([-1, -1, 1], [-1, -1, 1]), 1, 2),
    ],
)
def test_accuracy_counts_what_each_kind_is_held_to(
    group: ConditionGroup, outputs: Any, vectors: Any, hits: int, total: int
) -> None:
    assert accuracy(Conditions((group,)), outputs, vectors) == {group.name: Tally(hits, total)}


def test_nothing_asked_for_is_no_hit_and_no_miss() -> None:
    found = accuracy(Conditions((OBJECTS,)), floats([1, 2, 3, 4]), floats([0, 0, 0, 0]))
    assert found["objects"] == Tally(0, 0)
    assert found["objects"].share == 0


def test_each_label_has_a_tally_of_its_own() -> None:
    outputs, vectors = floats([5, 4, 3, 2], [5, 4, 3, 2]), floats([1, 0, 1, 0], [0, 0, 0, 1])
    assert by_label(OBJECTS, outputs, vectors) == {
        "cube": Tally(1, 1),
        "ball": Tally(0, 0),
        "cone": Tally(0, 1),
        "ring": Tally(0, 1),
    }
    signed = by_label(FACE, floats([1, 1], [-1, 1]), floats([1, -1], [-1, -1]))
    assert signed == {"smiling": Tally(2, 2), "bald": Tally(0, 2)}
    assert by_label(AGE, floats([0.2]), floats([20])) == {}


def test_equal_outputs_count_once() -> None:
    outputs = floats([0, 0, 0])
    assert accuracy(Conditions((HAIR,)), outputs, floats([0, 1, 0]))["hair"].hits == 0
    assert accuracy(Conditions((HAIR,)), outputs, floats([1, 0, 0]))["hair"].hits == 1


def test_confusions_are_counted_asked_by_judged() -> None:
    outputs = floats([9, 0, 0], [9, 0, 0], [0, 0, 9])
    vectors = floats([1, 0, 0], [0, 1, 0], [0, 0, 1])
    assert confusion(HAIR, outputs, vectors) == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert confusion(FACE, floats([1, 1]), floats([1, 1])) is None


def test_joint_counts_pictures_that_meet_every_group() -> None:
    conditions = Conditions((HAIR, OBJECTS))
    right, wrong = [9.0, 1.0, 0.0], [0.0, 9.0, 0.0]
    both, half = [9.0, 8.0, 0.0, 0.0], [9.0, 0.0, 8.0, 0.0]
    asked = floats(*[[1, 0, 0, 1, 1, 0, 0]] * 3)
    outputs = floats(right + both, wrong + both, right + half)
    assert joint(conditions, outputs, asked) == Tally(1, 3)
    assert joint(Conditions(), floats([]), floats([])) == Tally(1, 1)
