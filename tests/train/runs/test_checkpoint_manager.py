"""Checkpoints of a run: files, metadata, removal of old ones, and restoring."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganport_models import CheckpointError, build_generator
from ganport_models.metadata import WEIGHTS, read_metadata
from ganport_models.resolution import to_size
from ganport_models.selection import FOLDER, newest, select_checkpoint
from ganport_runtime.bundle.manifest import DIRECTIONS_NAME
from ganport_runtime.bundle.readers import read_tensors
from ganport_runtime.conditions import Conditions
from ganport_runtime.images.format import ImageFormat
from ganport_train.config.recipe import Recipe
from ganport_train.engine.trainer import Trainer
from ganport_train.runs.checkpoint_manager import CheckpointManager, ModelState
from ganport_train.runs.train_state import NO_ROLLBACK, Rollback, StopSignal, TrainState

CONDITIONS = Conditions.one_hots({"hair": ["red", "blue"]})
Start = Callable[..., Trainer]


def save(
    run: Path,
    recipe: Recipe,
    step: int,
    score: float | None = None,
    rollback: Rollback = NO_ROLLBACK,
    directions: dict[str, torch.Tensor] | None = None,
) -> Path:
    """Save a checkpoint of an empty training state."""
    generator = build_generator("film_dcgan", recipe.network_config(CONDITIONS))
    image = ImageFormat(to_size(recipe.data.resolution))
    manager = CheckpointManager(run, recipe, CONDITIONS, image, ModelState({}, {}))
    scores: dict[str, Any] = {"extractor": "pixels", "eval_images": 8, "collapsed": False}
    run.mkdir(exist_ok=True)
    return manager.save(
        TrainState(batch_size=4, training_size=8, step=step, seconds=2.5),
        generator,
        rollback,
        None if score is None else scores | {"score": score},
        directions or {},
    )


@pytest.mark.parametrize(
    ("scores", "keep", "left"),
    [
        ([0.1, 0.9, 0.2, 0.3, 0.4], 2, [1, 3, 4]),
        ([0.1, 0.2, 0.3, 0.4], 2, [2, 3]),
        ([0.9, 0.2, 0.95, 0.3], 1, [2, 3]),
        ([None, None, None], 1, [2]),
        ([0.5, None, None, None], 1, [0, 3]),
    ],
)
def test_save_keeps_the_newest_and_the_best(
    tmp_path: Path, recipe: Recipe, scores: list[float | None], keep: int, left: list[int]
) -> None:
    recipe = replace(recipe, logging=replace(recipe.logging, keep=keep))
    for step, score in enumerate(scores):
        save(tmp_path, recipe, step, score)
    assert [int(folder.name) for folder in sorted((tmp_path / FOLDER).iterdir())] == left


def test_save_metadata_has_position_recipe_and_score(tmp_path: Path, recipe: Recipe) -> None:
    save(tmp_path, recipe, 3, score=0.7)
    metadata = select_checkpoint(tmp_path).metadata
    assert (metadata["step"], metadata["images"], metadata["seconds"]) == (3, 12, 2.5)
    assert metadata["recipe"]["title"] == recipe.title
    assert metadata["score"]["score"] == 0.7
    assert "rollback" not in metadata


def test_save_metadata_has_the_rollback(tmp_path: Path, recipe: Recipe) -> None:
    rollback = Rollback(step=0, lr_factor=0.5, reason="nan in d_loss at step 1")
    save(tmp_path, recipe, 1, rollback=rollback)
    assert newest(tmp_path)[1]["rollback"] == asdict(rollback)


def test_save_writes_the_directions_of_a_flow(tmp_path: Path, recipe: Recipe) -> None:
    # A slice of a larger channels-last tensor, as a network on a GPU may return it.
    values = torch.arange(96.0).reshape(2, 3, 4, 4).to(memory_format=torch.channels_last)
    folder = save(tmp_path, recipe, 3, directions={"face/old": values[1]})
    assert set(read_metadata(folder)["files"]) >= {DIRECTIONS_NAME, WEIGHTS}
    written = read_tensors((folder / DIRECTIONS_NAME).read_bytes(), DIRECTIONS_NAME)
    np.testing.assert_array_equal(written["face/old"], values[1].numpy())
    assert DIRECTIONS_NAME not in read_metadata(save(tmp_path, recipe, 4))["files"]


def test_restore_loads_weights_and_position(tmp_path: Path, recipe: Recipe, trainer: Start) -> None:
    run = tmp_path / "run"
    first = trainer(run, recipe)
    first.train(StopSignal())
    with torch.no_grad():
        next(first.method.generator.parameters()).fill_(0.25)
    first.state.restore(7, 1.5)
    first.save()
    second = trainer(run, recipe)
    assert second.checkpoints.restore(second.state, lambda line: None)
    assert (second.state.step, second.state.seconds) == (7, 1.5)
    assert bool((next(second.method.generator.parameters()) == 0.25).all())


def test_restore_without_checkpoints_changes_nothing(
    tmp_path: Path, recipe: Recipe, trainer: Start
) -> None:
    state = TrainState(4, 8)
    assert not trainer(tmp_path / "run", recipe).checkpoints.restore(state, print)
    assert state == TrainState(4, 8)


class Malicious:
    def __reduce__(self) -> Any:
        return (print, ("unpickled",))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (Malicious(), "objects other than tensors"),
        ([], "a list"),
        (b"", "a complete, unaltered checkpoint file"),
    ],
)
def test_load_of_hostile_optimizers_raises_printable_text_without_running_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: Any, found: str
) -> None:
    state = ModelState({}, {})
    state.save(tmp_path)
    path = tmp_path / "optimizers.pt"
    if content == b"":
        path.write_bytes(path.read_bytes().replace(b"optimizers/", b"optimizers\x1b"))
    else:
        torch.save(content, path)
    with pytest.raises(CheckpointError, match=found) as caught:
        state.load(tmp_path)
    assert str(caught.value).isprintable()
    assert "unpickled" not in capsys.readouterr().out
