"""Resume: the same bytes, from an intact checkpoint, with the recipe of the start."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganport_models.metadata import METADATA
from ganport_models.selection import FOLDER, newest
from ganport_runtime.errors import GanportError
from ganport_train.backend.device import enable_determinism
from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset
from ganport_train.engine.trainer import Trainer
from ganport_train.runs.checkpoint_manager import NETWORKS, OPTIMIZERS
from ganport_train.runs.run_dir import create_run_dir
from ganport_train.runs.train_state import StopSignal

Start = Callable[..., Trainer]
Until = Callable[..., Recipe]
Digests = Callable[[Path], dict[str, str]]
Timeless = Callable[..., list[dict[str, object]]]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("architecture", ["film_dcgan", "concat_dcgan"])
def test_resume_halfway_gives_the_same_bytes(
    tmp_path: Path,
    recipe: Recipe,
    precision: str,
    architecture: str,
    trainer: Start,
    until: Until,
    timeless: Timeless,
    digests: Digests,
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
    trainer(whole, recipe).train(StopSignal())
    trainer(parts, until(recipe, 12)).train(StopSignal())
    resumed = trainer(parts, recipe)
    resumed.resume()
    assert resumed.state.step == 3
    resumed.train(StopSignal())
    assert digests(whole) == digests(parts)
    assert timeless(whole) == timeless(parts)


def test_resume_with_a_truncated_checkpoint_restores_the_previous_one(
    tmp_path: Path, recipe: Recipe, trainer: Start, until: Until
) -> None:
    run = tmp_path / "run"
    trainer(run, until(recipe, 24, checkpoint_minutes=0)).train(StopSignal())
    truncated = run / FOLDER / "000000006" / OPTIMIZERS
    truncated.write_bytes(truncated.read_bytes()[:-1])
    leftover = run / FOLDER / ".000000007.0a1b2c.tmp"
    leftover.mkdir()
    resumed = trainer(run, recipe)
    resumed.resume()
    assert resumed.state.step == 5
    assert not leftover.exists()


def test_resume_with_a_truncated_checkpoint_moves_it_aside(
    tmp_path: Path, recipe: Recipe, trainer: Start, until: Until
) -> None:
    run = tmp_path / "run"
    trainer(run, until(recipe, 24, checkpoint_minutes=0)).train(StopSignal())
    truncated = run / FOLDER / "000000006" / OPTIMIZERS
    truncated.write_bytes(b"")
    resumed = trainer(run, until(recipe, 24, checkpoint_minutes=60, keep=1))
    resumed.resume()
    assert not truncated.exists()
    assert (run / FOLDER / "set-aside-000000006" / OPTIMIZERS).exists()
    resumed.train(StopSignal())
    assert newest(run)[0].name == "000000006"


def test_resume_with_another_recipe_raises(tmp_path: Path, recipe: Recipe, trainer: Start) -> None:
    run = tmp_path / "run"
    trainer(run, recipe).train(StopSignal())
    edited = replace(recipe, training=replace(recipe.training, batch_size=8, seed=3))
    with pytest.raises(RecipeError, match=r"training\.batch_size: 4 -> 8; training\.seed: 0 -> 3"):
        trainer(run, edited).resume()


@pytest.mark.parametrize("damage", [[], "quick", {"title": "x", "batch": 3}, {"network": [[]]}])
def test_resume_with_a_corrupt_recipe_in_the_metadata_raises(
    tmp_path: Path, recipe: Recipe, damage: object, trainer: Start, until: Until
) -> None:
    run = tmp_path / "run"
    trainer(run, until(recipe, 4)).train(StopSignal())
    folder = newest(run)[0]
    metadata = json.loads((folder / METADATA).read_text())
    (folder / METADATA).write_text(json.dumps(metadata | {"recipe": damage}))
    with pytest.raises(GanportError, match=folder.name):
        trainer(run, recipe).resume()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_resume_on_a_gpu_gives_the_same_bytes(
    tmp_path: Path, recipe: Recipe, dataset: Dataset, until: Until
) -> None:
    cuda = torch.device("cuda")
    half = replace(recipe, training=replace(recipe.training, precision="bf16"))
    enable_determinism()
    for run, lengths in (("whole", [24]), ("parts", [12, 24])):
        create_run_dir(tmp_path / run)
        for images in lengths:
            session = Trainer(tmp_path / run, until(half, images), dataset, cuda, log=print)
            session.resume()
            assert session.train(StopSignal())
    weights = [(newest(tmp_path / run)[0] / NETWORKS).read_bytes() for run in ("whole", "parts")]
    assert weights[0] == weights[1]
