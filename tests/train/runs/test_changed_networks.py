"""Metadata and networks that another program changed: a resume names what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from ganport_models import Checkpoint, CheckpointError
from ganport_models.metadata import METADATA, WEIGHTS
from ganport_runtime.errors import GanportError
from ganport_train.config.recipe import Recipe
from ganport_train.engine.trainer import Trainer
from ganport_train.runs.checkpoint_manager import NETWORKS

Start = Callable[..., Trainer]
Refusal = Callable[..., str]


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
    name: str,
    edit: Callable[[torch.Tensor], torch.Tensor] | None,
    expected: str,
    refusal: Refusal,
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
    message = refusal(checkpoint)
    assert changed in message
    assert expected in message


def test_load_of_weights_that_are_not_finite_names_the_first(
    checkpoint: Path,
    update_digests: Callable[[Path], None],
) -> None:
    path = checkpoint / WEIGHTS
    weights = {name: x * torch.nan for name, x in safetensors.torch.load_file(path).items()}
    floats = {name: x for name, x in weights.items() if x.is_floating_point()}
    safetensors.torch.save_file(safetensors.torch.load_file(path) | floats, path)
    update_digests(checkpoint)
    with pytest.raises(CheckpointError, match=f"first {sorted(floats)[0]}: NaN or infinity"):
        Checkpoint.load(checkpoint)


@pytest.mark.parametrize("seconds", [[], "2", None, True])
def test_restore_of_metadata_without_a_time_fails(
    checkpoint: Path, recipe: Recipe, trainer: Start, seconds: object
) -> None:
    path = checkpoint / METADATA
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seconds": seconds}))
    with pytest.raises(GanportError, match="seconds: expected a number"):
        trainer(checkpoint.parents[1], recipe).resume()


def test_restore_refuses_negative_seconds(
    checkpoint: Path,
    refusal: Refusal,
) -> None:
    path = checkpoint / METADATA
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seconds": -1e9}))
    message = refusal(checkpoint)
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
    checkpoint: Path,
    refusal: Refusal,
) -> None:
    path = checkpoint / NETWORKS
    tensors = safetensors.torch.load_file(path)
    changed = next(key for key in sorted(tensors) if key.endswith("running_var"))
    tensors[changed][0] = -2
    safetensors.torch.save_file(tensors, path)
    assert f"{changed} of -2" in refusal(checkpoint)
