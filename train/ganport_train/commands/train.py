"""`train-gan`: a recipe and a data set in, a run folder out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
import tomli_w
import torch

from ganport_models import build_discriminator, build_generator
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import GanportError
from ganport_train import catalogue
from ganport_train.data import Dataset, load
from ganport_train.listing import describe
from ganport_train.loop import folder as run_folder
from ganport_train.loop.device import make_exact, pick, precision
from ganport_train.loop.folder import Surroundings
from ganport_train.loop.interrupt import interruptible
from ganport_train.loop.trainer import Trainer
from ganport_train.options import RecipeError, parse
from ganport_train.recipe import Recipe

_PATH = click.Path(path_type=Path)


class OutOfRoomError(GanportError):
    """The device has too little memory for a run."""


@click.command(name="train-gan")
@click.argument("recipe", required=False)
@click.option("--data", type=_PATH, help="Folder or zip of tagged pictures.")
@click.option("--out", type=_PATH, help="Folder of the new run.")
@click.option("--resume", type=_PATH, help="Folder of a run to go on with.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override an option.")
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
    device: str,
    skip_bad: bool,
    dry_run: bool,
    listing: bool,
    options: bool,
) -> None:
    """Train a conditional generator: train-gan RECIPE --data PATH --out RUN."""
    if listing:
        list_recipes()
    elif options:
        click.echo("\n".join(describe(Recipe)))
    elif resume:
        _refuse("--resume", {"RECIPE": recipe, "--out": out, "--dry-run": dry_run or None})
        go_on(resume, overrides, device, data, skip_bad)
    elif recipe is None:
        raise click.UsageError("Name a RECIPE (see train-gan --list), or --resume RUN.")
    elif dry_run:
        show(catalogue.load(recipe, overrides), data, skip_bad)
    elif data is None or out is None:
        raise click.UsageError("A new run needs --data PATH and --out RUN.")
    else:
        start(catalogue.load(recipe, overrides), data, out, device, skip_bad)


def list_recipes() -> None:
    """Prints every shipped recipe with its title and source."""
    for name in catalogue.names():
        recipe = catalogue.load(name)
        click.echo(f"{name:<24} {recipe.title}  ({recipe.source})")


def show(recipe: Recipe, data: Path | None, skip_bad: bool) -> None:
    """Prints the resolved recipe, and the size of its networks when the conditions are known."""
    click.echo(tomli_w.dumps(recipe.to_json()))
    conditions = _load(recipe, data, skip_bad).conditions if data else recipe.vocabulary()
    if conditions is None:
        click.echo("# With --data PATH the sizes of the networks are shown too.")
    else:
        click.echo(_sizes(recipe, conditions))


def start(recipe: Recipe, data: Path, out: Path, device: str, skip_bad: bool) -> None:
    """Begins a run in a new folder."""
    run_folder.check_free(out)
    chosen = pick(device)
    resolved = precision(recipe.training.precision, chosen)
    recipe = replace(recipe, training=replace(recipe.training, precision=resolved))
    dataset = _load(recipe, data, skip_bad)
    surroundings = Surroundings.now(data, dataset.digest, chosen, skip_bad)
    with _room(out):
        trainer = Trainer(out, recipe, dataset, chosen, click.echo)
    run_folder.create(out)
    run_folder.write_config(out, recipe, surroundings)
    click.echo(tomli_w.dumps(recipe.to_json()))
    click.echo(_sizes(recipe, dataset.conditions))
    _train(trainer, surroundings)


def go_on(
    run: Path, overrides: Sequence[str], device: str, data: Path | None, skip_bad: bool
) -> None:
    """Resumes a run; length, logging and device may change, the data set may have moved."""
    before, earlier = run_folder.read_config(run)
    recipe = parse(Recipe, catalogue.override(before.to_json(), overrides), place="--set")
    run_folder.check_same(before.to_json(), recipe.to_json(), f"--resume {run}")
    skip_bad = skip_bad or earlier.skip_bad
    chosen = pick(earlier.device if device == "auto" else device)
    path = data or Path(earlier.data)
    dataset = _load(recipe, path, skip_bad)
    _check_same_data(path, dataset.digest, earlier.data_digest)
    surroundings = Surroundings.now(path, dataset.digest, chosen, skip_bad)
    for change in surroundings.inexact(earlier):
        click.echo(f"note: {change}; the run goes on, but no longer bit for bit as before")
    with _room(run):
        trainer = Trainer(run, recipe, dataset, chosen, click.echo)
        trainer.resume()
    run_folder.write_config(run, recipe, surroundings)
    _train(trainer, surroundings)


def _train(trainer: Trainer, surroundings: Surroundings) -> None:
    click.echo(f"training on {surroundings.device} with {surroundings.threads} threads")
    if trainer.complete:
        click.echo(
            f"nothing to do: {trainer.images:,} pictures seen. To go on, raise the length: "
            f"train-gan --resume {trainer.folder} --set length.images=N"
        )
        return
    make_exact()
    with interruptible() as interrupt, _room(trainer.folder):
        complete = trainer.train(interrupt)
    folder = trainer.folder
    if complete:
        click.echo(
            f"done: {trainer.images:,} pictures seen. Next: export-gan {folder} --format "
            f"onnx --out {folder.name}.ganport"
        )
    else:
        click.echo(f"stopped and saved. Go on with: train-gan --resume {folder}")
        raise SystemExit(130)


@contextmanager
def _room(run: Path) -> Iterator[None]:
    """Turns running out of memory into an error that says what to make smaller."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        short = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not short and "not enough memory" not in str(error):
            raise
        raise OutOfRoomError(
            f"training in {run}",
            expected="memory for a step",
            found=str(error).splitlines()[0][:200] if str(error) else "none left",
            fix="Start a new run with a smaller --set training.batch, network.features or "
            "data.resolution, or close what else uses the device.",
        ) from None


def _load(recipe: Recipe, data: Path, skip_bad: bool) -> Dataset:
    return load(
        data,
        resolution=recipe.data.resolution,
        conditions=recipe.vocabulary(),
        kind=recipe.data.kind,
        attributes=recipe.data.attributes,
        skip_bad=skip_bad,
    )


def _sizes(recipe: Recipe, conditions: Conditions) -> str:
    shape = recipe.shape(conditions)
    networks = {
        "generator": build_generator(recipe.network.generator, shape),
        "discriminator": build_discriminator(recipe.network.discriminator, shape),
    }
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
