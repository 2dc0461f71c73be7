"""A run's checkpoints: written with sheet and card, taken up with all that a step depends on."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from ganport_models.selection import newest
from ganport_train.config.recipe import Recipe
from ganport_train.engine.trainer import Trainer
from ganport_train.runs.recovery import NEVER, Reload
from ganport_train.runs.run_dir import SAMPLES
from ganport_train.runs.train_state import Progress

Start = Callable[..., Trainer]


def test_a_checkpoint_lies_beside_the_sheet_of_its_pictures(
    tmp_path: Path, recipe: Recipe, trainer: Start
) -> None:
    run = tmp_path / "run"
    archive = trainer(run, recipe).archive
    archive.write(Progress(batch=4, pictures=8, step=3, seconds=2.5), NEVER, ())
    folder, card = newest(run)
    assert folder.name == "000000003"
    assert (run / SAMPLES / "000000012.png").exists()
    assert (card["step"], card["images"], card["seconds"]) == (3, 12, 2.5)
    assert card["recipe"]["title"] == recipe.title
    assert "rollback" not in card and "score" not in card


def test_a_card_tells_of_the_reload(tmp_path: Path, recipe: Recipe, trainer: Start) -> None:
    run, reload = tmp_path / "run", Reload(step=0, lr_factor=0.5, reason="nan in d_loss at step 1")
    trainer(run, recipe).archive.write(Progress(4, 8, step=1), reload, ())
    assert newest(run)[1]["rollback"] == asdict(reload)


def test_weights_optimisers_and_progress_are_taken_up(
    tmp_path: Path, recipe: Recipe, trainer: Start
) -> None:
    run = tmp_path / "run"
    first = trainer(run, recipe)
    with torch.no_grad():
        next(first.method.generator.parameters()).fill_(0.25)
    first.archive.write(Progress(4, 8, step=5, seconds=1.5), NEVER, ())
    second, progress = trainer(run, recipe), Progress(4, 8)
    assert second.archive.take_up(progress)
    assert (progress.step, progress.seconds) == (5, 1.5)
    assert bool((next(second.method.generator.parameters()) == 0.25).all())


def test_there_is_nothing_to_take_up_in_a_new_run(
    tmp_path: Path, recipe: Recipe, trainer: Start
) -> None:
    progress = Progress(4, 8)
    assert not trainer(tmp_path / "run", recipe).archive.take_up(progress)
    assert progress == Progress(4, 8)


def test_every_word_goes_to_the_one_who_listens(
    tmp_path: Path, recipe: Recipe, trainer: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = trainer(tmp_path / "run", recipe).archive
    archive.say = print
    archive.write(Progress(4, 8, step=2), NEVER, ())
    assert capsys.readouterr().out == "saved checkpoints/000000002 and samples/000000008.png\n"
