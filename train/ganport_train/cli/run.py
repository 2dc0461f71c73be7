"""A run of training from a recipe and a data set to its exit code, new or resumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import tomli_w
import torch

from ganport_runtime.conditions import Conditions
from ganport_train.backend.device import make_exact, precision
from ganport_train.backend.distributed import ALONE, Processes
from ganport_train.config import presets, recipes
from ganport_train.config.parsing import RecipeError, parse
from ganport_train.config.presets import Presets
from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset, load_dataset
from ganport_train.engine.trainer import Trainer
from ganport_train.methods.build import build_method
from ganport_train.runs import run_dir as run_folder
from ganport_train.runs.recovery import survivable
from ganport_train.runs.run_dir import Surroundings
from ganport_train.runs.stop_signal import interruptible

if TYPE_CHECKING:
    from ganport_train.evaluation.judge.judge import Judge

_NO_JUDGE = Path("none")
COLLAPSED, STOPPED = 4, 130
"""What a run that is not complete exits with."""


def start(
    recipe: Recipe,
    data: Path,
    out: Path,
    device: str,
    skip_bad: bool,
    judge: Path | None,
    processes: Processes = ALONE,
    fits: Presets | None = None,
) -> int:
    """Begins a run in a new folder, with those of its presets that fit the number of pictures, the
    device and the minutes.

    Returns the exit code, 0 when the run is complete.
    """
    with processes.united(leader_first=True):
        if processes.leads:
            run_folder.check_free(out)
        chosen = processes.device(device)
        dataset = load_data(recipe, data, skip_bad)
        fits = fits or presets.none(recipe)
        recipe, lines = fits.fitted(pictures(recipe, dataset), chosen)
        resolved = precision(recipe.training.precision, chosen)
        recipe = replace(recipe, training=replace(recipe.training, precision=resolved))
        loaded = load_judge(judge, chosen)
        surroundings = _surroundings(data, dataset, chosen, skip_bad, judge, loaded, processes)
        with survivable(out):
            trainer = Trainer(out, recipe, dataset, chosen, click.echo, loaded, processes)
    with processes.united():
        if processes.leads:
            run_folder.create(out)
            run_folder.write_config(out, recipe, surroundings)
    trainer.say(tomli_w.dumps(recipe.to_json()))
    for line in lines:
        trainer.say(line)
    trainer.say(sizes(recipe, dataset.conditions))
    return _train(trainer, surroundings)


def go_on(
    run: Path,
    overrides: Sequence[str],
    device: str,
    data: Path | None,
    skip_bad: bool,
    judge: Path | None,
    processes: Processes = ALONE,
) -> int:
    """Resumes a run; length, logging, device and judge may change, the data set may have moved.

    Returns the exit code, 0 when the run is complete.
    """
    with processes.united(leader_first=True):
        before, earlier = run_folder.read_config(run)
        recipe = parse(Recipe, recipes.override(before.to_json(), overrides), place="--set")
        run_folder.check_same(before, recipe, f"--resume {run}")
        skip_bad = skip_bad or earlier.skip_bad
        chosen = processes.device(earlier.device if device == "auto" else device)
        path = data or Path(earlier.data)
        dataset = load_data(recipe, path, skip_bad)
        _check_same_data(path, dataset.digest, earlier.data_digest)
        judge = judge or (Path(earlier.judge) if earlier.judge else None)
        loaded = load_judge(judge, chosen)
        surroundings = _surroundings(path, dataset, chosen, skip_bad, judge, loaded, processes)
        surroundings = replace(surroundings, rollback=earlier.rollback)
        with survivable(run):
            trainer = Trainer(run, recipe, dataset, chosen, click.echo, loaded, processes)
    for change in surroundings.inexact(earlier):
        trainer.say(f"note: {change}; the run goes on, but no longer bit for bit as before")
    if surroundings.judge_digest != earlier.judge_digest:
        trainer.say("note: another judge; from here on scores are compared with its own alone")
    with survivable(run):
        trainer.resume(earlier.rollback)
    with processes.united():
        if processes.leads:
            run_folder.write_config(run, recipe, surroundings)
    return _train(trainer, surroundings)


def _train(trainer: Trainer, surroundings: Surroundings) -> int:
    count = surroundings.processes
    each = f" in each of {count} processes" if count > 1 else ""
    trainer.say(f"training on {surroundings.device} with {surroundings.threads} threads{each}")
    if trainer.complete:
        trainer.say(
            f"nothing to do: {trainer.images:,} pictures seen. To go on, raise the length: "
            f"train-gan --resume {trainer.folder} --set length.max_images=N"
        )
        return 0
    make_exact()
    with interruptible() as interrupt, survivable(trainer.folder):
        complete = trainer.train(interrupt)
    folder = trainer.folder
    if trainer.watch.collapsed and not complete:
        trainer.say(
            f"stopped: it has collapsed. To go on all the same: train-gan --resume {folder}"
        )
        return COLLAPSED
    if complete:
        trainer.say(
            f"done: {trainer.images:,} pictures seen. Next: export-gan {folder} --format "
            f"onnx --out {folder.name}.ganport"
        )
        return 0
    trainer.say(f"stopped and saved. Go on with: train-gan --resume {folder}")
    return STOPPED


def load_data(recipe: Recipe, data: Path, skip_bad: bool) -> Dataset:
    """The data set at a path, as a recipe wants it."""
    return load_dataset(
        data,
        resolution=recipe.data.resolution,
        conditions=recipe.vocabulary(),
        format=recipe.data.format,
        attributes=recipe.data.attributes,
        skip_bad=skip_bad,
    )


def pictures(recipe: Recipe, dataset: Dataset) -> int:
    """How many pictures of a data set a run learns from."""
    return len(dataset.split(recipe.data.val_fraction)[0])


def load_judge(path: Path | None, device: torch.device) -> Judge | None:
    """The judge at a path; None for no path, and for `none`."""
    if path is None or path == _NO_JUDGE:
        return None
    from ganport_train.evaluation.judge.judge import (
        Judge,  # brings torchvision, which takes a second
    )

    return Judge.load(path, device)


def _surroundings(
    data: Path,
    dataset: Dataset,
    device: torch.device,
    skip_bad: bool,
    path: Path | None,
    judge: Judge | None,
    processes: Processes,
) -> Surroundings:
    return Surroundings.now(
        data,
        dataset.digest,
        device,
        skip_bad=skip_bad,
        judge=path if judge else None,
        judge_digest=judge.digest if judge else "",
        processes=processes.count,
    )


def sizes(recipe: Recipe, conditions: Conditions) -> str:
    """A line for each network of a recipe; raises RecipeError for one that cannot be built."""
    networks = build_method(recipe, conditions, torch.device("cpu")).networks
    counts = {name: sum(p.numel() for p in net.parameters()) for name, net in networks.items()}
    return "\n".join(f"# {name}: {count:,} parameters" for name, count in counts.items())


def _check_same_data(path: Path, found: str, expected: str) -> None:
    if found != expected:
        raise RecipeError(
            f"data set {path}",
            expected=f"the one the run began with (digest {expected[:16]})",
            found=f"another (digest {found[:16]})",
            fix="Name the right one with --data, or start a new run with --out.",
        )
