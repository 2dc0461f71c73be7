"""`train-gan`: train a recipe on a data set in a run folder, or resume a run."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click
import tomli_w

from ganport_runtime.cli.condition_args import GreedyCommand
from ganport_train.backend.device import enable_determinism, resolve_device, resolve_precision
from ganport_train.backend.distributed import SINGLE, ProcessGroup, init_process_group
from ganport_train.config import presets, recipes
from ganport_train.config.parsing import describe, parse
from ganport_train.config.presets import Presets
from ganport_train.config.recipe import Recipe, resolved_options
from ganport_train.data import Dataset, load_dataset
from ganport_train.data.image_options import describe_image
from ganport_train.engine.trainer import Trainer
from ganport_train.engine.validation import load_judge
from ganport_train.engine.warm_start import WarmStart
from ganport_train.methods.build import parameter_counts
from ganport_train.runs import run_dir
from ganport_train.runs.train_state import catch_stop_signals, translate_fatal_errors

COLLAPSED, STOPPED = 4, 130
"""Exit codes of a run that is not complete."""
_PATH = click.Path(path_type=Path)


@click.command(name="train-gan", cls=GreedyCommand)
@click.argument("recipe", required=False)
@click.option("--data", type=_PATH, help="Folder or zip of images.")
@click.option("--out", type=_PATH, help="Folder of the new run.")
@click.option("--resume", type=_PATH, help="Folder of a run to continue.")
@click.option("--from", "start", metavar="RUN|CHECKPOINT|starter", help="Networks to start with.")
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
    start: str | None,
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
        others = {"RECIPE": recipe, "--out": out, "--from": start, "--dry-run": dry_run or None}
        _reject_options("--resume", others)
        with init_process_group() as processes:
            code = resume_run(resume, overrides, device, data, skip_bad, judge, processes)
        sys.exit(code)
    elif recipe is None:
        raise click.UsageError("Name a RECIPE (see train-gan --list), or --resume RUN.")
    elif dry_run:
        _reject_options("--dry-run", {"--from": start})
        resolved = recipes.load(recipe, overrides)
        print_recipe(resolved, presets.load(recipe, overrides), data, skip_bad, device)
    elif data is None or out is None:
        raise click.UsageError("A new run needs --data PATH and --out RUN.")
    else:
        resolved, choices = recipes.load(recipe, overrides), presets.load(recipe, overrides)
        with init_process_group() as processes:
            code = start_run(
                resolved, data, out, device, skip_bad, judge, processes, choices, start
            )
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
        recipe = recipe.with_image(dataset.image)
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
    start: str | None = None,
) -> int:
    """Train a recipe in a new folder, with the presets for the data set, device and minutes.

    `start` names the checkpoint whose networks the run starts with. Return the exit code, 0 for a
    complete run.
    """
    with processes.synchronized_section(main_first=True):
        if processes.is_main:
            run_dir.check_empty(out)
        torch_device = processes.device(device)
        source = WarmStart.load(start) if start else None
        choices = choices or Presets(presets.drop_presets(recipe))
        recipe = source.adopt(recipe, choices.overrides) if source else recipe
        dataset = load_data(recipe, data, skip_bad)
        recipe, lines = choices.select(training_size(recipe, dataset), torch_device)
        chosen = source.adopt(recipe) if source else recipe
        precision = resolve_precision(chosen.training.precision, torch_device)
        recipe = chosen.with_image(dataset.image).with_precision(precision)
        loaded = load_judge(judge, torch_device)
        digest = loaded.digest if loaded else ""
        environment = run_dir.RunEnvironment.current(
            data, dataset.digest, torch_device, skip_bad, judge, digest, processes.world_size
        )
        start_from, resolved = source.name if source else "", resolved_options(chosen, recipe)
        environment = replace(
            environment, start_from=start_from, base_recipe=choices.base_recipe, resolved=resolved
        )
        with translate_fatal_errors(out):
            trainer = Trainer(out, recipe, dataset, torch_device, click.echo, loaded, processes)
    with processes.synchronized_section():
        if processes.is_main:
            run_dir.create_run_dir(out)
    with run_dir.lock_folder(out, processes):
        with processes.synchronized_section():
            if processes.is_main:
                run_dir.check_empty(out)  # another run may have started since
                run_dir.write_config(out, recipe, environment)
        train, _ = dataset.split(recipe.data.val_fraction)
        warnings = [f"warning: {warning}" for warning in dataset.size_warnings(train)]
        counts = parameter_counts(recipe, dataset.conditions)
        images = [f"images: {describe_image(dataset.image)}", *dataset.notes]
        for line in (tomli_w.dumps(recipe.to_json()), *lines, *images, *warnings, counts):
            trainer.log(line)
        if source:
            trainer.start_from(source)
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
    run_dir.read_config(run)  # a folder that is not a run gets no lock
    with run_dir.lock_folder(run, processes):
        with processes.synchronized_section(main_first=True):
            saved_recipe, previous = run_dir.read_config(run)
            tables = recipes.override(saved_recipe.to_json(), overrides)
            recipe = parse(Recipe, tables, place="--set")
            run_dir.check_same_recipe(saved_recipe, recipe, f"--resume {run}")
            skip_bad = skip_bad or previous.skip_bad
            torch_device = processes.device(previous.device if device == "auto" else device)
            path = data or Path(previous.data)
            dataset = load_data(recipe, path, skip_bad)
            run_dir.check_same_data(path, dataset.digest, previous.data_digest)
            judge = judge or (Path(previous.judge) if previous.judge else None)
            loaded = load_judge(judge, torch_device)
            digest = loaded.digest if loaded else ""
            environment = run_dir.RunEnvironment.current(
                path, dataset.digest, torch_device, skip_bad, judge, digest, processes.world_size
            ).continuing(previous)
            with translate_fatal_errors(run):
                trainer = Trainer(run, recipe, dataset, torch_device, click.echo, loaded, processes)
        for change in environment.nondeterminism_notes(previous):
            trainer.log(f"note: {change}; the run continues, but not bit for bit as before")
        if environment.judge_digest != previous.judge_digest:
            trainer.log("note: another judge; scores of different judges are not compared")
        with translate_fatal_errors(run):
            trainer.resume(previous.rollback)
            if previous.start_from and trainer.is_new:
                trainer.start_from(WarmStart.load(previous.start_from))
        with processes.synchronized_section():
            if processes.is_main:
                run_dir.write_config(run, trainer.recipe, environment)
        return _train(trainer, environment)


def load_data(recipe: Recipe, data: Path, skip_bad: bool) -> Dataset:
    """Return the data set at a path with the options of a recipe."""
    return load_dataset(
        data,
        **recipe.data.image_options(),
        conditions=recipe.vocabulary(),
        format=recipe.data.format,
        attributes=recipe.data.attributes,
        skip_bad=skip_bad,
    )


def training_size(recipe: Recipe, dataset: Dataset) -> int:
    """Return the number of training images of a data set."""
    return len(dataset.split(recipe.data.val_fraction)[0])


def _train(trainer: Trainer, environment: run_dir.RunEnvironment) -> int:
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


def _reject_options(option: str, others: Mapping[str, object]) -> None:
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise click.UsageError(f"{option} excludes {', '.join(given)}.")
