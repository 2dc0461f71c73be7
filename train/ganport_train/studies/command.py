"""`ganport study`: the variants of a comparison, trained one after another."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from ganport_models.network import NetworkError
from ganport_runtime.values import sanitize
from ganport_train.backend.device import pick
from ganport_train.cli.eval import eval_gan
from ganport_train.cli.run import (
    COLLAPSED,
    STOPPED,
    go_on,
    load_data,
    load_judge,
    sizes,
    start,
)
from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipe import MAY_CHANGE, Recipe
from ganport_train.runs import jsonl_log
from ganport_train.runs.run_dir import Surroundings
from ganport_train.runs.step_metrics import DivergedError
from ganport_train.studies import folder
from ganport_train.studies import study as studies
from ganport_train.studies.study import COMPARISON, Study

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("name", required=False, metavar="STUDY")
@click.option("--data", type=_PATH, help="Folder or zip of pictures that all are trained on.")
@click.option("--out", type=_PATH, help="Folder of the study: a run in it for each variant.")
@click.option("--judge", type=_PATH, help="Judge that scores the checkpoints of all.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override in all.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--skip-bad", is_flag=True, help="Leave out pictures that cannot be used.")
@click.option("--list", "listing", is_flag=True, help="List the studies.")
def study(
    name: str | None,
    data: Path | None,
    out: Path | None,
    judge: Path | None,
    overrides: tuple[str, ...],
    device: str,
    skip_bad: bool,
    listing: bool,
) -> None:
    """Train the variants of STUDY, a name or a .toml file, and set them side by side.

    The same command again goes on where it stopped. A variant that diverges or collapses is noted
    and the next one begins. Exit codes: 0 all done, 1 an error, 2 usage, 6 missing dependency, 130
    stopped and saved.
    """
    if listing:
        _list()
        return
    if name is None or out is None:
        raise click.UsageError("Name a STUDY (see ganport study --list), and --out FOLDER.")
    plan = studies.load(name, overrides)
    work = _prepare(plan, data, out, judge, device, skip_bad)
    try:
        stopped = not work.run_all()
    except KeyboardInterrupt:
        stopped = True
    if stopped:
        words = _command(name, work, overrides)
        click.echo(f"the study is stopped. Go on with: {words}")
        sys.exit(STOPPED)
    work.sum_up()


def _list() -> None:
    for name in studies.names():
        plan = studies.load(name)
        click.echo(f"{name:<20} {plan.title}  ({plan.source})")


def _command(name: str, work: _Work, overrides: Sequence[str]) -> str:
    """The command line that goes on with a study; data and judge stand in its folder."""
    settings = [word for text in overrides for word in ("--set", text)]
    device = [] if work.device == "auto" else ["--device", work.device]
    return shlex.join(["ganport", "study", name, "--out", str(work.out), *settings, *device])


def _prepare(
    plan: Study, data: Path | None, out: Path, judge: Path | None, device: str, skip_bad: bool
) -> _Work:
    """Checks all that can be checked before the first step, and saves what the study is."""
    earlier = folder.read(out)
    if earlier:
        data = data or Path(earlier[1].data)
        judge = judge or (Path(earlier[1].judge) if earlier[1].judge else None)
        skip_bad = skip_bad or earlier[1].skip_bad
    if data is None:
        raise click.UsageError("A new study needs --data PATH.")
    chosen = pick(device)
    loaded = load_judge(judge, chosen)
    digests = {_check(name, recipe, data, skip_bad) for name, recipe in plan.variants.items()}
    surroundings = Surroundings.now(
        data,
        digests.pop(),
        chosen,
        skip_bad=skip_bad,
        judge=judge if loaded else None,
        judge_digest=loaded.digest if loaded else "",
    )
    if earlier:
        folder.check_same(out, earlier, (plan, surroundings))
    folder.write(out, plan, surroundings)
    return _Work(plan, data, out, judge if loaded else None, device, skip_bad)


def _check(name: str, recipe: Recipe, data: Path, skip_bad: bool) -> str:
    """The digest of the data set, if a variant can be trained on it."""
    try:
        dataset = load_data(recipe, data, skip_bad)
        sizes(recipe, dataset.conditions)
    except (RecipeError, NetworkError) as error:
        raise RecipeError(
            f"variant {name}: {error.place}",
            expected=error.expected,
            found=error.found,
            fix=error.fix,
        ) from None
    return dataset.digest


@dataclass(frozen=True)
class _Work:
    """A study under way."""

    plan: Study
    data: Path
    out: Path
    judge: Path | None
    device: str
    skip_bad: bool

    def run_all(self) -> bool:
        """Trains what is not done; False when somebody stopped it."""
        count, failed = len(self.plan.variants), folder.failures(self.out)
        for place, (name, recipe) in enumerate(self.plan.variants.items(), 1):
            head = f"== variant {place} of {count}: {name}"
            run = self.out / name
            if folder.finished(run, recipe):
                click.echo(f"{head} is complete")
            elif name in failed:
                click.echo(f"{head} failed before; to try it again, remove {run}")
            else:
                click.echo(f"{head}: {recipe.title}")
                if not self._run(name, recipe):
                    return False
        return True

    def _run(self, name: str, recipe: Recipe) -> bool:
        try:
            code = self._go_on(name, recipe)
        except DivergedError as error:
            click.echo(f"diverged: {error}")
            folder.note_failure(self.out, name, f"diverged: {error.place}")
            return True
        if code == COLLAPSED:
            folder.note_failure(self.out, name, "collapsed")
        return code != STOPPED

    def _go_on(self, name: str, recipe: Recipe) -> int:
        run, given = self.out / name, (self.skip_bad, self.judge)
        if folder.begun(run):
            return go_on(run, _changes(recipe), self.device, self.data, *given)
        return start(recipe, self.data, run, self.device, *given)

    def sum_up(self) -> None:
        """Says what each variant came to, and sets all that were trained side by side."""
        failed = folder.failures(self.out)
        width = max(map(len, self.plan.variants))
        click.echo(f"\n{self.plan.title} ({self.plan.source or 'no source'})")
        for name, recipe in self.plan.variants.items():
            done = folder.finished(self.out / name, recipe)
            state = "complete" if done else sanitize(failed.get(name, "not complete"), 200)
            click.echo(f"{name:<{width}}  {state}")
        runs = [str(self.out / name) for name in self.plan.variants if self._has_records(name)]
        if runs:
            words = ["compare", *runs, "--out", str(self.out / COMPARISON)]
            click.echo(f"\n$ {shlex.join(['eval-gan', *words])}")
            eval_gan.main(words, standalone_mode=False)

    def _has_records(self, name: str) -> bool:
        return folder.begun(self.out / name) and bool(jsonl_log.read(self.out / name))


def _changes(recipe: Recipe) -> list[str]:
    """Overrides of all that may change in a run that is gone on with."""
    tables = recipe.to_json()
    return [
        f"{section}.{key}={json.dumps(value)}"
        for section in MAY_CHANGE
        for key, value in tables[section].items()
    ]
