"""What changed and what stayed, worked out by hand for each kind of group."""

from typing import Any

import numpy as np
import pytest

from ganport_runtime.conditions import (
    ConditionGroup,
    Conditions,
    MultiHot,
    OneHot,
    Rgb,
    Scalar,
    SignedMultiHot,
)
from ganport_train.evaluation.judge.accuracy import Tally
from ganport_train.evaluation.scores.edits import Edits, figures

HAIR = OneHot("hair", ("red", "blue", "pink"))
FACE = SignedMultiHot("face", ("smiling", "bald"))
OBJECTS = MultiHot("objects", ("cube", "ball", "cone"))
AGE = Scalar("age", 20, 0, 100)


def edits(group: ConditionGroup, *sides: Any) -> Edits:
    """Own vectors, targets, what the judge sees before, and after."""
    return Edits(Conditions((group,)), *(np.array(side, np.float32) for side in sides))


def test_one_label_takes_the_place_of_another() -> None:
    own = [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]]
    target = [[0, 1, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0]]
    before = [[5, 0, 0], [0, 5, 0], [0, 5, 0], [0, 5, 0]]
    after = [[0, 5, 0], [5, 0, 0], [0, 2, 1], [0, 1, 2]]
    found = edits(HAIR, own, target, before, after)
    assert found.changed() == Tally(1, 2)
    assert found.untouched() == Tally(1, 2)
    assert found.kept() == Tally(1, 2)


def test_what_the_judge_mistakes_in_both_pictures_has_stayed() -> None:
    found = edits(HAIR, [[1, 0, 0]], [[1, 0, 0]], [[0, 5, 0]], [[0, 3, 0]])
    assert (found.kept(), found.changed()) == (Tally(1, 1), Tally(0, 0))
    other = edits(HAIR, [[1, 0, 0]], [[1, 0, 0]], [[0, 5, 0]], [[0, 3, 4]])
    assert other.kept() == Tally(0, 1)


def test_signed_labels_are_switched_on_and_off() -> None:
    own, target = [[-1, 1], [-1, 1], [1, 1]], [[1, 1], [1, -1], [1, 1]]
    before, after = [[-2, 2], [-2, 2], [2, 2]], [[2, 2], [2, 2], [2, -2]]
    found = edits(FACE, own, target, before, after)
    assert found.changed() == Tally(2, 3)
    assert found.untouched() == Tally(0, 3)
    assert found.kept() == Tally(2, 3)


def test_of_a_list_those_that_come_to_it_count() -> None:
    # A cube becomes a ball; the cone stays, by both sides' rule of the highest outputs.
    found = edits(OBJECTS, [[1, 0, 1]], [[0, 1, 1]], [[3, 0, 2]], [[0, 3, 2]])
    assert (found.changed(), found.kept()) == (Tally(1, 1), Tally(1, 1))
    lost = edits(OBJECTS, [[1, 0, 1]], [[0, 1, 1]], [[3, 0, 2]], [[2, 3, 0]])
    assert (lost.changed(), lost.kept()) == (Tally(1, 1), Tally(0, 1))


@pytest.mark.parametrize(
    ("group", "low", "high"), [(AGE, [0], [100]), (Rgb("skin", "#000000"), [0, 0, 0], [1, 0, 0])]
)
def test_numbers_and_colours_are_near_enough(group: ConditionGroup, low: Any, high: Any) -> None:
    seen_low = np.array(low, np.float32) / max(high)
    seen_high = np.array(high, np.float32) / max(high)
    changed = edits(group, [low, low], [high, high], [seen_low] * 2, [seen_high, seen_low])
    assert (changed.changed(), changed.kept()) == (Tally(1, 2), Tally(0, 0))
    held = edits(group, [low, low], [low, low], [seen_low] * 2, [seen_low + 0.09, seen_low + 0.11])
    assert (held.changed(), held.kept()) == (Tally(0, 0), Tally(1, 2))


def test_groups_are_counted_together_and_rounds_have_an_interval() -> None:
    both = Conditions((HAIR, FACE))
    own = np.array([[1, 0, 0, -1, 1]], np.float32)
    target = np.array([[0, 1, 0, 1, 1]], np.float32)
    good = Edits(both, own, target, own, target)
    assert (good.changed(), good.kept()) == (Tally(2, 2), Tally(1, 1))
    idle = Edits(both, own, target, own, own)
    found = figures([good, idle], real=0.8)
    assert (found["changed"].value, found["changed"].real) == (0.5, 0.8)
    assert "sees 0.0% of them" in found["changed"].note
    assert (found["kept"].value, found["kept"].low, found["kept"].real) == (1.0, 1.0, 1.0)
    assert set(figures([Edits(both, own, own, own, own)], real=0.8)) == {"kept"}
