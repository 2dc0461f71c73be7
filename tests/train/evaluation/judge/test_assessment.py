import json
import math

import numpy as np
import pytest

from ganport_runtime.conditions import Conditions, MultiHot, OneHot, Scalar
from ganport_train.evaluation.judge.accuracy import Tally
from ganport_train.evaluation.judge.assessment import assess, share

CONDITIONS = Conditions(
    (
        OneHot("hair", ("red", "blue")),
        MultiHot("objects", ("cube", "ball", "cone")),
        Scalar("age", 20, 0, 100),
    )
)


def wilson(hits: int, total: int) -> tuple[float, float]:
    z, p = 1.959963984540054, hits / total
    middle = (p + z * z / (2 * total)) / (1 + z * z / total)
    reach = z / (1 + z * z / total) * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return middle - reach, middle + reach


@pytest.mark.parametrize(("hits", "total"), [(8, 10), (1, 2), (0, 7), (7, 7), (967, 1000)])
def test_a_share_has_the_interval_of_wilson(hits: int, total: int) -> None:
    low, high = wilson(hits, total)
    assert share(Tally(hits, total)) == {
        "value": hits / total,
        "low": pytest.approx(low, abs=1e-9),
        "high": pytest.approx(high, abs=1e-9),
        "count": total,
    }


def test_a_share_of_nothing_says_nothing() -> None:
    assert share(Tally(0, 0)) == {"value": 0.0, "low": 0.0, "high": 1.0, "count": 0}


def test_each_group_is_assessed_by_its_own_rule() -> None:
    vectors = np.array([[1, 0, 1, 1, 0, 20], [0, 1, 0, 0, 1, 80]], np.float32)
    outputs = np.array([[3, 1, 5, 0, 4, 0.25], [2, 1, 0, 0, 9, 0.5]], np.float32)
    found = assess(CONDITIONS, outputs, vectors)
    counted = {name: (part["kind"], part["value"], part["count"]) for name, part in found.items()}
    assert counted == {
        "hair": ("one_hot", 0.5, 2),
        "objects": ("multi_hot", pytest.approx(2 / 3), 3),
        "age": ("scalar", 0.5, 2),
    }
    labels = found["objects"]["labels"]
    assert {label: (part["value"], part["count"]) for label, part in labels.items()} == {
        "cube": (1.0, 1),
        "ball": (0.0, 1),
        "cone": (1.0, 1),
    }
    assert found["hair"]["confusion"] == [[1, 0], [1, 0]]
    assert found["objects"]["confusion"] is None
    assert (found["age"]["labels"], found["age"]["confusion"]) == ({}, None)
    assert json.loads(json.dumps(found)) == found
