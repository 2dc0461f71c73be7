from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ganport_runtime.conditions import (
    ConditionGroup,
    Conditions,
    MultiHot,
    OneHot,
    Rgb,
    Scalar,
    SignedMultiHot,
)
from ganport_train.evaluation.judge.accuracy import Count
from ganport_train.evaluation.scores.edits import (
    Edits,
    Reconstructions,
    edit_metrics,
    reconstruction_metrics,
)

HAIR = OneHot("hair", ("red", "blue", "pink"))
FACE = SignedMultiHot("face", ("smiling", "bald"))
OBJECTS = MultiHot("objects", ("cube", "ball", "cone"))
AGE = Scalar("age", 20, 0, 100)


def edits(group: ConditionGroup, *parts: Any) -> Edits:
    """Return edits from own vectors, targets, and outputs before and after."""
    return Edits(Conditions((group,)), *(np.array(part, np.float32) for part in parts))


def test_edits_of_a_one_hot_group_count_the_changed_label() -> None:
    own = [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]]
    target = [[0, 1, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0]]
    before = [[5, 0, 0], [0, 5, 0], [0, 5, 0], [0, 5, 0]]
    after = [[0, 5, 0], [5, 0, 0], [0, 2, 1], [0, 1, 2]]
    found = edits(HAIR, own, target, before, after)
    assert found.changed() == Count(1, 2)
    assert found.changed_before() == Count(1, 2)
    assert found.kept() == Count(1, 2)


def test_edits_with_equal_errors_before_and_after_count_as_kept() -> None:
    found = edits(HAIR, [[1, 0, 0]], [[1, 0, 0]], [[0, 5, 0]], [[0, 3, 0]])
    assert (found.kept(), found.changed()) == (Count(1, 1), Count(0, 0))
    other = edits(HAIR, [[1, 0, 0]], [[1, 0, 0]], [[0, 5, 0]], [[0, 3, 4]])
    assert other.kept() == Count(0, 1)


def test_edits_of_signed_labels_count_each_label() -> None:
    own, target = [[-1, 1], [-1, 1], [1, 1]], [[1, 1], [1, -1], [1, 1]]
    before, after = [[-2, 2], [-2, 2], [2, 2]], [[2, 2], [2, 2], [2, -2]]
    found = edits(FACE, own, target, before, after)
    assert found.changed() == Count(2, 3)
    assert found.changed_before() == Count(0, 3)
    assert found.kept() == Count(2, 3)


def test_edits_of_a_multi_hot_group_count_added_labels() -> None:
    # The cube is replaced by a ball; the cone stays among the two highest outputs.
    found = edits(OBJECTS, [[1, 0, 1]], [[0, 1, 1]], [[3, 0, 2]], [[0, 3, 2]])
    assert (found.changed(), found.kept()) == (Count(1, 1), Count(1, 1))
    lost = edits(OBJECTS, [[1, 0, 1]], [[0, 1, 1]], [[3, 0, 2]], [[2, 3, 0]])
    assert (lost.changed(), lost.kept()) == (Count(1, 1), Count(0, 1))


@pytest.mark.parametrize(
    ("group", "low", "high"), [(AGE, [0], [100]), (Rgb("skin", "#000000"), [0, 0, 0], [1, 0, 0])]
)
def test_edits_of_numbers_and_colors_use_the_tolerance(
    group: ConditionGroup, low: Any, high: Any
) -> None:
    low_output = np.array(low, np.float32) / max(high)
    high_output = np.array(high, np.float32) / max(high)
    changed = edits(group, [low, low], [high, high], [low_output] * 2, [high_output, low_output])
    assert (changed.changed(), changed.kept()) == (Count(1, 2), Count(0, 0))
    held = edits(
        group, [low, low], [low, low], [low_output] * 2, [low_output + 0.09, low_output + 0.11]
    )
    assert (held.changed(), held.kept()) == (Count(0, 0), Count(1, 2))


def test_edit_metrics_sum_groups_and_average_rounds() -> None:
    both = Conditions((HAIR, FACE))
    own = np.array([[1, 0, 0, -1, 1]], np.float32)
    target = np.array([[0, 1, 0, 1, 1]], np.float32)
    good = Edits(both, own, target, own, target)
    assert (good.changed(), good.kept()) == (Count(2, 2), Count(1, 1))
    idle = Edits(both, own, target, own, own)
    found = edit_metrics([good, idle], real=0.8)
    assert (found["changed"].value, found["changed"].real) == (0.5, 0.8)
    assert "sees 0.0% of them" in found["changed"].note
    assert (found["kept"].value, found["kept"].low, found["kept"].real) == (1.0, 1.0, 1.0)
    assert set(edit_metrics([Edits(both, own, own, own, own)], real=0.8)) == {"kept"}


SOURCE = np.zeros((2, 4, 4, 3), np.uint8)
SOURCE[1] = 100


def mean_levels(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the mean level twice."""
    return np.repeat(images.mean(axis=(1, 2, 3))[:, None], 2, axis=1).astype(np.float32)


def test_reconstruction_metrics_measure_levels_and_features() -> None:
    first = Reconstructions(SOURCE, SOURCE, SOURCE + 50, SOURCE + 10)
    second = Reconstructions(SOURCE, SOURCE + 2, SOURCE + 70, SOURCE + 20)
    found = reconstruction_metrics([first, second], mean_levels)
    levels = {key: found[f"{key}_levels"].value for key in ("own", "moved", "back")}
    assert levels == {"own": 1, "moved": 60, "back": 15}
    relative = {key: found[f"{key}_features"].value for key in levels}
    assert relative == pytest.approx({"own": 0.01, "moved": 0.6, "back": 0.15})
    assert (found["own_levels"].better, found["own_levels"].real) == ("lower", 0.0)
    assert (found["moved_levels"].better, found["moved_levels"].real) == (None, None)


def test_reconstruction_metrics_of_equal_images_have_feature_change_0() -> None:
    alike = np.full((2, 4, 4, 3), 200, np.uint8)
    images = Reconstructions(alike, alike - 200, alike + 55, alike)
    found = reconstruction_metrics([images], mean_levels)
    assert found["own_levels"].value == 200
    assert found["moved_levels"].value == 55
    assert found["own_features"].value == 0
