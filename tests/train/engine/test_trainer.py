"""The training loop: its logs, its checkpoints and its end."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ganport_models import Checkpoint
from ganport_models.selection import FOLDER
from ganport_train.config.recipe import Recipe
from ganport_train.engine.trainer import Trainer
from ganport_train.runs.metrics import read_log
from ganport_train.runs.run_dir import SAMPLES
from ganport_train.runs.train_state import StopSignal

Start = Callable[..., Trainer]
Until = Callable[..., Recipe]


def test_train_logs_every_metric_once_per_interval(
    tmp_path: Path, recipe: Recipe, trainer: Start, until: Until, timing: set[str]
) -> None:
    trainer(tmp_path / "run", until(recipe, 26, log_interval=2)).train(StopSignal())
    found = read_log(tmp_path / "run")
    assert [record["step"] for record in found] == [2, 4, 6, 7]
    assert found[-1]["images"] == 28
    metrics = {"d_loss", "g_loss", "d_real", "d_fake", "d_class", "g_class", "diversity"}
    assert all(set(record) == {"step", "images", "epoch", *metrics, *timing} for record in found)


def test_train_keeps_only_the_newest_checkpoints(
    tmp_path: Path, recipe: Recipe, trainer: Start, until: Until
) -> None:
    run = tmp_path / "run"
    trainer(run, until(recipe, 24, checkpoint_minutes=0, keep=3)).train(StopSignal())
    kept = sorted(path.name for path in (run / FOLDER).iterdir())
    assert kept == ["000000004", "000000005", "000000006"]
    assert len(list((run / SAMPLES).glob("*.png"))) == 7


def test_train_with_a_stop_request_saves_at_its_step(
    tmp_path: Path, recipe: Recipe, trainer: Start, until: Until
) -> None:
    stop = StopSignal()
    run = tmp_path / "run"
    session = trainer(run, until(recipe, 10_000))
    session.log = lambda line: setattr(stop, "requested", session.state.step == 3)
    assert session.train(stop) is False
    assert Checkpoint.load(run).step == 3
    assert read_log(run)[-1]["step"] == 3


def test_train_ends_after_the_minutes_of_the_recipe(
    tmp_path: Path, recipe: Recipe, trainer: Start
) -> None:
    bounded = replace(recipe, length=replace(recipe.length, max_images=10**9, minutes=1e-4))
    session = trainer(tmp_path / "run", bounded)
    assert session.train(StopSignal()) is True
    assert 1 <= session.state.step < 1000


def test_train_with_the_largest_seed_completes(
    tmp_path: Path, recipe: Recipe, trainer: Start
) -> None:
    largest = replace(recipe, training=replace(recipe.training, seed=2**63 - 1))
    assert trainer(tmp_path / "run", largest).train(StopSignal())


def test_train_with_tensorboard_writes_the_metrics_of_the_log(
    tmp_path: Path, recipe: Recipe, trainer: Start, until: Until
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = tmp_path / "run"
    trainer(run, until(recipe, 12, tensorboard=True)).train(StopSignal())
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    found = {event.step: event.value for event in events.Scalars("d_loss")}
    expected = {record["images"]: record["d_loss"] for record in read_log(run)}
    assert found == pytest.approx(expected)
