"""`train-gan`: train a recipe on a data set in a run folder, or resume a run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import tomli_w
import torch

from ganport_runtime.cli.condition_args import GreedyCommand
from ganport_runtime.conditions import Conditions
from ganport_train.backend.device import enable_determinism, resolve_device, resolve_precision
from ganport_train.backend.distributed import SINGLE, ProcessGroup, init_process_group
from ganport_train.config import presets, recipes
from ganport_train.config.parsing import RecipeError, describe, parse
from ganport_train.config.presets import Presets
from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset, load_dataset
from ganport_train.engine.trainer import Trainer
from ganport_train.methods.build import build_method
from ganport_train.runs import run_dir
from ganport_train.runs.recovery import catch_stop_signals, translate_fatal_errors
from ganport_train.runs.run_dir import RunEnvironment

if TYPE_CHECKING:
    from ganport_train.evaluation.judge.judge import Judge

COLLAPSED, STOPPED = 4, 130
"""Exit codes of a run that is not complete."""
_NO_JUDGE = Path("none")
_PATH = click.Path(path_type=Path)


@click.command(name="train-gan", cls=GreedyCommand)
@click.argument("recipe", required=False)
@click.option("--data", type=_PATH, help="Folder or zip of tagged images.")
@click.option("--out", type=_PATH, help="Folder of the new run.")
@click.option("--resume", type=_PATH, help="Folder of a run to continue.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE...", help="Override options.")
@click.option("--judge", type=_PATH, help="Judge that scores the checkpoints; none = use pixels.")
@click.option("--stop-when-collapsed", is_flag=True, help="Stop after two collapsed scores.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--skip-bad", is_flag=True, help="Skip images that cannot be used.")
@click.option("--dry-run", is_flag=True, help="Print the resolved recipe and exit.")
@click.option("--list", "lists_recipes", is_flag=True, help="List the recipes.")
@click.option("--options", "lists_options", is_flag=True, help="List all options of --set.")
def train_gan(
    recipe: str | None,
    data: Path | None,
    out: Path | None,
    resume: Path | None,
    overrides: Sequence[str],
    judge: Path | None,
    stop_when_collapsed: bool,
    device: str,
    skip_bad: bool,
    dry_run: bool,
    lists_recipes: bool,
    lists_options: bool,
) -> None:
    """Train a conditional generator: train-gan RECIPE --data PATH --out RUN.

    Every checkpoint is scored, and export-gan selects the best one. Exit codes: 0 complete, 1
    error, 2 usage, 3 diverged, 4 collapsed, 6 missing dependency, 130 stopped and saved.
    """
    if stop_when_collapsed:
        overrides = [*overrides, "logging.stop_when_collapsed=true"]
    if lists_recipes:
        list_recipes()
    elif lists_options:
        click.echo("\n".join(describe(Recipe)))
    elif resume:
        _reject_options("--resume", {"RECIPE": recipe, "--out": out, "--dry-run": dry_run or None})
        with init_process_group() as processes:
            code = resume_run(resume, overrides, device, data, skip_bad, judge, processes)
        sys.exit(code)
    elif recipe is None:
        raise click.UsageError("Name a RECIPE (see train-gan --list), or --resume RUN.")
    elif dry_run:
        resolved = recipes.load(recipe, overrides)
        print_recipe(resolved, presets.load(recipe, overrides), data, skip_bad, device)
    elif data is None or out is None:
        raise click.UsageError("A new run needs --data PATH and --out RUN.")
    else:
        resolved, choices = recipes.load(recipe, overrides), presets.load(recipe, overrides)
        with init_process_group() as processes:
            code = start_run(resolved, data, out, device, skip_bad, judge, processes, choices)
        sys.exit(code)


def list_recipes() -> None:
    """Print each shipped recipe with its title, source and presets."""
    names = recipes.names()
    width = max(map(len, names))
    for name in names:
        recipe = recipes.load(name)
        click.echo(f"{name:<{width}}  {recipe.title}  ({recipe.source})")
        for line in presets.load(name).lines():
            click.echo(f"{'':<{width}}  {line.removeprefix('preset for ')}")


def print_recipe(
    recipe: Recipe, choices: Presets, data: Path | None, skip_bad: bool, device: str
) -> None:
    """Print the resolved recipe, its presets, and the parameter counts of its networks.

    With a data set the presets for it are applied; without one all presets are listed, and the
    counts need a recipe with conditions.
    """
    dataset, lines = load_data(recipe, data, skip_bad) if data else None, list(choices.lines())
    if dataset:
        recipe, lines = choices.select(training_size(recipe, dataset), resolve_device(device))
    click.echo(tomli_w.dumps(recipe.to_json()))
    click.echo("".join(f"# {line}\n" for line in lines), nl=False)
    conditions = dataset.conditions if dataset else recipe.vocabulary()
    if conditions is None:
        click.echo("# --data PATH adds the sizes of the networks.")
    else:
        click.echo(parameter_counts(recipe, conditions))


def start_run(
    recipe: Recipe,
    data: Path,
    out: Path,
    device: str,
    skip_bad: bool,
    judge: Path | None,
    processes: ProcessGroup = SINGLE,
    choices: Presets | None = None,
) -> int:
    """Train a recipe in a new folder, with the presets for the data set, device and minutes.

    Return the exit code, 0 for a complete run.
    """
    with processes.synchronized_section(main_first=True):
        if processes.is_main:
            run_dir.check_empty(out)
        torch_device = processes.device(device)
        dataset = load_data(recipe, data, skip_bad)
        choices = choices or presets.no_presets(recipe)
        recipe, lines = choices.select(training_size(recipe, dataset), torch_device)
        precision = resolve_precision(recipe.training.precision, torch_device)
        recipe = replace(recipe, training=replace(recipe.training, precision=precision))
        loaded = load_judge(judge, torch_device)
        environment = _environment(data, dataset, torch_device, skip_bad, judge, loaded, processes)
        with translate_fatal_errors(out):
            trainer = Trainer(out, recipe, dataset, torch_device, click.echo, loaded, processes)
    with processes.synchronized_section():
        if processes.is_main:
            run_dir.create_run_dir(out)
            run_dir.write_config(out, recipe, environment)
    trainer.log(tomli_w.dumps(recipe.to_json()))
    for line in lines:
        trainer.log(line)
    trainer.log(parameter_counts(recipe, dataset.conditions))
    return _train(trainer, environment)


def resume_run(
    run: Path,
    overrides: Sequence[str],
    device: str,
    data: Path | None,
    skip_bad: bool,
    judge: Path | None,
    processes: ProcessGroup = SINGLE,
) -> int:
    """Continue a run; length, logging, device, judge and the path of the data set may change.

    Return the exit code, 0 for a complete run.
    """
    with processes.synchronized_section(main_first=True):
        saved_recipe, previous = run_dir.read_config(run)
        tables = recipes.override(saved_recipe.to_json(), overrides)
        recipe = parse(Recipe, tables, place="--set")
        run_dir.check_same_recipe(saved_recipe, recipe, f"--resume {run}")
        skip_bad = skip_bad or previous.skip_bad
        torch_device = processes.device(previous.device if device == "auto" else device)
        path = data or Path(previous.data)
        dataset = load_data(recipe, path, skip_bad)
        _check_same_data(path, dataset.digest, previous.data_digest)
        judge = judge or (Path(previous.judge) if previous.judge else None)
        loaded = load_judge(judge, torch_device)
        environment = _environment(path, dataset, torch_device, skip_bad, judge, loaded, processes)
        environment = replace(environment, rollback=previous.rollback)
        with translate_fatal_errors(run):
            trainer = Trainer(run, recipe, dataset, torch_device, click.echo, loaded, processes)
    for change in environment.nondeterminism_notes(previous):
        trainer.log(f"note: {change}; the run continues, but not bit for bit as before")
    if environment.judge_digest != previous.judge_digest:
        trainer.log("note: another judge; scores of different judges are not compared")
    with translate_fatal_errors(run):
        trainer.resume(previous.rollback)
    with processes.synchronized_section():
        if processes.is_main:
            run_dir.write_config(run, recipe, environment)
    return _train(trainer, environment)


def load_data(recipe: Recipe, data: Path, skip_bad: bool) -> Dataset:
    """Return the data set at a path with the options of a recipe."""
    return load_dataset(
        data,
        resolution=recipe.data.resolution,
        conditions=recipe.vocabulary(),
        format=recipe.data.format,
        attributes=recipe.data.attributes,
        skip_bad=skip_bad,
    )


def training_size(recipe: Recipe, dataset: Dataset) -> int:
    """Return the number of training images of a data set."""
    return len(dataset.split(recipe.data.val_fraction)[0])


def load_judge(path: Path | None, device: torch.device) -> Judge | None:
    """Return the judge at a path; None without a path, and for the path `none`."""
    if path is None or path == _NO_JUDGE:
        return None
    # Imports torchvision, which takes a second.
    from ganport_train.evaluation.judge.judge import Judge

    return Judge.load(path, device)


def parameter_counts(recipe: Recipe, conditions: Conditions) -> str:
    """Return a line for each network; raise RecipeError if a network cannot be built."""
    networks = build_method(recipe, conditions, torch.device("cpu")).networks
    counts = {name: sum(p.numel() for p in net.parameters()) for name, net in networks.items()}
    return "\n".join(f"# {name}: {count:,} parameters" for name, count in counts.items())


def _train(trainer: Trainer, environment: RunEnvironment) -> int:
    count, run = environment.processes, trainer.run
    each = f" in each of {count} processes" if count > 1 else ""
    trainer.log(f"training on {environment.device} with {environment.threads} threads{each}")
    resume = f"train-gan --resume {run}"
    if trainer.is_complete:
        trainer.log(
            f"nothing to do: {trainer.images:,} training images. To continue, increase the length: "
            f"{resume} --set length.max_images=N"
        )
        return 0
    enable_determinism()
    with catch_stop_signals() as stop, translate_fatal_errors(run):
        is_complete = trainer.train(stop)
    if is_complete:
        export = f"export-gan {run} --format onnx --out {run.name}.ganport"
        trainer.log(f"done: {trainer.images:,} training images. Next: {export}")
        return 0
    if trainer.monitor.collapsed:
        trainer.log(f"stopped: the run has collapsed. To continue anyway: {resume}")
        return COLLAPSED
    trainer.log(f"stopped and saved. Continue with: {resume}")
    return STOPPED


def _environment(
    data: Path,
    dataset: Dataset,
    device: torch.device,
    skip_bad: bool,
    judge_path: Path | None,
    judge: Judge | None,
    processes: ProcessGroup,
) -> RunEnvironment:
    return RunEnvironment.current(
        data,
        dataset.digest,
        device,
        skip_bad=skip_bad,
        judge=judge_path if judge else None,
        judge_digest=judge.digest if judge else "",
        processes=processes.world_size,
    )


def _check_same_data(path: Path, found: str, expected: str) -> None:
    if found != expected:
        raise RecipeError(
            f"data set {path}",
            expected=f"the data set of the run (digest {expected[:16]})",
            found=f"another one (digest {found[:16]})",
            fix="Name the data set of the run with --data, or start a new run with --out.",
        )


def _reject_options(option: str, others: dict[str, object]) -> None:
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise click.UsageError(f"{option} excludes {', '.join(given)}.")
