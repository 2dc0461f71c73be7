"""A judge as the classifier of a run: what is refused, and a run that resumes with it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganport_runtime.conditions import Conditions
from ganport_train.config import recipes
from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset
from ganport_train.engine.classifier import load_classifier
from ganport_train.engine.trainer import Trainer
from ganport_train.evaluation.judge.storage import METADATA, JudgeError
from ganport_train.methods.build import build_method
from ganport_train.runs.train_state import StopSignal

CPU = torch.device("cpu")
WriteJudge = Callable[..., Path]


def test_classifier_of_no_folder_is_none(dataset: Dataset) -> None:
    assert load_classifier("", dataset, CPU) is None


def test_classifier_of_a_missing_folder_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match="missing"):
        load_classifier(str(tmp_path / "missing"), dataset, CPU)


def test_classifier_of_other_conditions_is_refused(
    dataset: Dataset, untrained_judge: WriteJudge, tmp_path: Path
) -> None:
    other = untrained_judge(tmp_path / "judge", Conditions.one_hots({"tail": ["long", "short"]}))
    with pytest.raises(RecipeError, match=r"found tail \(2\)"):
        load_classifier(str(other), dataset, CPU)


def test_classifier_of_another_size_is_refused(
    dataset: Dataset, untrained_judge: WriteJudge, tmp_path: Path
) -> None:
    judge = untrained_judge(tmp_path / "judge", dataset.conditions)
    larger = replace(dataset, image=replace(dataset.image, size=(32, 32)))
    with pytest.raises(RecipeError, match="16 x 16"):
        load_classifier(str(judge), larger, CPU)


@pytest.mark.parametrize(
    ("learned_mirrored", "mirror", "warnings"),
    [(True, False, 1), (True, True, 0), (False, False, 0)],
)
def test_classifier_of_mirrored_images_is_named_in_a_run_without(
    dataset: Dataset,
    untrained_judge: WriteJudge,
    tmp_path: Path,
    learned_mirrored: bool,
    mirror: bool,
    warnings: int,
) -> None:
    judge = untrained_judge(tmp_path / "judge", dataset.conditions)
    metadata = json.loads((judge / METADATA).read_text())
    metadata["settings"]["mirror"] = learned_mirrored
    (judge / METADATA).write_text(json.dumps(metadata))
    lines: list[str] = []
    assert load_classifier(str(judge), dataset, CPU, mirror, lines.append) is not None
    assert len(lines) == warnings
    assert all(str(judge) in line and "--no-mirror" in line for line in lines)


def test_classifier_of_a_method_that_would_ignore_it_is_refused() -> None:
    conditions = Conditions.one_hots({"tail": ["long", "short"]})
    with pytest.raises(RecipeError, match="found flow"):
        build_method(recipes.load("iclevr-glow", []), conditions, CPU, torch.nn.Identity())


def test_run_with_a_classifier_resumes_with_the_same_bytes(
    recipe: Recipe,
    untrained_judge: WriteJudge,
    dataset: Dataset,
    trainer: Callable[..., Trainer],
    until: Callable[..., Recipe],
    digests: Callable[[Path], dict[str, str]],
    tmp_path: Path,
) -> None:
    judge = untrained_judge(tmp_path / "judge", dataset.conditions)
    guided = replace(recipe, method=replace(recipe.method, classifier=str(judge)))
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    trainer(whole, guided).train(StopSignal())
    trainer(parts, until(guided, 12)).train(StopSignal())
    resumed = trainer(parts, guided)
    resumed.resume()
    resumed.train(StopSignal())
    assert digests(whole) == digests(parts)
