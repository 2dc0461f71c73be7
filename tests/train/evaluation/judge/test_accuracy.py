import json
import math
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
    Count,
    assess,
    confusion_matrix,
    group_counts,
    joint_count,
    label_counts,
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
        # Of equal outputs the first is the highest.
        (HAIR, floats([0, 0, 0]), floats([0, 1, 0]), 0, 1),
        (HAIR, floats([0, 0, 0]), floats([1, 0, 0]), 1, 1),
        (LOOK, floats([0, 3, 0, 1]), floats([0, 1, 0, 0]), 1, 1),
        # The lab's rule: the requested labels among the k highest outputs.
        (OBJECTS, floats([5, 4, 3, 2]), floats([1, 0, 1, 0]), 1, 2),
        (OBJECTS, floats([-5, -4, -3, -2]), floats([0, 0, 0, 1]), 1, 1),
        (OBJECTS, floats([5, 4, 3, 2], [0, 9, 0, 0]), floats([1, 1, 1, 0], [0, 1, 0, 0]), 4, 4),
        (OBJECTS, floats([1, 2, 3, 4]), floats([0, 0, 0, 0]), 0, 0),
        (FACE, floats([1, -1], [1, 1]), floats([1, -1], [-1, 1]), 3, 4),
        (AGE, floats([0.25], [0.35]), floats([20], [20]), 1, 2),
        (SKIN, floats([0, 0.05, 0.95], [0, 0, 0.8]), floats([-1, -1, 1], [-1, -1, 1]), 1, 2),
    ],
)
def test_group_counts_of_every_kind_follow_its_rule(
    group: ConditionGroup, outputs: Any, vectors: Any, hits: int, total: int
) -> None:
    assert group_counts(Conditions((group,)), outputs, vectors) == {group.name: Count(hits, total)}


def test_count_of_nothing_has_fraction_0_and_the_widest_interval() -> None:
    assert Count(0, 0).to_json() == {"value": 0.0, "low": 0.0, "high": 1.0, "count": 0}


@pytest.mark.parametrize(("hits", "total"), [(8, 10), (1, 2), (0, 7), (7, 7), (967, 1000)])
def test_count_to_json_has_the_wilson_interval(hits: int, total: int) -> None:
    z, p = 1.959963984540054, hits / total
    center = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    assert Count(hits, total).to_json() == {
        "value": hits / total,
        "low": pytest.approx(center - half, abs=1e-9),
        "high": pytest.approx(center + half, abs=1e-9),
        "count": total,
    }


def test_label_counts_separate_the_labels() -> None:
    outputs, vectors = floats([5, 4, 3, 2], [5, 4, 3, 2]), floats([1, 0, 1, 0], [0, 0, 0, 1])
    assert label_counts(OBJECTS, outputs, vectors) == {
        "cube": Count(1, 1),
        "ball": Count(0, 0),
        "cone": Count(0, 1),
        "ring": Count(0, 1),
    }
    signed = label_counts(FACE, floats([1, 1], [-1, 1]), floats([1, -1], [-1, -1]))
    assert signed == {"smiling": Count(2, 2), "bald": Count(0, 2)}
    assert label_counts(AGE, floats([0.2]), floats([20])) == {}


def test_joint_count_requires_every_group() -> None:
    conditions = Conditions((HAIR, OBJECTS))
    right, wrong = [9.0, 1.0, 0.0], [0.0, 9.0, 0.0]
    both, half = [9.0, 8.0, 0.0, 0.0], [9.0, 0.0, 8.0, 0.0]
    vectors = floats(*[[1, 0, 0, 1, 1, 0, 0]] * 3)
    outputs = floats(right + both, wrong + both, right + half)
    assert joint_count(conditions, outputs, vectors) == Count(1, 3)
    assert joint_count(Conditions(), floats([]), floats([])) == Count(1, 1)


def test_confusion_matrix_counts_requested_by_predicted() -> None:
    outputs = floats([9, 0, 0], [9, 0, 0], [0, 0, 9])
    vectors = floats([1, 0, 0], [0, 1, 0], [0, 0, 1])
    assert confusion_matrix(HAIR, outputs, vectors) == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert confusion_matrix(FACE, floats([1, 1]), floats([1, 1])) is None


def test_assess_reports_each_group_by_its_rule() -> None:
    conditions = Conditions(
        (OneHot("hair", ("red", "blue")), MultiHot("objects", ("cube", "ball", "cone")), AGE)
    )
    vectors = floats([1, 0, 1, 1, 0, 20], [0, 1, 0, 0, 1, 80])
    outputs = floats([3, 1, 5, 0, 4, 0.25], [2, 1, 0, 0, 9, 0.5])
    report = assess(conditions, outputs, vectors)
    assert {
        name: (part["kind"], part["value"], part["count"]) for name, part in report.items()
    } == {
        "hair": ("one_hot", 0.5, 2),
        "objects": ("multi_hot", pytest.approx(2 / 3), 3),
        "age": ("scalar", 0.5, 2),
    }
    labels = report["objects"]["labels"]
    assert {label: (part["value"], part["count"]) for label, part in labels.items()} == {
        "cube": (1.0, 1),
        "ball": (0.0, 1),
        "cone": (1.0, 1),
    }
    assert report["hair"]["confusion"] == [[1, 0], [1, 0]]
    assert report["objects"]["confusion"] is None
    assert (report["age"]["labels"], report["age"]["confusion"]) == ({}, None)
    assert json.loads(json.dumps(report)) == report
