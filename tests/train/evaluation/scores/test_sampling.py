from dataclasses import replace

import numpy as np
import pytest

from ganport_runtime.conditions import Conditions, MultiHot
from ganport_runtime.generator import Generator
from ganport_train.data import Dataset
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.scores.sampling import (
    RoundPlan,
    ScoreError,
    decode_requests,
    encodable,
    sample_vectors,
    usable_rows,
)

HAIR = Conditions.one_hots({"hair": ["red", "blue"], "eyes": ["dark", "light"]})


def test_sample_vectors_keeps_the_frequency_of_conditions() -> None:
    vectors = HAIR.encode_many(
        [{"hair": "red", "eyes": "dark"}] * 6 + [{"hair": "blue", "eyes": "light"}] * 2
    )
    chosen = sample_vectors(vectors[[0, 6, 1, 2, 7, 3, 4, 5]], 40)
    assert chosen[:, HAIR.slices["hair"]].sum(axis=0).tolist() == [30, 10]
    assert sample_vectors(np.zeros((5, 0), np.float32), 3).shape == (3, 0)


def test_round_plan_gives_each_round_its_own_seeds(healthy: Generator) -> None:
    vectors = healthy.conditions.encode_many([{}] * 3)
    plan = RoundPlan(vectors, 2**64 - 2, 2)
    first, second = (plan.generate(healthy, healthy.conditions, index) for index in range(2))
    assert first.origins == [f"seed {2**64 - 2}", f"seed {2**64 - 1}", "seed 0"]
    assert second.origins == ["seed 1", "seed 2", "seed 3"]
    assert plan.next_seed == 4
    assert np.array_equal(second.images, healthy.generate([{}] * 3, seed=1))
    assert not np.array_equal(first.images, second.images)


def test_encodable_excludes_conditions_that_the_bundle_does_not_know(healthy: Generator) -> None:
    more = Conditions.one_hots({"hair": ["red", "pink"], "eyes": ["dark", "light"]})
    vectors = more.encode_many([{"hair": "red"}, {"hair": "pink"}, {"hair": "red"}])
    assert encodable(healthy, more, vectors).tolist() == [True, False, True]
    other = Conditions((MultiHot("objects", ("cube",), (), 1),))
    assert encodable(healthy, other, np.ones((2, 1), np.float32)).tolist() == [False, False]
    assert decode_requests(healthy, more, vectors[:1]) == [{"hair": "red", "eyes": "dark"}]


def test_usable_rows_with_a_judge_of_other_conditions_raises(
    healthy: Generator, dataset: Dataset, judge: Judge
) -> None:
    mood = Conditions.one_hots({"mood": ["glad", "sad", "odd", "shy", "sly", "wry"]})
    others = replace(dataset, conditions=mood, vectors=np.eye(6, dtype=np.float32))
    other_judge = replace(judge, metadata=replace(judge.metadata, conditions=mood))
    with pytest.raises(ScoreError, match=r"mood \(one_hot\); found hair \(one_hot\), eyes"):
        usable_rows(healthy, others, other_judge)


def test_usable_rows_of_too_few_images_raises(
    healthy: Generator, dataset: Dataset, judge: Judge
) -> None:
    few = replace(
        dataset, images=dataset.images[:9], vectors=dataset.vectors[:9], ids=[*"123456789"]
    )
    with pytest.raises(ScoreError, match="9 of 9"):
        usable_rows(healthy, few, judge)
