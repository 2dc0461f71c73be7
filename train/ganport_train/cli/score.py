"""`eval-gan score`: a bundle or run before its judge, and the report on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from ganport_runtime.generator import Generator
from ganport_train.backend.device import pick
from ganport_train.data import Dataset, load_dataset
from ganport_train.data.formats.registry import FORMATS
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.report.formatting import interval, measure
from ganport_train.evaluation.report.page import render
from ganport_train.evaluation.scores import provenance, score_folder
from ganport_train.evaluation.scores.compatibility import FEWEST, check_groups, side
from ganport_train.evaluation.scores.evaluation import Options, Scoring
from ganport_train.evaluation.scores.extractors import Extractor, Inception
from ganport_train.evaluation.scores.flow import Likelihood
from ganport_train.evaluation.scores.generation import Generation
from ganport_train.evaluation.scores.prompt_lists import DRAWS
from ganport_train.evaluation.scores.target import Subject, opened, run_of
from ganport_train.evaluation.scores.translation import Translation

_PATH = click.Path(path_type=Path)
_REPORT = "score"  # the folder of a run in which its report lies


@click.command()
@click.argument("source", metavar="BUNDLE|RUN", type=_PATH)
@click.option(
    "--data", type=_PATH, help="Folder or zip of labelled pictures.  [default: the run's]"
)
@click.option("--judge", "judge_folder", type=_PATH, required=True, help="From eval-gan judge.")
@click.option("--out", type=_PATH, help="Folder of the report.  [default: RUN/score]")
@click.option(
    "--count",
    type=click.IntRange(FEWEST, 1_000_000),
    default=2000,
    show_default=True,
    help="Pictures a round.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="Each with noise of its own, for the intervals.",
)
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=0, show_default=True)
@click.option(
    "--draws",
    type=click.IntRange(1, 10_000),
    default=DRAWS,
    show_default=True,
    help="How often each test list is drawn.",
)
@click.option(
    "--val-fraction",
    "held_out",
    type=click.FloatRange(0.0, 0.9),
    help="Share of the data that training never saw.  [default: the run's, or 0.05]",
)
@click.option(
    "--inception",
    type=_PATH,
    metavar="FILE",
    help="Inception v3 weights of torch-fidelity, for FID and KID; else the judge's features.",
)
@click.option("--kind", type=click.Choice(FORMATS), help="Kind of data set.  [default: the run's]")
@click.option("--attribute", "attributes", multiple=True, help="Only these of its attributes.")
@click.option("--skip-bad", is_flag=True, help="Leave out pictures that cannot be used.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--force", is_flag=True, help="Replace a report that is there.")
def score(
    source: Path,
    judge_folder: Path,
    out: Path | None,
    inception: Path | None,
    device: str,
    force: bool,
    held_out: float | None,
    **chosen: Any,
) -> None:
    """Report how good the pictures of BUNDLE|RUN are.

    Draws through the runtime, or translates pictures that were held out; measures whether the
    pictures show what was asked for, how near they come to real ones, and whether they repeat
    themselves or copy, or what a translation leaves alone. A run is exported first.
    """
    place = _place(source, out)
    score_folder.check_target(place, force=force)
    judge = Judge.load(judge_folder, pick(device))
    others: list[Extractor] = [Inception(inception, judge.device)] if inception else []
    numbers = {name: chosen.pop(name) for name in ("count", "rounds", "seed", "draws")}
    with opened(source, _say) as subject:
        path = _data(chosen.pop("data"), subject)
        generator = Generator.load(subject.bundle, device=device)
        dataset = _load(path, subject, side(generator), judge, **chosen)
        share = subject.options.val_fraction if held_out is None else held_out
        options = Options(held_out=share, **numbers)
        from_run = subject.run and "encode" in generator.capabilities
        likelihood = Likelihood.of(source, generator, judge.device) if from_run else None
        kind = Generation if "generate" in generator.capabilities else Translation
        scoring: Scoring = kind(
            generator, dataset, judge, options, others, likelihood=likelihood, say=_say
        )
        report = scoring.run().to_json()
    report |= {
        "bundle": provenance.bundle(generator, source.resolve().name),
        "data": provenance.data(dataset, path, len(scoring.usable)),
        "judge": provenance.judge(judge),
        "options": provenance.options(options, generator, judge),
        "extractors": provenance.seen_by(scoring.extractors),
        "notes": report["notes"] + provenance.notes(dataset, judge, subject.data_digest),
    }
    sheets = scoring.report.sheets
    score_folder.write(
        place, report, render(report, sheets, subject.records, subject.scores), sheets
    )
    for line in _lines(report):
        click.echo(line)
    click.echo(f"{place / score_folder.HTML}")


def _place(source: Path, out: Path | None) -> Path:
    run = run_of(source)
    if out is None and run is None:
        raise click.UsageError("A bundle has no folder for it: name the report's with --out.")
    return out or (run or source) / _REPORT


def _data(named: Path | None, subject: Subject) -> Path:
    path = named or subject.data
    if path is None:
        raise click.UsageError("What it was trained on is not known: name it with --data.")
    return path


def _load(
    path: Path,
    subject: Subject,
    resolution: int,
    judge: Judge,
    *,
    kind: str | None,
    attributes: tuple[str, ...],
    skip_bad: bool,
) -> Dataset:
    """The data set in the judge's layout."""
    read = partial(
        load_dataset,
        path,
        resolution=resolution,
        format=kind or subject.options.kind,
        attributes=attributes,
        skip_bad=skip_bad or subject.skip_bad,
    )
    dataset = read()
    check_groups(dataset, judge)
    # Most often the two are the same; training and the judge have decoded the pictures then.
    same = dataset.conditions == judge.conditions
    return dataset if same else read(conditions=judge.conditions)


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'':<40} {'drawn':>9}  {'95 % interval':<20} {'real':>9}"
    for key in report["headline"]:
        figure = report["figures"][key]
        value, real = (measure(figure[name], figure["unit"]) for name in ("value", "real"))
        yield f"{figure['title']:<40} {value:>9}  {interval(figure):<20} {real:>9}"
    yield from (f"warning: {line}" for line in report["warnings"])
    yield from (f"note: {line}" for line in report["notes"])


def _say(line: str) -> None:
    click.echo(line, err=True)
