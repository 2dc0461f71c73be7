"""Scores of a run: they change nothing, warn of a collapse, end a run on request, keep the best."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganport_models import Checkpoint
from ganport_models.metadata import METADATA
from ganport_models.selection import FOLDER, newest
from ganport_train.config.recipe import Recipe
from ganport_train.engine.trainer import Trainer
from ganport_train.runs.metrics import SCORES, read_log
from ganport_train.runs.train_state import StopSignal

Start = Callable[..., Trainer]
Until = Callable[..., Recipe]
Digests = Callable[[Path], dict[str, str]]
Timeless = Callable[..., list[dict[str, object]]]


@pytest.fixture
def scored(until: Until) -> Until:
    """Return a recipe with a checkpoint and a score at every step, monitored from the first."""

    def changed(recipe: Recipe, images: int, **logging: Any) -> Recipe:
        return until(
            recipe, images, checkpoint_minutes=0, eval_images=32, collapse_grace_images=0, **logging
        )

    return changed


def stuck(session: Trainer) -> Trainer:
    """Return a run whose generator has collapsed to one gray image."""
    for network in (session.method.generator, session.ema):
        for weight in network.parameters():
            weight.data.zero_()
    for group in session.method.optimizers["generator"].param_groups:
        group["lr"] = 0.0
    return session


def test_scored_run_has_the_weights_of_a_run_without_scores(
    tmp_path: Path,
    recipe: Recipe,
    trainer: Start,
    until: Until,
    timeless: Timeless,
    scored: Until,
    digests: Digests,
) -> None:
    plain, whole, parts = (tmp_path / name for name in ("plain", "whole", "parts"))
    trainer(plain, until(recipe, 24, checkpoint_minutes=0)).train(StopSignal())
    trainer(whole, scored(recipe, 24)).train(StopSignal())
    trainer(parts, scored(recipe, 12)).train(StopSignal())
    resumed = trainer(parts, scored(recipe, 24))
    resumed.resume()
    resumed.train(StopSignal())
    assert digests(plain) == digests(whole) == digests(parts)
    assert timeless(whole, SCORES) == timeless(parts, SCORES)
    assert [line["step"] for line in read_log(whole, SCORES)] == list(range(1, 7))
    assert read_log(plain, SCORES) == []


def test_scored_run_writes_log_metadata_and_output(
    tmp_path: Path, recipe: Recipe, trainer: Start, scored: Until
) -> None:
    messages: list[str] = []
    run = tmp_path / "run"
    session = trainer(run, scored(recipe, 4))
    session.log = session.monitor.log = messages.append
    session.train(StopSignal())
    line = read_log(run, SCORES)[-1]
    assert newest(run)[1]["score"] == line
    assert line["epoch"] == round(4 / len(session.batches.indices), 4)
    assert (line["step"], line["images"], line["extractor"]) == (1, 4, "pixels")
    assert f"score {line['score']:.3f}: coverage {line['coverage']:.2f}" in "\n".join(messages)


def test_collapsed_run_warns_and_continues(
    tmp_path: Path, recipe: Recipe, trainer: Start, scored: Until
) -> None:
    messages: list[str] = []
    run = tmp_path / "run"
    session = stuck(trainer(run, scored(recipe, 16)))
    session.monitor.log = messages.append
    assert session.train(StopSignal()) is True
    marks = [line["collapsed"] for line in read_log(run, SCORES)]
    assert marks == [True, True, True, True]
    warning = next(line for line in messages if line.startswith("warning"))
    assert "spread within a condition is 0.00 of that of real images; the limit is 0.50" in (
        warning
    )
    assert f"export-gan {run}" in warning


def test_collapsed_run_stops_after_two_scores_and_resumes(
    tmp_path: Path, recipe: Recipe, trainer: Start, scored: Until
) -> None:
    run = tmp_path / "run"
    watched = scored(recipe, 10_000, stop_when_collapsed=True)
    session = stuck(trainer(run, watched))
    assert session.train(StopSignal()) is False
    assert session.monitor.collapsed
    assert newest(run)[1]["step"] == session.state.step == 2
    again = trainer(run, watched)
    again.resume()
    assert stuck(again).train(StopSignal()) is False
    assert newest(run)[1]["step"] == 4


def test_scored_run_without_collapse_has_no_warning(
    tmp_path: Path, recipe: Recipe, trainer: Start, until: Until
) -> None:
    messages: list[str] = []
    session = trainer(tmp_path / "run", until(recipe, 24, eval_images=32))
    session.monitor.log = messages.append
    session.train(StopSignal())
    assert len(messages) == 1
    assert messages[0].startswith("score ")


def test_best_checkpoint_is_kept(
    tmp_path: Path, recipe: Recipe, trainer: Start, scored: Until
) -> None:
    run = tmp_path / "run"
    trainer(run, scored(recipe, 4)).train(StopSignal())
    card_file = newest(run)[0] / METADATA
    card = json.loads(card_file.read_text())
    card["score"] |= {"score": 1.0, "collapsed": False}
    card_file.write_text(json.dumps(card))
    resumed = trainer(run, scored(recipe, 24, keep=1))
    resumed.resume()
    stuck(resumed).train(StopSignal())
    assert sorted(folder.name for folder in (run / FOLDER).iterdir()) == ["000000001", "000000006"]
    best = Checkpoint.load(run)
    assert (best.step, best.score) == (1, 1.0)


def test_tensorboard_of_a_scored_run_has_the_scores(
    tmp_path: Path, recipe: Recipe, trainer: Start, scored: Until
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = tmp_path / "run"
    trainer(run, scored(recipe, 4, tensorboard=True)).train(StopSignal())
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    found = {event.step: event.value for event in events.Scalars("real/coverage")}
    lines = read_log(run, SCORES)
    assert found == pytest.approx({line["images"]: line["real"]["coverage"] for line in lines})
