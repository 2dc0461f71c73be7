"""The folder of a study: complete and failed variants."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ganport_train.config import recipes
from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipe import Recipe
from ganport_train.engine.trainer import Trainer
from ganport_train.runs.run_dir import RunEnvironment, create_run_dir, write_config
from ganport_train.runs.train_state import StopSignal
from ganport_train.studies import folder as study_folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a variant's run without a checkpoint."""
    folder = tmp_path / "one"
    create_run_dir(folder)
    environment = RunEnvironment.current(tmp_path / "data", "ab12", torch.device("cpu"))
    write_config(folder, recipes.load("quick"), environment)
    return folder


def test_is_complete_without_checkpoint_is_false(run: Path) -> None:
    assert study_folder.has_run(run)
    assert not study_folder.is_complete(run, recipes.load("quick"))
    assert not study_folder.has_run(run.with_name("two"))


def test_is_scored_of_a_longer_run_or_another_count_is_false(
    tmp_path: Path,
    recipe: Recipe,
    trainer: Callable[..., Trainer],
    until: Callable[..., Recipe],
) -> None:
    run = tmp_path / "one"
    trainer(run, until(recipe, 8)).train(StopSignal())
    assert not study_folder.is_scored(run, 20)
    (run / "score").mkdir()
    report = {"bundle": {"provenance": {"step": 2}}, "options": {"count": 20}}
    (run / "score" / "report.json").write_text(json.dumps(report))
    assert study_folder.is_scored(run, 20)
    assert not study_folder.is_scored(run, 40)
    longer = trainer(run, until(recipe, 12))
    longer.resume()
    longer.train(StopSignal())
    assert not study_folder.is_scored(run, 20)


def test_read_failures_ignores_removed_runs(run: Path) -> None:
    out = run.parent
    assert study_folder.read_failures(out) == {}
    study_folder.record_failure(out, "one", "diverged: g_loss at step 5")
    study_folder.record_failure(out, "two", "collapsed")
    assert study_folder.read_failures(out) == {"one": "diverged: g_loss at step 5"}
    (run / "config.toml").unlink()
    assert study_folder.read_failures(out) == {}


def test_read_failures_corrupt_file_raises(tmp_path: Path) -> None:
    (tmp_path / study_folder.FAILURES).write_text("[")
    with pytest.raises(RecipeError, match=r"failures\.toml: expected TOML.*Remove it\."):
        study_folder.read_failures(tmp_path)


def test_read_empty_folder_returns_none(tmp_path: Path) -> None:
    assert study_folder.read(tmp_path / "new") is None
    assert study_folder.read(tmp_path) is None
