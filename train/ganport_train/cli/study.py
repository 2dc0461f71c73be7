"""`ganport study`: train the variants of a study one after another, and compare them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from ganport_models.network import NetworkError
from ganport_runtime.cli.condition_args import GreedyCommand
from ganport_train.backend.device import resolve_device
from ganport_train.cli.study_session import Session
from ganport_train.cli.train import STOPPED, load_data
from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipe import Recipe
from ganport_train.engine.validation import load_judge
from ganport_train.methods.build import parameter_counts
from ganport_train.runs.run_dir import RunEnvironment
from ganport_train.studies import folder
from ganport_train.studies import study as studies
from ganport_train.studies.folder import Environments
from ganport_train.studies.study import Study

_PATH = click.Path(path_type=Path)
_NAMED = "[NAME=]PATH"


@click.command(cls=GreedyCommand)
@click.argument("name", required=False, metavar="STUDY")
@click.option(
    "--data",
    multiple=True,
    metavar=_NAMED,
    help="Folder or zip of images; with a name if the study has several data sets.",
)
@click.option("--out", type=_PATH, help="Folder of the study, with a run folder per variant.")
@click.option(
    "--judge",
    "judges",
    multiple=True,
    metavar=_NAMED,
    help="Judge of a data set, which scores the checkpoints and the complete variants.",
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE...", help="Override in all.")
@click.option(
    "--only", multiple=True, metavar="VARIANT", help="Train only this variant; repeatable."
)
@click.option(
    "--score-images",
    type=click.IntRange(0, 1_000_000),
    help="Images per round that score a complete variant; 0 = no score.  [default: the study's]",
)
@click.option("--summary", is_flag=True, help="Print the results so far, and train nothing.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--skip-bad", is_flag=True, help="Skip images that cannot be used.")
@click.option("--list", "lists_studies", is_flag=True, help="List the studies.")
def study(
    name: str | None,
    data: tuple[str, ...],
    out: Path | None,
    judges: tuple[str, ...],
    overrides: tuple[str, ...],
    only: tuple[str, ...],
    score_images: int | None,
    summary: bool,
    device: str,
    skip_bad: bool,
    lists_studies: bool,
) -> None:
    """Train the variants of STUDY, a name or a .toml file, and compare them.

    The same command continues a study that was stopped. A variant that diverges or collapses is
    recorded, and the next one starts. Exit codes: 0 complete, 1 error, 2 usage, 6 missing
    dependency, 130 stopped and saved.
    """
    if lists_studies:
        _list_studies()
        return
    if name is None or out is None:
        raise click.UsageError("Name a STUDY (see ganport study --list), and --out FOLDER.")
    saved = folder.read(out)
    if summary:
        _read_session(saved, out).summarize()
        return
    if saved and saved[1] and device == "auto":
        device = next(iter(saved[1].values())).device
    plan = studies.load(name, overrides, resolve_device(device).type)
    if score_images is not None:
        plan = replace(plan, score_images=score_images)
    inputs = _Inputs(_by_name("--data", data, plan), _by_name("--judge", judges, plan), skip_bad)
    session = _prepare(plan, out, saved, inputs, device, only)
    try:
        stopped = not session.run_variants()
    except KeyboardInterrupt:
        stopped = True
    if stopped:
        click.echo(f"stopped. Continue with: {session.command(name, overrides)}")
        sys.exit(STOPPED)
    session.summarize()


@dataclass(frozen=True)
class _Inputs:
    """The data sets and judges of the command line, by name."""

    data: Mapping[str, Path]
    judges: Mapping[str, Path]
    skip_bad: bool


def _by_name(option: str, texts: Sequence[str], plan: Study) -> dict[str, Path]:
    """Return the paths of an option by the name of their data set."""
    names, paths = plan.data_names(), dict[str, Path]()
    for text in texts:
        name, _, path = text.partition("=")
        if "" in names and not (path and name in names):
            name, path = "", text
        if name not in names or not path:
            known = ", ".join(names)
            raise click.UsageError(f"{option} {text}: write NAME=PATH, with a name of {known}.")
        paths[name] = Path(path)
    return paths


def _list_studies() -> None:
    for name in studies.names():
        found = studies.load(name)
        click.echo(f"{name:<20} {found.title}  ({found.source})")


def _read_session(saved: tuple[Study, Environments] | None, out: Path) -> Session:
    if saved is None:
        raise click.UsageError(f"There is no study in {out}.")
    return Session(*saved, out)


def _prepare(
    plan: Study,
    out: Path,
    saved: tuple[Study, Environments] | None,
    inputs: _Inputs,
    device: str,
    only: Sequence[str],
) -> Session:
    """Check all variants before the first step, and write the file of the study."""
    if unknown := [name for name in only if name not in plan.variants]:
        raise click.UsageError(f"--only {unknown[0]}: name one of {', '.join(plan.variants)}.")
    environments = {
        name: environment
        for name in plan.data_names()
        if (environment := _environment(plan, name, inputs, saved, device))
    }
    if not environments:
        names = ", ".join(name for name in plan.data_names() if name)
        hint = f" This study has data sets named {names}: --data NAME=PATH." if names else ""
        raise click.UsageError(f"A new study needs --data PATH.{hint}")
    if saved:
        folder.check_same(out, saved, (plan, environments))
    folder.write(out, plan, environments)
    return Session(plan, environments, out, device, only)


def _environment(
    plan: Study, data: str, inputs: _Inputs, saved: tuple[Study, Environments] | None, device: str
) -> RunEnvironment | None:
    """Return the environment of the runs on a data set; None if its path is unknown."""
    old = saved[1].get(data) if saved else None
    path = inputs.data.get(data) or (Path(old.data) if old else None)
    if path is None:
        return None
    judge = inputs.judges.get(data) or (Path(old.judge) if old and old.judge else None)
    skip_bad, torch_device = inputs.skip_bad or bool(old and old.skip_bad), resolve_device(device)
    loaded = load_judge(judge, torch_device)
    digests = [
        _check_variant(name, recipe, path, skip_bad)
        for name, recipe in plan.variants.items()
        if plan.data_of(name) == data
    ]
    digest = loaded.digest if loaded else ""
    return RunEnvironment.current(path, digests[0], torch_device, skip_bad, judge, digest)


def _check_variant(name: str, recipe: Recipe, data: Path, skip_bad: bool) -> str:
    """Return the digest of the data set; raise RecipeError if the variant cannot use it."""
    try:
        dataset = load_data(recipe, data, skip_bad)
        parameter_counts(recipe, dataset.conditions)
    except (RecipeError, NetworkError) as error:
        place = f"variant {name}: {error.place}"
        raise RecipeError(place, error.expected, error.found, error.fix) from None
    return dataset.digest
