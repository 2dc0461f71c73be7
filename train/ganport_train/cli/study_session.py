"""A study in progress: trains, scores and compares its variants, one after another."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from ganport_runtime.errors import GanportError
from ganport_runtime.values import sanitize
from ganport_train.cli.eval import eval_gan
from ganport_train.cli.image_options import format_size
from ganport_train.cli.train import COLLAPSED, STOPPED, resume_run, start_run
from ganport_train.config.recipe import RESUMABLE_SECTIONS, Recipe
from ganport_train.runs.metrics import read_log
from ganport_train.runs.train_state import DivergedError
from ganport_train.studies import folder
from ganport_train.studies import study as studies
from ganport_train.studies.folder import Environments
from ganport_train.studies.study import COMPARISON, JUDGES, Study


@dataclass(frozen=True)
class Session:
    """A study with the environments of its data sets."""

    study: Study
    environments: Environments
    out: Path
    device: str = "auto"
    only: Sequence[str] = ()

    def run_variants(self) -> bool:
        """Train and score the variants that are not complete; return False after a stop request."""
        count, failures = len(self.study.variants), folder.read_failures(self.out)
        for number, (name, recipe) in enumerate(self.study.variants.items(), 1):
            title = f"== variant {number} of {count}: {name}"
            run, data = self.out / name, self.study.data_of(name)
            if self.only and name not in self.only:
                continue
            if data not in self.environments:
                click.echo(f"{title} waits for --data {data}=PATH")
                continue
            if folder.is_complete(run, recipe):
                click.echo(f"{title} is complete")
            elif name in failures:
                click.echo(f"{title} failed before; to repeat it, remove {run}")
            else:
                click.echo(f"{title}: {recipe.title} ({recipe.source})")
                if not self._train_judge(data, recipe) or not self._run_variant(name, recipe):
                    return False
            if self.study.score_images and folder.has_run(run):
                if not self._train_judge(data, recipe):
                    return False
                self._score(name, recipe)
        return True

    def command(self, name: str, overrides: Sequence[str]) -> str:
        """Return the command that continues the study. Its file holds the data sets and judges."""
        words = [word for text in overrides for word in ("--set", text)]
        words += [word for variant in self.only for word in ("--only", variant)]
        if self.study.score_images != studies.load(name).score_images:
            words += ["--score-images", str(self.study.score_images)]
        words += [] if self.device == "auto" else ["--device", self.device]
        return shlex.join(["ganport", "study", name, "--out", str(self.out), *words])

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
            _evaluate("compare", *compared, "--out", self.out / COMPARISON)

    def _judge(self, data: str) -> Path | None:
        """Return the judge of a data set, or None for a study without scores."""
        if path := self.environments[data].judge:
            return Path(path)
        return self.out / JUDGES / (data or "data") if self.study.score_images else None

    def _train_judge(self, data: str, recipe: Recipe) -> bool:
        """Train the judge of a data set if it is missing; return False after a stop request."""
        from ganport_train.evaluation.judge.storage import METADATA  # imports torchvision

        judge = self._judge(data)
        if judge is None or (judge / METADATA).exists():
            return True
        options = ["--data", self.environments[data].data, "--out", judge]
        options += ["--resolution", format_size(recipe.data.resolution)]
        options += ["--mode", recipe.data.mode, "--format", recipe.data.format]
        options += ["--val-fraction", recipe.data.val_fraction, *_attributes(recipe)]
        judge.parent.mkdir(exist_ok=True)
        try:
            _evaluate("judge", *options, *self._shared_options(data))
        except SystemExit:  # after Ctrl-C
            return False
        return True

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
        run, data = self.out / name, self.study.data_of(name)
        environment = self.environments[data]
        path, inputs = Path(environment.data), (environment.skip_bad, self._judge(data))
        if folder.has_run(run):
            overrides = _resumable_overrides(recipe)
            return resume_run(run, overrides, self.device, path, *inputs)
        return start_run(recipe, path, run, self.device, *inputs)

    def _score(self, name: str, recipe: Recipe) -> None:
        """Score the best checkpoint of a variant, and copy its sample grid to the sheets."""
        run, data, count = self.out / name, self.study.data_of(name), self.study.score_images
        if folder.is_scored(run, count):
            return
        options = ["--judge", self._judge(data), "--count", count, "--force", *_attributes(recipe)]
        try:
            _evaluate("score", run, *options, *self._shared_options(data))
            folder.save_sheet(self.out, name)
        except GanportError as error:
            click.echo(f"no score of {name}: {error}")

    def _shared_options(self, data: str) -> list[str]:
        skip_bad = ["--skip-bad"] if self.environments[data].skip_bad else []
        return ["--device", self.device, *skip_bad]


def _evaluate(*words: object) -> None:
    """Print and run a command of eval-gan."""
    arguments = [str(word) for word in words]
    click.echo(f"\n$ {shlex.join(['eval-gan', *arguments])}")
    eval_gan.main(arguments, standalone_mode=False)


def _attributes(recipe: Recipe) -> list[str]:
    return [word for name in recipe.data.attributes for word in ("--attribute", name)]


def _resumable_overrides(recipe: Recipe) -> list[str]:
    """Return overrides for all options that a resumed run may change."""
    tables = recipe.to_json()
    return [
        f"{section}.{key}={json.dumps(value)}"
        for section in RESUMABLE_SECTIONS
        for key, value in tables[section].items()
    ]
