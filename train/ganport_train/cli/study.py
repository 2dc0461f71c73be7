"""`ganport study`: train the variants of a study one after another, and compare them."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from ganport_models.network import NetworkError
from ganport_runtime.cli.condition_args import GreedyCommand
from ganport_runtime.values import sanitize
from ganport_train.backend.device import resolve_device
from ganport_train.cli.eval import eval_gan
from ganport_train.cli.train import (
    COLLAPSED,
    STOPPED,
    load_data,
    load_judge,
    parameter_counts,
    resume_run,
    start_run,
)
from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipe import RESUMABLE_SECTIONS, Recipe
from ganport_train.runs.metrics import read_log
from ganport_train.runs.run_dir import RunEnvironment
from ganport_train.runs.train_state import DivergedError
from ganport_train.studies import folder
from ganport_train.studies import study as studies
from ganport_train.studies.study import COMPARISON, Study

_PATH = click.Path(path_type=Path)


@click.command(cls=GreedyCommand)
@click.argument("name", required=False, metavar="STUDY")
@click.option("--data", type=_PATH, help="Folder or zip of images for all variants.")
@click.option("--out", type=_PATH, help="Folder of the study, with a run folder per variant.")
@click.option("--judge", type=_PATH, help="Judge that scores the checkpoints of all variants.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE...", help="Override in all.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--skip-bad", is_flag=True, help="Skip images that cannot be used.")
@click.option("--list", "lists_studies", is_flag=True, help="List the studies.")
def study(
    name: str | None,
    data: Path | None,
    out: Path | None,
    judge: Path | None,
    overrides: tuple[str, ...],
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
    session = _prepare(studies.load(name, overrides), data, out, judge, device, skip_bad)
    try:
        stopped = not session.run_variants()
    except KeyboardInterrupt:
        stopped = True
    if stopped:
        click.echo(f"stopped. Continue with: {session.command(name, overrides)}")
        sys.exit(STOPPED)
    session.summarize()


@dataclass(frozen=True)
class _Session:
    """A study with the inputs that all variants share."""

    study: Study
    data: Path
    out: Path
    judge: Path | None
    device: str
    skip_bad: bool

    def run_variants(self) -> bool:
        """Train the variants that are not complete; return False after a stop request."""
        count, failures = len(self.study.variants), folder.read_failures(self.out)
        for number, (name, recipe) in enumerate(self.study.variants.items(), 1):
            title = f"== variant {number} of {count}: {name}"
            run = self.out / name
            if folder.is_complete(run, recipe):
                click.echo(f"{title} is complete")
            elif name in failures:
                click.echo(f"{title} failed before; to repeat it, remove {run}")
            else:
                click.echo(f"{title}: {recipe.title}")
                if not self._run_variant(name, recipe):
                    return False
        return True

    def command(self, name: str, overrides: Sequence[str]) -> str:
        """Return the command that continues the study, which stores data and judge."""
        settings = [word for text in overrides for word in ("--set", text)]
        device = [] if self.device == "auto" else ["--device", self.device]
        return shlex.join(["ganport", "study", name, "--out", str(self.out), *settings, *device])

    def summarize(self) -> None:
        """Print the state of each variant, and compare all variants with metrics."""
        failures = folder.read_failures(self.out)
        width = max(map(len, self.study.variants))
        click.echo(f"\n{self.study.title} ({self.study.source or 'no source'})")
        for name, recipe in self.study.variants.items():
            complete = folder.is_complete(self.out / name, recipe)
            state = "complete" if complete else failures.get(name, "not complete")
            click.echo(f"{name:<{width}}  {sanitize(state, 200)}")
        runs = [self.out / name for name in self.study.variants]
        compared = [str(run) for run in runs if folder.has_run(run) and read_log(run)]
        if compared:
            arguments = ["compare", *compared, "--out", str(self.out / COMPARISON)]
            click.echo(f"\n$ {shlex.join(['eval-gan', *arguments])}")
            eval_gan.main(arguments, standalone_mode=False)

    def _run_variant(self, name: str, recipe: Recipe) -> bool:
        try:
            code = self._start_or_resume(name, recipe)
        except DivergedError as error:
            click.echo(f"diverged: {error}")
            folder.record_failure(self.out, name, f"diverged: {error.place}")
            return True
        if code == COLLAPSED:
            folder.record_failure(self.out, name, "collapsed")
        return code != STOPPED

    def _start_or_resume(self, name: str, recipe: Recipe) -> int:
        run, inputs = self.out / name, (self.skip_bad, self.judge)
        if folder.has_run(run):
            overrides = _resumable_overrides(recipe)
            return resume_run(run, overrides, self.device, self.data, *inputs)
        return start_run(recipe, self.data, run, self.device, *inputs)


def _list_studies() -> None:
    for name in studies.names():
        found = studies.load(name)
        click.echo(f"{name:<20} {found.title}  ({found.source})")


def _prepare(
    plan: Study, data: Path | None, out: Path, judge: Path | None, device: str, skip_bad: bool
) -> _Session:
    """Check all variants before the first step, and write the file of the study."""
    saved = folder.read(out)
    if saved:
        environment = saved[1]
        data = data or Path(environment.data)
        judge = judge or (Path(environment.judge) if environment.judge else None)
        skip_bad = skip_bad or environment.skip_bad
    if data is None:
        raise click.UsageError("A new study needs --data PATH.")
    torch_device = resolve_device(device)
    loaded = load_judge(judge, torch_device)
    digests = [_check_variant(*variant, data, skip_bad) for variant in plan.variants.items()]
    environment = RunEnvironment.current(
        data,
        digests[0],
        torch_device,
        skip_bad=skip_bad,
        judge=judge if loaded else None,
        judge_digest=loaded.digest if loaded else "",
    )
    if saved:
        folder.check_same(out, saved, (plan, environment))
    folder.write(out, plan, environment)
    return _Session(plan, data, out, judge if loaded else None, device, skip_bad)


def _check_variant(name: str, recipe: Recipe, data: Path, skip_bad: bool) -> str:
    """Return the digest of the data set; raise RecipeError if the variant cannot use it."""
    try:
        dataset = load_data(recipe, data, skip_bad)
        parameter_counts(recipe, dataset.conditions)
    except (RecipeError, NetworkError) as error:
        place = f"variant {name}: {error.place}"
        raise RecipeError(place, error.expected, error.found, error.fix) from None
    return dataset.digest


def _resumable_overrides(recipe: Recipe) -> list[str]:
    """Return overrides for all options that a resumed run may change."""
    tables = recipe.to_json()
    return [
        f"{section}.{key}={json.dumps(value)}"
        for section in RESUMABLE_SECTIONS
        for key, value in tables[section].items()
    ]
