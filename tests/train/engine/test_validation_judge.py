"""Judges of validations: conversions of conditions, and judges of other conditions."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ganport_runtime.conditions import Conditions, MultiHot
from ganport_train.config.recipe import build_conditions
from ganport_train.data import Dataset
from ganport_train.engine.validation import CheckpointEvaluator
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.judge.storage import JudgeError

Build = Callable[..., CheckpointEvaluator]
LoadJudge = Callable[[Conditions], Judge]
CONDITIONS = Conditions.one_hots({"hair": ["pink", "black"], "eyes": ["aqua", "blue"]})


@pytest.fixture(scope="module")
def data(dataset: Dataset) -> Dataset:
    """Return the drawn faces with other conditions: every combination in turn."""
    requests = [
        {"hair": hair, "eyes": eyes} for hair in ("pink", "black") for eyes in ("aqua", "blue")
    ]
    vectors = CONDITIONS.encode_many([requests[row % 4] for row in range(len(dataset))])
    return replace(dataset, conditions=CONDITIONS, vectors=vectors)


def test_build_with_a_judge_of_another_label_order_converts_conditions(
    data: Dataset, build: Build, load_judge: LoadJudge
) -> None:
    other = Conditions.one_hots({"eyes": ["blue", "aqua"], "hair": ["pink", "black"]})
    scorer = build(data, load_judge(other))
    for asked, wanted in zip(scorer.conditions[:8], scorer.targets[:8], strict=True):
        assert CONDITIONS.decode(asked) == other.decode(wanted)
    assert (scorer.conditions != scorer.targets).any()


PALETTE = {
    "hair": {"pink": "#ff88cc", "black": "#101010"},
    "eyes": {"aqua": "#66cccc", "blue": "#2244cc"},
}


@pytest.mark.parametrize("coding", ["joint", "rgb"])
def test_build_with_a_judge_of_another_encoding_converts_conditions(
    data: Dataset, build: Build, coding: str, load_judge: LoadJudge
) -> None:
    vocabulary = {name: tuple(colors) for name, colors in PALETTE.items()}
    run = build_conditions(vocabulary, coding, PALETTE)
    assert run is not None
    vectors = run.encode_many([CONDITIONS.decode(vector) for vector in data.vectors])
    judge = load_judge(CONDITIONS)
    scorer = build(replace(data, conditions=run, vectors=vectors), judge)
    plain = build(data, judge)
    np.testing.assert_array_equal(scorer.targets, plain.targets)
    assert scorer.conditions.shape[1] == run.size


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        ({"hair": ["pink", "black"]}, "found hair"),
        ({"hair": ["pink"], "eyes": ["aqua", "blue"]}, "found a condition 'hair' without 'black'"),
    ],
)
def test_build_with_a_judge_of_other_conditions_fails(
    data: Dataset, build: Build, groups: dict[str, list[str]], found: str, load_judge: LoadJudge
) -> None:
    judge = load_judge(Conditions.one_hots(groups))
    with pytest.raises(JudgeError, match=r"--judge: expected a judge .*: hair, eyes") as caught:
        build(data, judge)
    assert found in str(caught.value)


def test_build_with_a_judge_of_multi_hot_groups_fails(
    data: Dataset, build: Build, load_judge: LoadJudge
) -> None:
    groups = tuple(MultiHot(group.name, group.labels) for group in CONDITIONS.groups)
    judge = load_judge(Conditions(groups))
    with pytest.raises(JudgeError, match=r"found a condition 'hair'"):
        build(data, judge)
