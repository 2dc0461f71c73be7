"""`train-gan`: a recipe and a data set in, a run folder out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import tomli_w
import torch

from ganport_runtime.conditions import Conditions
from ganport_train import catalogue, presets
from ganport_train.data import Dataset, load
from ganport_train.listing import describe
from ganport_train.loop import folder as run_folder
from ganport_train.loop.device import make_exact, precision
from ganport_train.loop.distributed import ALONE, Processes, joined
from ganport_train.loop.folder import Surroundings
from ganport_train.loop.interrupt import interruptible
from ganport_train.loop.recovery import survivable
from ganport_train.loop.trainer import Trainer
from ganport_train.methods.build import build_method
from ganport_train.options import RecipeError, parse
from ganport_train.presets import Preset
from ganport_train.recipe import Recipe

if TYPE_CHECKING:
    from ganport_train.judge.judge import Judge

_PATH = click.Path(path_type=Path)
_NO_JUDGE = Path("none")
COLLAPSED, STOPPED = 4, 130
"""What a run that is not complete exits with."""


@click.command(name="train-gan")
@click.argument("recipe", required=False)
@click.option("--data", type=_PATH, help="Folder or zip of tagged pictures.")
@click.option("--out", type=_PATH, help="Folder of the new run.")
@click.option("--resume", type=_PATH, help="Folder of a run to go on with.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override an option.")
@click.option("--judge", type=_PATH, help="Judge that scores the checkpoints; none = by pixels.")
@click.option("--stop-when-collapsed", is_flag=True, help="End at two collapsed scores in a row.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--skip-bad", is_flag=True, help="Leave out pictures that cannot be used.")
@click.option("--dry-run", is_flag=True, help="Print the resolved recipe and stop.")
@click.option("--list", "listing", is_flag=True, help="List the recipes.")
@click.option("--options", is_flag=True, help="List every option that --set takes.")
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
    listing: bool,
    options: bool,
) -> None:
    """Train a conditional generator: train-gan RECIPE --data PATH --out RUN.

    Every checkpoint is scored; export-gan takes the best. Exit codes: 0 complete, 1 an error, 2
    usage, 3 diverged, 4 collapsed, 6 missing dependency, 130 stopped and saved.
    """
    if stop_when_collapsed:
        overrides = [*overrides, "logging.stop_when_collapsed=true"]
    if listing:
        list_recipes()
    elif options:
        click.echo("\n".join(describe(Recipe)))
    elif resume:
        _refuse("--resume", {"RECIPE": recipe, "--out": out, "--dry-run": dry_run or None})
        with joined() as processes:
            code = go_on(resume, overrides, device, data, skip_bad, judge, processes)
        sys.exit(code)
    elif recipe is None:
        raise click.UsageError("Name a RECIPE (see train-gan --list), or --resume RUN.")
    elif dry_run:
        show(catalogue.load(recipe, overrides), data, skip_bad, presets.load(recipe, overrides))
    elif data is None or out is None:
        raise click.UsageError("A new run needs --data PATH and --out RUN.")
    else:
        resolved, fits = catalogue.load(recipe, overrides), presets.load(recipe, overrides)
        with joined() as processes:
            code = start(resolved, data, out, device, skip_bad, judge, processes, fits)
        sys.exit(code)


def list_recipes() -> None:
    """Prints every shipped recipe with its title and source, and its presets under it."""
    names = catalogue.names()
    width = max(map(len, names))
    for name in names:
        recipe = catalogue.load(name)
        click.echo(f"{name:<{width}}  {recipe.title}  ({recipe.source})")
        for preset in presets.load(name):
            click.echo(f"{'':<{width}}  {preset}")


def show(recipe: Recipe, data: Path | None, skip_bad: bool, fits: Sequence[Preset] = ()) -> None:
    """Prints the resolved recipe, with the preset that fits or else all, and the size of its
    networks when the conditions are known."""
    dataset = load_data(recipe, data, skip_bad) if data else None
    lines = [f"preset for {preset}" for preset in fits]
    if dataset:
        recipe, line = presets.fitted(recipe, fits, pictures(recipe, dataset))
        lines = [line] if line else []
    click.echo(tomli_w.dumps(recipe.to_json()))
    click.echo("".join(f"# {line}\n" for line in lines), nl=False)
    conditions = dataset.conditions if dataset else recipe.vocabulary()
    if conditions is None:
        click.echo("# With --data PATH the sizes of the networks are shown too.")
    else:
        click.echo(sizes(recipe, conditions))


def start(
    recipe: Recipe,
    data: Path,
    out: Path,
    device: str,
    skip_bad: bool,
    judge: Path | None,
    processes: Processes = ALONE,
    fits: Sequence[Preset] = (),
) -> int:
    """Begins a run in a new folder, with the one of its presets that fits the number of pictures.

    Returns the exit code, 0 when the run is complete.
    """
    with processes.united(leader_first=True):
        if processes.leads:
            run_folder.check_free(out)
        chosen = processes.device(device)
        dataset = load_data(recipe, data, skip_bad)
        recipe, line = presets.fitted(recipe, fits, pictures(recipe, dataset))
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
    if line:
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
        recipe = parse(Recipe, catalogue.override(before.to_json(), overrides), place="--set")
        run_folder.check_same(before, recipe, f"--resume {run}")
        skip_bad = skip_bad or earlier.skip_bad
        chosen = processes.device(earlier.device if device == "auto" else device)
        path = data or Path(earlier.data)
        dataset = load_data(recipe, path, skip_bad)
        _check_same_data(path, dataset.digest, earlier.data_digest)
        judge = judge or (Path(earlier.judge) if earlier.judge else None)
        loaded = load_judge(judge, chosen)
        surroundings = _surroundings(path, dataset, chosen, skip_bad, judge, loaded, processes)
        surroundings = replace(surroundings, reload=earlier.reload)
        with survivable(run):
            trainer = Trainer(run, recipe, dataset, chosen, click.echo, loaded, processes)
    for change in surroundings.inexact(earlier):
        trainer.say(f"note: {change}; the run goes on, but no longer bit for bit as before")
    if surroundings.judge_digest != earlier.judge_digest:
        trainer.say("note: another judge; from here on scores are compared with its own alone")
    with survivable(run):
        trainer.resume(earlier.reload)
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
            f"train-gan --resume {trainer.folder} --set length.images=N"
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
    return load(
        data,
        resolution=recipe.data.resolution,
        conditions=recipe.vocabulary(),
        kind=recipe.data.kind,
        attributes=recipe.data.attributes,
        skip_bad=skip_bad,
    )


def pictures(recipe: Recipe, dataset: Dataset) -> int:
    """How many pictures of a data set a run learns from."""
    return len(dataset.split(recipe.data.held_out)[0])


def load_judge(path: Path | None, device: torch.device) -> Judge | None:
    """The judge at a path; None for no path, and for `none`."""
    if path is None or path == _NO_JUDGE:
        return None
    from ganport_train.judge.judge import Judge  # brings torchvision, which takes a second

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


def _refuse(option: str, others: dict[str, object]) -> None:
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise click.UsageError(f"{option} does not go with {', '.join(given)}.")
