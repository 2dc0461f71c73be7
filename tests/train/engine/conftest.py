"""Evaluators of checkpoints, and judges for them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ganport_runtime.conditions import Conditions
from ganport_train.data import Dataset
from ganport_train.engine.validation import CheckpointEvaluator
from ganport_train.evaluation.judge.judge import Judge


@pytest.fixture(scope="session")
def build() -> Callable[..., CheckpointEvaluator]:
    """Return a function that builds the evaluator of all images of a data set."""

    def build(
        data: Dataset, judge: Judge | None = None, count: int = 100, **options: bool
    ) -> CheckpointEvaluator:
        evaluator = CheckpointEvaluator.build(data, np.arange(len(data)), count, judge, **options)
        assert evaluator is not None
        return evaluator

    return build


@pytest.fixture
def load_judge(
    tmp_path: Path, untrained_judge: Callable[..., Path]
) -> Callable[[Conditions], Judge]:
    """Return a function that loads an untrained judge of conditions."""

    def load(conditions: Conditions) -> Judge:
        return Judge.load(untrained_judge(tmp_path / "judge", conditions, accuracy=0.5))

    return load
