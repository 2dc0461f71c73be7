"""Checkpoints that another program changed: an error names the tensor, and nothing is loaded."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ganport_models.selection import newest
from ganport_train.config.recipe import Recipe
from ganport_train.config.sections import OPTIMIZERS as OPTIMIZER_NAMES
from ganport_train.engine.trainer import Trainer
from ganport_train.runs.checkpoint_manager import OPTIMIZERS
from ganport_train.runs.train_state import DivergedError, StopSignal

Start = Callable[..., Trainer]
Refusal = Callable[..., str]
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
    checkpoint: Path,
    edit: Callable[[State], object],
    expected: str,
    refusal: Refusal,
) -> None:
    path = checkpoint / OPTIMIZERS
    states = torch.load(path, weights_only=True)
    states["generator"]["state"] = edit(states["generator"]["state"])
    torch.save(states, path)
    assert expected in refusal(checkpoint)


def test_restore_refuses_a_negative_second_moment_with_the_next_step(
    checkpoint: Path,
    refusal: Refusal,
) -> None:
    path = checkpoint / OPTIMIZERS
    states = torch.load(path, weights_only=True)
    states["discriminator"]["state"][2]["exp_avg_sq"].view(-1)[0] = -0.5
    torch.save(states, path)
    message = refusal(checkpoint)
    assert str(path) in message
    assert "expected second moments of at least 0" in message
    assert "discriminator/2/exp_avg_sq of -0.5" in message
    assert "earlier checkpoint" in message


@pytest.mark.parametrize("optimizer", OPTIMIZER_NAMES)
def test_restore_refuses_an_empty_state_only_after_the_first_step(
    tmp_path: Path,
    recipe: Recipe,
    trainer: Start,
    optimizer: str,
    refusal: Refusal,
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
    assert "generator/0/" in refusal(path.parent, recipe)


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
    checkpoint: Path,
    content: bytes,
    refusal: Refusal,
) -> None:
    (checkpoint / OPTIMIZERS).write_bytes(content)
    assert OPTIMIZERS in refusal(checkpoint)


def test_restore_copies_an_expanded_tensor(
    checkpoint: Path,
    recipe: Recipe,
    trainer: Start,
    update_digests: Callable[[Path], None],
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
    checkpoint: Path,
    recipe: Recipe,
    trainer: Start,
    update_digests: Callable[[Path], None],
) -> None:
    path = checkpoint / OPTIMIZERS
    states = torch.load(path, weights_only=True)
    states["generator"]["param_groups"][0].update(betas="high", eps=None, fused=3)
    torch.save(states, path)
    update_digests(checkpoint)
    session = trainer(checkpoint.parents[1], recipe)
    session.resume()
    assert session.train(StopSignal())


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
