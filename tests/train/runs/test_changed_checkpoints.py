"""Checkpoints that another program changed: an error names the tensor, and nothing is loaded."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from ganport_models import Checkpoint, CheckpointError
from ganport_models.metadata import METADATA, WEIGHTS, describe_files
from ganport_models.selection import newest
from ganport_runtime.errors import GanportError
from ganport_train.config import recipes
from ganport_train.config.recipe import Recipe
from ganport_train.config.sections import OPTIMIZERS as OPTIMIZER_NAMES
from ganport_train.data import Dataset
from ganport_train.engine.trainer import Trainer
from ganport_train.runs.checkpoint_manager import NETWORKS, OPTIMIZERS
from ganport_train.runs.run_dir import create_run_dir
from ganport_train.runs.train_state import DivergedError, StopSignal

Start = Callable[..., Trainer]


def update_digests(folder: Path) -> None:
    """Describe changed files in the metadata, as an edit by another program may do."""
    metadata = json.loads((folder / METADATA).read_text())
    (folder / METADATA).unlink()
    metadata["files"] = describe_files(folder)
    (folder / METADATA).write_text(json.dumps(metadata))


@pytest.fixture(scope="module")
def two_steps(dataset: Dataset, tiny: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the last checkpoint of a run of two steps."""
    run = tmp_path_factory.mktemp("two steps") / "run"
    create_run_dir(run)
    recipe = recipes.load("quick", [*tiny, "length.max_images=8", "logging.eval_images=0"])
    Trainer(run, recipe, dataset, torch.device("cpu"), log=lambda line: None).train(StopSignal())
    return newest(run)[0]


@pytest.fixture
def checkpoint(two_steps: Path, tmp_path: Path) -> Path:
    """Return a copy of that checkpoint in a run of its own."""
    return Path(shutil.copytree(two_steps, tmp_path / "run" / "checkpoints" / two_steps.name))


def refuse(checkpoint: Path, recipe: Recipe, trainer: Start) -> str:
    """Return the error of a resume, which must not change the networks or the optimizers."""
    update_digests(checkpoint)
    session = trainer(checkpoint.parents[1], recipe)
    before = {name: value.clone() for name, value in session.model.tensors().items()}
    with pytest.raises(CheckpointError) as caught:
        session.resume()
    for name, value in session.model.tensors().items():
        assert torch.equal(value, before[name]), name
    assert session.model.optimizer_tensors() == {}
    return str(caught.value)


State = dict[Any, dict[Any, Any]]


def with_value(name: str, change: Callable[[torch.Tensor], object]) -> Callable[[State], object]:
    """Return a change of one entry of the first parameter."""

    def edit(state: State) -> object:
        state[0][name] = change(state[0][name])
        return state

    return edit


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (with_value("exp_avg", lambda x: x[:1]), "first generator/0/exp_avg: float32 (1,"),
        (with_value("exp_avg", lambda x: x.double()), "generator/0/exp_avg: float64 ("),
        (with_value("exp_avg_sq", lambda x: x / 0), "generator/0/exp_avg_sq: NaN or infinity"),
        (with_value("exp_avg", lambda x: 3), "generator/0/exp_avg: int that is not a dense"),
        (with_value("exp_avg", lambda x: x.to("meta")), "exp_avg: Tensor that is not a dense"),
        (with_value("exp_avg_sq", lambda x: x - 1), "generator/0/exp_avg_sq of -1"),
        (with_value("step", lambda x: x - 9), "generator/0/step of -7"),
        (with_value("step", lambda x: x * 0), "generator/0/step of 0"),
        (with_value("step", lambda x: x + 0.5), "generator/0/step of 2.5"),
        (lambda state: {}, "generator/0/exp_avg: absent, not float32"),
        (lambda state: state | {1: {}}, "first generator/1/exp_avg: absent, not float32"),
        (with_value("step", lambda x: x.expand(1 << 40)), "generator/0/step: float32 (1099511"),
        (lambda state: state | {0: state[0] | {"more": state[0]["step"]}}, "0/more: float32 ()"),
        (lambda state: state | {0: {"step": torch.tensor(2.0)}}, "exp_avg: absent, not float32"),
        (lambda state: state | {999: state[0]}, "generator/999/exp_avg: float32"),
        (lambda state: [*state], "generator: no optimizer state"),
        (lambda state: {0: 3}, "generator: no optimizer state"),
        (lambda state: None, "generator: no optimizer state"),
    ],
)
def test_restore_names_the_tensor_of_another_optimizer(
    checkpoint: Path, recipe: Recipe, trainer: Start, edit: Callable[[State], object], expected: str
) -> None:
    path = checkpoint / OPTIMIZERS
    states = torch.load(path, weights_only=True)
    states["generator"]["state"] = edit(states["generator"]["state"])
    torch.save(states, path)
    assert expected in refuse(checkpoint, recipe, trainer)


def test_restore_refuses_a_negative_second_moment_with_the_next_step(
    checkpoint: Path, recipe: Recipe, trainer: Start
) -> None:
    path = checkpoint / OPTIMIZERS
    states = torch.load(path, weights_only=True)
    states["discriminator"]["state"][2]["exp_avg_sq"].view(-1)[0] = -0.5
    torch.save(states, path)
    message = refuse(checkpoint, recipe, trainer)
    assert str(path) in message
    assert "expected second moments of at least 0" in message
    assert "discriminator/2/exp_avg_sq of -0.5" in message
    assert "earlier checkpoint" in message


@pytest.mark.parametrize("optimizer", OPTIMIZER_NAMES)
def test_restore_refuses_an_empty_state_only_after_the_first_step(
    tmp_path: Path, recipe: Recipe, trainer: Start, optimizer: str
) -> None:
    both = {"generator": optimizer, "discriminator": optimizer}
    recipe = replace(
        recipe,
        optimizer=replace(recipe.optimizer, beta1=0.5, **both),
        method=replace(recipe.method, discriminator_steps=4),
    )
    run = tmp_path / "run"
    short = replace(recipe, length=replace(recipe.length, max_images=12))
    trainer(run, short).train(StopSignal())
    # After three of four discriminator steps the generator has not made a step.
    again = trainer(run, recipe)
    again.resume()
    assert {name.split("/")[0] for name in again.model.optimizer_tensors()} == {"discriminator"}
    again.train(StopSignal())
    path = newest(run)[0] / OPTIMIZERS
    states = torch.load(path, weights_only=True)
    states["generator"]["state"] = {}
    torch.save(states, path)
    assert "generator/0/" in refuse(path.parent, recipe, trainer)


def test_restore_accepts_frozen_parameters_and_sgd_without_momentum(
    tmp_path: Path, recipe: Recipe, trainer: Start
) -> None:
    recipe = replace(recipe, optimizer=replace(recipe.optimizer, beta1=0.0, discriminator="sgd"))
    first, again = trainer(tmp_path / "run", recipe), trainer(tmp_path / "run", recipe)
    for session in (first, again):
        next(session.method.generator.parameters()).requires_grad_(False)
    first.train(StopSignal())
    again.resume()
    names = {name.rpartition("/")[0] for name in again.model.optimizer_tensors()}
    assert "generator/0" not in names
    assert "generator/1" in names


@pytest.mark.parametrize("content", [b"", b"no pickle", b"PK\x03\x04", b"\x80\x02]."])
def test_restore_of_a_file_that_is_no_optimizer_state_fails(
    checkpoint: Path, recipe: Recipe, trainer: Start, content: bytes
) -> None:
    (checkpoint / OPTIMIZERS).write_bytes(content)
    assert OPTIMIZERS in refuse(checkpoint, recipe, trainer)


def test_restore_copies_an_expanded_tensor(
    checkpoint: Path, recipe: Recipe, trainer: Start
) -> None:
    path = checkpoint / OPTIMIZERS
    states = torch.load(path, weights_only=True)
    first = states["generator"]["state"][0]
    first["exp_avg"] = torch.zeros(()).expand(first["exp_avg"].shape)
    torch.save(states, path)
    update_digests(checkpoint)
    session = trainer(checkpoint.parents[1], recipe)
    session.resume()
    restored = session.model.optimizer_tensors()["generator/0/exp_avg"]
    assert restored.untyped_storage().nbytes() == restored.numel() * restored.element_size()
    assert session.train(StopSignal())


def test_restore_takes_optimizer_options_from_the_recipe(
    checkpoint: Path, recipe: Recipe, trainer: Start
) -> None:
    path = checkpoint / OPTIMIZERS
    states = torch.load(path, weights_only=True)
    states["generator"]["param_groups"][0].update(betas="high", eps=None, fused=3)
    torch.save(states, path)
    update_digests(checkpoint)
    session = trainer(checkpoint.parents[1], recipe)
    session.resume()
    assert session.train(StopSignal())


@pytest.mark.parametrize(
    ("name", "edit", "expected"),
    [
        ("generator/", lambda x: x[:1], "float32 (1,"),
        ("average/module.", lambda x: x.double(), "float64 ("),
        ("average/module.", lambda x: x * torch.nan, "NaN or infinity"),
        ("discriminator/", lambda x: x * torch.inf, "NaN or infinity"),
        ("average/n_averaged", lambda x: x.float(), "float32 (), not int64 ()"),
        ("average/n_averaged", lambda x: x - 9, "average/n_averaged of -7"),
        ("generator/", None, "absent, not float32 ("),
    ],
)
def test_restore_names_the_tensor_of_another_network(
    checkpoint: Path,
    recipe: Recipe,
    trainer: Start,
    name: str,
    edit: Callable[[torch.Tensor], torch.Tensor] | None,
    expected: str,
) -> None:
    path = checkpoint / NETWORKS
    tensors = safetensors.torch.load_file(path)
    changed = next(
        key
        for key in sorted(tensors)
        if key.startswith(name) and key.endswith(("weight", "averaged"))
    )
    if edit:
        tensors[changed] = edit(tensors[changed]).contiguous()
    else:
        del tensors[changed]
    safetensors.torch.save_file(tensors, path)
    message = refuse(checkpoint, recipe, trainer)
    assert changed in message
    assert expected in message


def test_load_of_weights_that_are_not_finite_names_the_first(checkpoint: Path) -> None:
    path = checkpoint / WEIGHTS
    weights = {name: x * torch.nan for name, x in safetensors.torch.load_file(path).items()}
    floats = {name: x for name, x in weights.items() if x.is_floating_point()}
    safetensors.torch.save_file(safetensors.torch.load_file(path) | floats, path)
    update_digests(checkpoint)
    with pytest.raises(CheckpointError, match=f"first {sorted(floats)[0]}: NaN or infinity"):
        Checkpoint.load(checkpoint)


def test_save_refuses_an_optimizer_state_that_is_not_finite(
    tmp_path: Path, recipe: Recipe, trainer: Start
) -> None:
    session = trainer(tmp_path / "run", recipe)
    session.train(StopSignal())
    session.model.optimizer_tensors()["generator/0/exp_avg_sq"].fill_(torch.inf)
    with pytest.raises(DivergedError, match=r"optimizer state generator/0/exp_avg_sq at step 6"):
        session.save()


@pytest.mark.parametrize("optimizer", OPTIMIZER_NAMES)
def test_restore_continues_with_each_optimizer(
    tmp_path: Path, recipe: Recipe, trainer: Start, optimizer: str
) -> None:
    both = {"generator": optimizer, "discriminator": optimizer}
    recipe = replace(recipe, optimizer=replace(recipe.optimizer, beta1=0.5, **both))
    session = trainer(tmp_path / "run", recipe)
    session.train(StopSignal())
    again = trainer(tmp_path / "run", recipe)
    again.resume()
    saved = session.model.optimizer_tensors()
    assert saved
    for name, value in again.model.optimizer_tensors().items():
        assert torch.equal(value, saved.pop(name))
    assert saved == {}


@pytest.mark.parametrize("seconds", [[], "2", None, True])
def test_restore_of_metadata_without_a_time_fails(
    checkpoint: Path, recipe: Recipe, trainer: Start, seconds: object
) -> None:
    path = checkpoint / METADATA
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seconds": seconds}))
    with pytest.raises(GanportError, match="seconds: expected a number"):
        trainer(checkpoint.parents[1], recipe).resume()


def test_restore_refuses_negative_seconds(checkpoint: Path, recipe: Recipe, trainer: Start) -> None:
    path = checkpoint / METADATA
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seconds": -1e9}))
    message = refuse(checkpoint, recipe, trainer)
    assert str(checkpoint) in message
    assert "seconds: expected a number of at least 0" in message
    assert "-1e+09" in message
    assert "earlier checkpoint" in message


@pytest.mark.parametrize("counter", ["step", "images"])
@pytest.mark.parametrize("value", ["-1", "1.5", "NaN", "1e400"])
def test_restore_refuses_counters_that_are_not_whole_numbers(
    checkpoint: Path, recipe: Recipe, trainer: Start, counter: str, value: str
) -> None:
    path = checkpoint / METADATA
    number = json.loads(path.read_text())[counter]
    path.write_text(path.read_text().replace(f'"{counter}": {number}', f'"{counter}": {value}'))
    with pytest.raises(CheckpointError, match=METADATA):
        trainer(checkpoint.parents[1], recipe).resume()


def test_restore_refuses_a_negative_variance(
    checkpoint: Path, recipe: Recipe, trainer: Start
) -> None:
    path = checkpoint / NETWORKS
    tensors = safetensors.torch.load_file(path)
    changed = next(key for key in sorted(tensors) if key.endswith("running_var"))
    tensors[changed][0] = -2
    safetensors.torch.save_file(tensors, path)
    assert f"{changed} of -2" in refuse(checkpoint, recipe, trainer)
