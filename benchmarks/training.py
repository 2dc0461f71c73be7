"""Training: images per second against two hand-written loops, and the parts of a step."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import torch
from reference_training import TunedLoop, TutorialLoop
from step_profile import Engine, StepProfile, profile_step
from timing import Comparison, compare_paired, synchronized, time_interleaved

from ganport_train.backend.device import enable_determinism, resolve_device, resolve_precision
from ganport_train.cli.train import load_data
from ganport_train.config.recipe import Recipe
from ganport_train.config.recipes import load as load_recipe
from ganport_train.data import Dataset
from ganport_train.synthetic.writer import write_faces

RECIPES = ("anime-cgan", "quick", "flagship")
_FACES = 512
_PAUSE = 0.5
"""Seconds for the workers of a loader to fill their queue before the next measurement."""


@dataclass(frozen=True)
class Setting:
    """Data, device and rounds of a measurement."""

    data: Path
    device: torch.device
    rounds: int
    turn: int
    """Steps per measurement; enough for a GPU clock and the workers of a loader to settle."""

    @classmethod
    def short(cls, data: Path, device: torch.device, rounds: int = 3) -> Setting:
        """Return a setting with one step per measurement on a CPU, where a step takes a second."""
        return cls(data, device, rounds, turn=50 if device.type == "cuda" else 1)


def comparisons(folder: Path) -> Iterator[Comparison | StepProfile]:
    """Yield the short form: few rounds, on synthetic faces in a folder."""
    data = folder / "faces.zip"
    write_faces(data, _FACES, 64)
    setting = Setting.short(data, resolve_device("auto"))
    for name in RECIPES:
        yield from compared(name, setting)


def compared(
    name: str, setting: Setting, overrides: Sequence[str] = ()
) -> Iterator[Comparison | StepProfile]:
    """Yield a recipe against both references, and then the parts of its step."""
    recipe = load_recipe(name, overrides)
    wanted = resolve_precision(recipe.training.precision, setting.device)
    recipe = replace(recipe, training=replace(recipe.training, precision=wanted))
    dataset = load_data(recipe, setting.data, skip_bad=True)
    yield from _against(name, recipe, dataset, setting)
    yield profile_step(dataset, recipe, setting.device, setting.rounds)


def _against(name: str, recipe: Recipe, dataset: Dataset, setting: Setting) -> Iterator[Comparison]:
    enable_determinism()
    # The other loops have no diversity loss and no classifier head.
    network = recipe.network
    network_without_head = replace(
        network, discriminator=network.discriminator.replace("_head", "")
    )
    method = replace(recipe.method, diversity_weight=0.0)
    recipe = replace(recipe, network=network_without_head, method=method)
    ours = Engine(dataset, recipe, setting.device)
    rest = (recipe, dataset.conditions, setting.device)
    tutorial = TutorialLoop(setting.data, dataset.vectors, *rest)
    bf16 = recipe.training.precision == "bf16"
    tuned = TunedLoop(dataset.images, dataset.vectors, *rest, bf16=bf16)
    works = [
        synchronized(loop.step, setting.device, setting.turn) for loop in (ours, tuned, tutorial)
    ]
    columns = time_interleaved([lambda: time.sleep(_PAUSE), *works], setting.rounds)[1:]
    images = recipe.training.batch_size * setting.turn
    fastest = images / sorted(columns[0])[len(columns[0]) // 2]
    step = f"{name}, {fastest:,.0f} images/s on {setting.device.type}"
    yield compare_paired(f"{step}: against the loop of the DCGAN tutorial", columns[0], columns[2])
    yield compare_paired(f"{step}: against a tuned loop", columns[0], columns[1])


@click.command()
@click.argument("recipes", nargs=-1)
@click.option("--data", type=click.Path(path_type=Path, exists=True), help="[default: drawn faces]")
@click.option("--device", default="auto", show_default=True)
@click.option("--rounds", default=11, show_default=True, type=click.IntRange(2))
@click.option("--turn", type=click.IntRange(1), help="Steps a turn.")
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE")
def main(
    recipes: tuple[str, ...],
    data: Path | None,
    device: str,
    rounds: int,
    turn: int | None,
    overrides: tuple[str, ...],
) -> None:
    """Time RECIPES, or the default ones, against two hand-written loops."""
    with tempfile.TemporaryDirectory() as folder:
        if data is None:
            data = Path(folder) / "faces.zip"
            write_faces(data, _FACES, 64)
        setting = Setting.short(data, resolve_device(device), rounds)
        setting = replace(setting, turn=turn or setting.turn)
        for name in recipes or RECIPES:
            for found in compared(name, setting, overrides):
                print(found.line(), flush=True)


if __name__ == "__main__":
    main()
