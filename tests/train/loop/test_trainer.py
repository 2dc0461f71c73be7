"""The loop: exact resume, whole checkpoints, honest records, a stop at NaN."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganport_models import Checkpoint, CheckpointError
from ganport_models.card import CARD, WEIGHTS
from ganport_models.choice import FOLDER, newest
from ganport_runtime.errors import GanportError
from ganport_train.data import Dataset
from ganport_train.loop import records
from ganport_train.loop.device import make_exact
from ganport_train.loop.figures import DivergedError
from ganport_train.loop.folder import SAMPLES, create
from ganport_train.loop.interrupt import Interrupt
from ganport_train.loop.snapshots import NETWORKS, OPTIMIZERS
from ganport_train.loop.trainer import Trainer
from ganport_train.options import RecipeError
from ganport_train.recipe import Recipe

TIMING = {"seconds", "images_per_second", "memory_gib"}


def trainer(folder: Path, recipe: Recipe, dataset: Dataset) -> Trainer:
    if not folder.exists():
        create(folder)
    return Trainer(folder, recipe, dataset, torch.device("cpu"), say=lambda line: None)


def until(recipe: Recipe, images: int, **logging: Any) -> Recipe:
    return replace(
        recipe,
        length=replace(recipe.length, images=images),
        logging=replace(recipe.logging, **logging),
    )


def timeless(run: Path, name: str = records.STATS) -> list[dict[str, object]]:
    return [{k: v for k, v in r.items() if k not in TIMING} for r in records.read(run, name)]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("architecture", ["film_dcgan", "concat_dcgan"])
def test_resume_is_exact(
    tmp_path: Path, recipe: Recipe, dataset: Dataset, precision: str, architecture: str
) -> None:
    discriminators = {"film_dcgan": "projection_dcgan", "concat_dcgan": "concat_dcgan"}
    recipe = replace(
        recipe,
        training=replace(recipe.training, precision=precision),
        network=replace(
            recipe.network, generator=architecture, discriminator=discriminators[architecture]
        ),
    )
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    trainer(whole, recipe, dataset).train(Interrupt())
    trainer(parts, until(recipe, 12), dataset).train(Interrupt())
    resumed = trainer(parts, recipe, dataset)
    resumed.resume()
    assert resumed.progress.step == 3
    resumed.train(Interrupt())
    for name in (WEIGHTS, NETWORKS, OPTIMIZERS):
        assert (newest(whole)[0] / name).read_bytes() == (newest(parts)[0] / name).read_bytes(), (
            name
        )
    assert timeless(whole) == timeless(parts)


def test_records_hold_every_figure_once(tmp_path: Path, recipe: Recipe, dataset: Dataset) -> None:
    trainer(tmp_path / "run", until(recipe, 26, tick=2), dataset).train(Interrupt())
    found = records.read(tmp_path / "run")
    assert [record["step"] for record in found] == [2, 4, 6, 7]
    assert found[-1]["images"] == 28
    figures = {"d_loss", "g_loss", "d_real", "d_fake"}
    assert all(set(record) == {"step", "images", "epoch", *figures, *TIMING} for record in found)


def test_only_the_newest_checkpoints_are_kept(
    tmp_path: Path, recipe: Recipe, dataset: Dataset
) -> None:
    run = tmp_path / "run"
    trainer(run, until(recipe, 24, save_minutes=0, keep=3), dataset).train(Interrupt())
    kept = sorted(path.name for path in (run / FOLDER).iterdir())
    assert kept == ["000000004", "000000005", "000000006"]
    assert len(list((run / SAMPLES).glob("*.png"))) == 7


def test_an_interrupt_saves_at_the_step_it_came_in(
    tmp_path: Path, recipe: Recipe, dataset: Dataset
) -> None:
    interrupt = Interrupt()
    run = tmp_path / "run"
    session = trainer(run, until(recipe, 10_000), dataset)
    session.say = lambda line: setattr(interrupt, "asked", session.progress.step == 3)
    assert session.train(interrupt) is False
    assert Checkpoint.load(run).step == 3
    assert records.read(run)[-1]["step"] == 3


def test_a_torn_checkpoint_is_not_resumed(tmp_path: Path, recipe: Recipe, dataset: Dataset) -> None:
    run = tmp_path / "run"
    trainer(run, until(recipe, 24, save_minutes=0), dataset).train(Interrupt())
    torn = run / FOLDER / "000000006" / OPTIMIZERS
    torn.write_bytes(torn.read_bytes()[:-1])
    leftover = run / FOLDER / ".000000007.0a1b2c.tmp"
    leftover.mkdir()
    again = trainer(run, recipe, dataset)
    again.resume()
    assert again.progress.step == 5
    assert not leftover.exists()


def test_minutes_bound_a_run(tmp_path: Path, recipe: Recipe, dataset: Dataset) -> None:
    bounded = replace(recipe, length=replace(recipe.length, images=10**9, minutes=1e-4))
    session = trainer(tmp_path / "run", bounded, dataset)
    assert session.train(Interrupt()) is True
    assert 1 <= session.progress.step < 1000


def test_nan_stops_with_the_step_the_checkpoint_and_advice(
    tmp_path: Path, recipe: Recipe, dataset: Dataset
) -> None:
    run = tmp_path / "run"
    trainer(run, until(recipe, 8, save_minutes=0), dataset).train(Interrupt())
    broken = trainer(run, until(recipe, 100, tick=5), dataset)
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


def test_weights_gone_bad_are_not_saved(tmp_path: Path, recipe: Recipe, dataset: Dataset) -> None:
    session = trainer(tmp_path / "run", recipe, dataset)
    with torch.no_grad():
        next(session.average.module.parameters()).fill_(torch.inf)
    with pytest.raises(DivergedError, match=r"weight .* at step 0"):
        session.save()
    assert not (tmp_path / "run" / FOLDER).exists()


def test_a_torn_newest_checkpoint_never_pushes_a_good_one_out(
    tmp_path: Path, recipe: Recipe, dataset: Dataset
) -> None:
    run = tmp_path / "run"
    trainer(run, until(recipe, 24, save_minutes=0), dataset).train(Interrupt())
    torn = run / FOLDER / "000000006" / OPTIMIZERS
    torn.write_bytes(b"")
    again = trainer(run, until(recipe, 24, save_minutes=60, keep=1), dataset)
    again.resume()
    assert not torn.exists()
    assert (run / FOLDER / "set-aside-000000006" / OPTIMIZERS).exists()
    again.train(Interrupt())
    assert newest(run)[0].name == "000000006"


def test_a_checkpoint_of_another_recipe_is_refused(
    tmp_path: Path, recipe: Recipe, dataset: Dataset
) -> None:
    run = tmp_path / "run"
    trainer(run, recipe, dataset).train(Interrupt())
    edited = replace(recipe, training=replace(recipe.training, batch=8, seed=3))
    with pytest.raises(RecipeError, match=r"training\.batch: 4 -> 8; training\.seed: 0 -> 3"):
        trainer(run, edited, dataset).resume()


def test_a_checkpoint_that_cannot_be_written_names_the_way_on(
    tmp_path: Path, recipe: Recipe, dataset: Dataset
) -> None:
    run = tmp_path / "run"
    session = trainer(run, recipe, dataset)
    (run / FOLDER).write_text("in the way")
    with pytest.raises(CheckpointError, match=r"free some space, then train-gan --resume"):
        session.save()


def test_any_seed_trains(tmp_path: Path, recipe: Recipe, dataset: Dataset) -> None:
    largest = replace(recipe, training=replace(recipe.training, seed=2**63 - 1))
    assert trainer(tmp_path / "run", largest, dataset).train(Interrupt())


def test_no_picture_left_to_train_on_is_named(
    tmp_path: Path, recipe: Recipe, dataset: Dataset
) -> None:
    alone = replace(
        dataset,
        images=dataset.images[:1],
        vectors=dataset.vectors[:1],
        ids=dataset.ids[:1],
        families=dataset.families[:1],
        keys=np.zeros(1, np.uint64),
    )
    held = replace(recipe, data=replace(recipe.data, held_out=0.9))
    with pytest.raises(RecipeError, match=r"data\.held_out: .* found none of 1"):
        trainer(tmp_path / "run", held, alone)


def test_tensorboard_gets_the_figures_of_the_record(
    tmp_path: Path, recipe: Recipe, dataset: Dataset
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = tmp_path / "run"
    trainer(run, until(recipe, 12, tensorboard=True), dataset).train(Interrupt())
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    found = {event.step: event.value for event in events.Scalars("d_loss")}
    expected = {record["images"]: record["d_loss"] for record in records.read(run)}
    assert found == pytest.approx(expected)


def scored(recipe: Recipe, images: int, **logging: Any) -> Recipe:
    """A checkpoint and a score at every step, watched from the first."""
    return until(recipe, images, save_minutes=0, score_pictures=32, warm_up=0, **logging)


def stuck(session: Trainer) -> Trainer:
    """A run whose generator has collapsed: one grey picture, whatever is asked for, for ever."""
    for network in (session.method.generator, session.average):
        for weight in network.parameters():
            weight.data.zero_()
    for group in session.method.optimizers["generator"].param_groups:
        group["lr"] = 0.0
    return session


def test_scores_change_no_weight_and_come_back_the_same(
    tmp_path: Path, recipe: Recipe, dataset: Dataset
) -> None:
    plain, whole, parts = (tmp_path / name for name in ("plain", "whole", "parts"))
    trainer(plain, until(recipe, 24, save_minutes=0), dataset).train(Interrupt())
    trainer(whole, scored(recipe, 24), dataset).train(Interrupt())
    trainer(parts, scored(recipe, 12), dataset).train(Interrupt())
    resumed = trainer(parts, scored(recipe, 24), dataset)
    resumed.resume()
    resumed.train(Interrupt())
    for name in (WEIGHTS, NETWORKS, OPTIMIZERS):
        bytes_of = {(newest(run)[0] / name).read_bytes() for run in (plain, whole, parts)}
        assert len(bytes_of) == 1, name
    assert timeless(whole, records.SCORES) == timeless(parts, records.SCORES)
    assert [line["step"] for line in records.read(whole, records.SCORES)] == list(range(1, 7))
    assert records.read(plain, records.SCORES) == []


def test_a_score_stands_in_record_card_and_terminal(
    tmp_path: Path, recipe: Recipe, dataset: Dataset
) -> None:
    told: list[str] = []
    run = tmp_path / "run"
    session = trainer(run, scored(recipe, 4), dataset)
    session.say = session.watch.say = told.append
    session.train(Interrupt())
    line = records.read(run, records.SCORES)[-1]
    assert newest(run)[1]["score"] == line
    assert line["epoch"] == round(4 / len(session.feed.indices), 4)
    assert (line["step"], line["images"], line["extractor"]) == (1, 4, "pixels")
    assert f"score {line['score']:.3f}: coverage {line['coverage']:.2f}" in "\n".join(told)


def test_a_collapse_is_warned_of_and_the_run_goes_on(
    tmp_path: Path, recipe: Recipe, dataset: Dataset
) -> None:
    told: list[str] = []
    run = tmp_path / "run"
    session = stuck(trainer(run, scored(recipe, 16), dataset))
    session.watch.say = told.append
    assert session.train(Interrupt()) is True
    marks = [line["collapsed"] for line in records.read(run, records.SCORES)]
    assert marks == [True, True, True, True]
    warning = next(line for line in told if line.startswith("warning"))
    assert "spread within a condition is 0.00 of that of real pictures; the limit is 0.50" in (
        warning
    )
    assert f"export-gan {run}" in warning


def test_two_collapsed_scores_end_a_run_that_may_go_on(
    tmp_path: Path, recipe: Recipe, dataset: Dataset
) -> None:
    run = tmp_path / "run"
    watched = scored(recipe, 10_000, stop_when_collapsed=True)
    session = stuck(trainer(run, watched, dataset))
    assert session.train(Interrupt()) is False
    assert session.watch.collapsed
    assert newest(run)[1]["step"] == session.progress.step == 2
    again = trainer(run, watched, dataset)
    again.resume()
    assert stuck(again).train(Interrupt()) is False
    assert newest(run)[1]["step"] == 4


def test_a_healthy_run_raises_no_warning(tmp_path: Path, recipe: Recipe, dataset: Dataset) -> None:
    told: list[str] = []
    session = trainer(tmp_path / "run", until(recipe, 24, score_pictures=32), dataset)
    session.watch.say = told.append
    session.train(Interrupt())
    assert len(told) == 1
    assert told[0].startswith("score ")


def test_the_best_checkpoint_outlives_the_newest(
    tmp_path: Path, recipe: Recipe, dataset: Dataset
) -> None:
    run = tmp_path / "run"
    trainer(run, scored(recipe, 4), dataset).train(Interrupt())
    card_file = newest(run)[0] / CARD
    card = json.loads(card_file.read_text())
    card["score"] |= {"score": 1.0, "collapsed": False}
    card_file.write_text(json.dumps(card))
    resumed = trainer(run, scored(recipe, 24, keep=1), dataset)
    resumed.resume()
    stuck(resumed).train(Interrupt())
    assert sorted(folder.name for folder in (run / FOLDER).iterdir()) == ["000000001", "000000006"]
    best = Checkpoint.load(run)
    assert (best.step, best.score) == (1, 1.0)


def test_a_checkpoint_older_than_an_option_resumes(
    tmp_path: Path, recipe: Recipe, dataset: Dataset
) -> None:
    run = tmp_path / "run"
    trainer(run, until(recipe, 12), dataset).train(Interrupt())
    card_file = newest(run)[0] / CARD
    card = json.loads(card_file.read_text())
    for section, names in (
        ("data", ("kind", "attributes")),
        ("logging", ("score_pictures", "warm_up", "stop_when_collapsed")),
    ):
        for name in names:
            del card["recipe"][section][name]
    card_file.write_text(json.dumps(card))
    resumed = trainer(run, recipe, dataset)
    resumed.resume()
    assert resumed.progress.step == 3
    assert resumed.train(Interrupt()) is True


@pytest.mark.parametrize("damage", [[], "quick", {"title": "x", "batch": 3}, {"network": [[]]}])
def test_a_damaged_recipe_in_a_card_is_refused(
    tmp_path: Path, recipe: Recipe, dataset: Dataset, damage: object
) -> None:
    run = tmp_path / "run"
    trainer(run, until(recipe, 4), dataset).train(Interrupt())
    folder = newest(run)[0]
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | {"recipe": damage}))
    with pytest.raises(GanportError, match=folder.name):
        trainer(run, recipe, dataset).resume()


def test_tensorboard_gets_the_scores(tmp_path: Path, recipe: Recipe, dataset: Dataset) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = tmp_path / "run"
    trainer(run, scored(recipe, 4, tensorboard=True), dataset).train(Interrupt())
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    found = {event.step: event.value for event in events.Scalars("real/coverage")}
    lines = records.read(run, records.SCORES)
    assert found == pytest.approx({line["images"]: line["real"]["coverage"] for line in lines})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_resumes_exactly(tmp_path: Path, recipe: Recipe, dataset: Dataset) -> None:
    cuda = torch.device("cuda")
    half = replace(recipe, training=replace(recipe.training, precision="bf16"))
    make_exact()
    for run, lengths in (("whole", [24]), ("parts", [12, 24])):
        create(tmp_path / run)
        for images in lengths:
            session = Trainer(tmp_path / run, until(half, images), dataset, cuda, say=print)
            session.resume()
            assert session.train(Interrupt())
    weights = [(newest(tmp_path / run)[0] / NETWORKS).read_bytes() for run in ("whole", "parts")]
    assert weights[0] == weights[1]
