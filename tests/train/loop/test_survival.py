"""What a run does when it cannot go on: NaN, a checkpoint that cannot be written."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ganport_models import Checkpoint, CheckpointError
from ganport_models.choice import FOLDER
from ganport_train.loop.figures import DivergedError
from ganport_train.loop.interrupt import Interrupt
from ganport_train.loop.trainer import Trainer
from ganport_train.recipe import Recipe

Start = Callable[..., Trainer]
Until = Callable[..., Recipe]


def test_nan_stops_with_the_step_the_checkpoint_and_advice(
    tmp_path: Path, recipe: Recipe, trainer: Start, until: Until
) -> None:
    run = tmp_path / "run"
    trainer(run, until(recipe, 8, save_minutes=0)).train(Interrupt())
    broken = trainer(run, until(recipe, 100, tick=5))
    broken.resume()
    step = broken.method.step

    def poisoned(batch: object, number: int) -> dict[str, torch.Tensor]:
        if broken.progress.step == 6:
            with torch.no_grad():
                next(broken.method.generator.parameters()).fill_(torch.nan)
        return step(batch, number)  # type: ignore[arg-type]

    broken.method.step = poisoned  # type: ignore[method-assign,assignment]
    with pytest.raises(DivergedError) as caught:
        broken.train(Interrupt())
    message = str(caught.value)
    assert "at step 7: expected a finite number; found nan" in message
    assert f"The last good checkpoint is {run / FOLDER / '000000002'}" in message
    assert "optimizer.generator_rate" in message
    assert Checkpoint.load(run).step == 2


def test_weights_gone_bad_are_not_saved(tmp_path: Path, recipe: Recipe, trainer: Start) -> None:
    session = trainer(tmp_path / "run", recipe)
    with torch.no_grad():
        next(session.average.module.parameters()).fill_(torch.inf)
    with pytest.raises(DivergedError, match=r"weight .* at step 0"):
        session.save()
    assert not (tmp_path / "run" / FOLDER).exists()


def test_a_checkpoint_that_cannot_be_written_names_the_way_on(
    tmp_path: Path, recipe: Recipe, trainer: Start
) -> None:
    run = tmp_path / "run"
    session = trainer(run, recipe)
    (run / FOLDER).write_text("in the way")
    with pytest.raises(CheckpointError, match=r"Free some space, then go on with: train-gan --res"):
        session.save()
