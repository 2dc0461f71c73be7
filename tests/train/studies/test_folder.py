"""What a study's folder says of its variants: begun, finished, failed."""

from pathlib import Path

import pytest
import torch

from ganport_train.config import recipes
from ganport_train.config.parsing import RecipeError
from ganport_train.runs.run_dir import Surroundings, create, write_config
from ganport_train.studies import folder as study_folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A variant's run without a checkpoint."""
    folder = tmp_path / "one"
    create(folder)
    surroundings = Surroundings.now(tmp_path / "data", "ab12", torch.device("cpu"))
    write_config(folder, recipes.load("quick"), surroundings)
    return folder


def test_a_run_without_a_checkpoint_is_begun_and_not_finished(run: Path) -> None:
    assert study_folder.begun(run)
    assert not study_folder.finished(run, recipes.load("quick"))
    assert not study_folder.begun(run.with_name("two"))


def test_failures_are_kept_as_long_as_their_runs(run: Path) -> None:
    out = run.parent
    assert study_folder.failures(out) == {}
    study_folder.note_failure(out, "one", "diverged: g_loss at step 5")
    study_folder.note_failure(out, "two", "collapsed")
    assert study_folder.failures(out) == {"one": "diverged: g_loss at step 5"}
    (run / "config.toml").unlink()
    assert study_folder.failures(out) == {}


def test_damaged_failures_are_named(tmp_path: Path) -> None:
    (tmp_path / study_folder.FAILURES).write_text("[")
    with pytest.raises(RecipeError, match=r"failures\.toml: expected TOML.*Remove it\."):
        study_folder.failures(tmp_path)


def test_a_free_folder_holds_no_study(tmp_path: Path) -> None:
    assert study_folder.read(tmp_path / "new") is None
    assert study_folder.read(tmp_path) is None
