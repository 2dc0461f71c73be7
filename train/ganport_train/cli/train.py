"""`train-gan`: a recipe and a data set in, a run folder out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import tomli_w

from ganport_train.backend.device import pick
from ganport_train.backend.distributed import joined
from ganport_train.cli.run import (
    go_on,
    load_data,
    pictures,
    sizes,
    start,
)
from ganport_train.config import presets, recipes
from ganport_train.config.parsing import describe
from ganport_train.config.presets import Presets
from ganport_train.config.recipe import Recipe

_PATH = click.Path(path_type=Path)


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
        fits = presets.load(recipe, overrides)
        show(recipes.load(recipe, overrides), fits, data, skip_bad, device)
    elif data is None or out is None:
        raise click.UsageError("A new run needs --data PATH and --out RUN.")
    else:
        resolved, fits = recipes.load(recipe, overrides), presets.load(recipe, overrides)
        with joined() as processes:
            code = start(resolved, data, out, device, skip_bad, judge, processes, fits)
        sys.exit(code)


def list_recipes() -> None:
    """Prints every shipped recipe with its title and source, and its presets under it."""
    names = recipes.names()
    width = max(map(len, names))
    for name in names:
        recipe = recipes.load(name)
        click.echo(f"{name:<{width}}  {recipe.title}  ({recipe.source})")
        for line in presets.load(name).lines():
            click.echo(f"{'':<{width}}  {line.removeprefix('preset for ')}")


def show(recipe: Recipe, fits: Presets, data: Path | None, skip_bad: bool, device: str) -> None:
    """Prints the resolved recipe, with the presets that fit or else all, and the size of its
    networks when the conditions are known."""
    dataset, lines = load_data(recipe, data, skip_bad) if data else None, list(fits.lines())
    if dataset:
        recipe, lines = fits.fitted(pictures(recipe, dataset), pick(device))
    click.echo(tomli_w.dumps(recipe.to_json()))
    click.echo("".join(f"# {line}\n" for line in lines), nl=False)
    conditions = dataset.conditions if dataset else recipe.vocabulary()
    if conditions is None:
        click.echo("# With --data PATH the sizes of the networks are shown too.")
    else:
        click.echo(sizes(recipe, conditions))


def _refuse(option: str, others: dict[str, object]) -> None:
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise click.UsageError(f"{option} does not go with {', '.join(given)}.")
