"""`eval-gan score` and `compare`: measure a bundle or run with a judge, and compare reports."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from ganport_runtime.errors import RequestError
from ganport_runtime.files import atomic_directory, check_folder
from ganport_runtime.generator import Generator
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.values import sanitize
from ganport_train.backend.device import resolve_device
from ganport_train.cli.eval import number_option
from ganport_train.data import Dataset, load_dataset
from ganport_train.data.formats.registry import FORMATS
from ganport_train.data.image_options import found_options
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.report.charts import comparison_charts
from ganport_train.evaluation.report.columns import Column, comparison_notes, make_columns
from ganport_train.evaluation.report.comparison import SCORE, Entry, comparison_json, read_entries
from ganport_train.evaluation.report.formatting import format_interval, format_number
from ganport_train.evaluation.report.page import (
    HTML,
    check_target,
    render_page,
    render_score,
    write_report,
)
from ganport_train.evaluation.scores.evaluation import (
    DEFAULT_PROMPT_ROUNDS,
    Evaluation,
    EvaluationOptions,
)
from ganport_train.evaluation.scores.extractors import Inception
from ganport_train.evaluation.scores.flow import FlowLikelihood
from ganport_train.evaluation.scores.generation import GenerationEvaluation
from ganport_train.evaluation.scores.sampling import MIN_IMAGES, check_same_conditions
from ganport_train.evaluation.scores.target import (
    EvaluationTarget,
    find_run,
    open_target,
    provenance,
)
from ganport_train.evaluation.scores.translation import TranslationEvaluation

_PATH = click.Path(path_type=Path)
_NUMBERS = ("count", "rounds", "seed", "prompt_rounds")
_COMPARE_HTML, _COMPARE_JSON = "compare.html", "compare.json"
_MAX_CELL = 36  # characters
_TITLE_WIDTH = 22  # characters of a line of a title, unless the cells are wider


@click.command()
@click.argument("source", metavar="BUNDLE|RUN", type=_PATH)
@click.option("--data", type=_PATH, help="Folder or zip of labeled images.  [default: the run's]")
@click.option("--judge", "judge_folder", type=_PATH, required=True, help="From eval-gan judge.")
@click.option("--out", type=_PATH, help="Folder of the report.  [default: RUN/score]")
@number_option("--count", MIN_IMAGES, 1_000_000, 2000, "Images per round.")
@number_option("--rounds", 1, 100, 3, "Rounds with separate noise, which give the intervals.")
@number_option("--seed", 0, 2**64 - 1, 0)
@number_option(
    "--prompt-rounds", 1, 10_000, DEFAULT_PROMPT_ROUNDS, "Rounds of each prompt list of the data."
)
@click.option(
    "--val-fraction",
    type=click.FloatRange(0.0, 0.9),
    help="Fraction of the data held out from training.  [default: the run's, or 0.05]",
)
@click.option(
    "--inception",
    type=_PATH,
    metavar="FILE",
    help="Inception v3 weights of torch-fidelity, for FID and KID.",
)
@click.option("--format", type=click.Choice(FORMATS), help="Dataset format.  [default: the run's]")
@click.option("--attribute", "attributes", multiple=True, help="Read only these attributes.")
@click.option("--skip-bad", is_flag=True, help="Skip images that cannot be used.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--force", is_flag=True, help="Replace an existing report.")
def score(
    source: Path,
    data: Path | None,
    judge_folder: Path,
    out: Path | None,
    inception: Path | None,
    device: str,
    force: bool,
    val_fraction: float | None,
    **options: Any,
) -> None:
    """Report the image quality of BUNDLE|RUN.

    Generates images with the runtime, or translates held-out images. Measures condition accuracy,
    the distance to real images, diversity, and copies of training images, or what a translation
    keeps. A run is exported first.
    """
    folder = _report_folder(source, out)
    check_target(folder, force=force)
    judge = Judge.load(judge_folder, resolve_device(device))
    extractors = [Inception(inception, judge.device)] if inception else []
    numbers = {name: options.pop(name) for name in _NUMBERS}
    with open_target(source, _log) as target:
        path = _data_path(data, target)
        generator = Generator.load(target.bundle, device=device)
        dataset = _load(path, target, generator.image, judge, **options)
        fraction = target.options.val_fraction if val_fraction is None else val_fraction
        is_flow_run = target.run and "encode" in generator.capabilities
        generates = "generate" in generator.capabilities
        kind = GenerationEvaluation if generates else TranslationEvaluation
        evaluation: Evaluation = kind(
            generator,
            dataset,
            judge,
            EvaluationOptions(val_fraction=fraction, **numbers),
            extractors,
            likelihood=FlowLikelihood.of(source, generator, judge.device) if is_flow_run else None,
            log=_log,
        )
        sheets = evaluation.run().sheets
    name = source.resolve().name
    report = evaluation.report.to_json() | provenance(evaluation, target, name=name, data=path)
    html = render_score(report, sheets, target.records, target.scores)
    write_report(folder, report, html, sheets)
    for line in _summary(report):
        click.echo(line)
    click.echo(f"{folder / HTML}")


def _report_folder(source: Path, out: Path | None) -> Path:
    run = find_run(source)
    if out is None and run is None:
        raise click.UsageError("Name the folder of the report with --out.")
    return out or (run or source) / SCORE


def _data_path(data: Path | None, target: EvaluationTarget) -> Path:
    path = data or target.data
    if path is None:
        raise click.UsageError("Name the data set of the bundle with --data.")
    return path


def _load(
    path: Path,
    target: EvaluationTarget,
    image: ImageFormat,
    judge: Judge,
    *,
    format: str | None,
    attributes: tuple[str, ...],
    skip_bad: bool,
) -> Dataset:
    """Load the data set in the judge's layout, with the images of a bundle's format."""
    load = partial(
        load_dataset,
        path,
        resolution=image.size,
        **dict(found_options(image)),
        format=format or target.options.format,
        attributes=attributes,
        skip_bad=skip_bad or target.skip_bad,
    )
    dataset = load()
    check_same_conditions(dataset, judge)
    # The layouts are mostly equal; then the cache of training and judge serves.
    same = dataset.conditions == judge.conditions
    return dataset if same else load(conditions=judge.conditions)


def _summary(report: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'':<40} {'generated':>9}  {'95 % interval':<20} {'real':>9}"
    for key in report["headline"]:
        metric = report["metrics"][key]
        value, real = (format_number(metric[name], metric["unit"]) for name in ("value", "real"))
        yield f"{metric['title']:<40} {value:>9}  {format_interval(metric):<20} {real:>9}"
    yield from (f"warning: {line}" for line in report["warnings"])
    yield from (f"note: {line}" for line in report["notes"])


def _log(line: str) -> None:
    click.echo(line, err=True)


@click.command()
@click.argument("runs", type=_PATH, nargs=-1, required=True, metavar="RUN…")
@click.option(
    "--out", type=_PATH, help=f"Folder for {_COMPARE_HTML} with curves, and {_COMPARE_JSON}."
)
def compare(runs: tuple[Path, ...], out: Path | None) -> None:
    """Compare RUNs: differing options, progress, validation scores, headline metrics.

    A RUN is a folder of train-gan, in training or complete, or a report of eval-gan score.
    """
    if out:
        _check_comparison_folder(out)
    entries = read_entries(runs)
    columns, notes = make_columns(entries), comparison_notes(entries)
    for line in _format_columns([entry.name for entry in entries], columns):
        click.echo(line)
    for note in notes:
        click.echo(f"note: {sanitize(note, 200)}")
    if out:
        _write_comparison(out, entries, columns, notes)
        click.echo(f"wrote {out / _COMPARE_HTML}")


def _check_comparison_folder(out: Path) -> None:
    check_folder(out.parent)
    names = {path.name for path in out.iterdir()} if out.is_dir() else set()
    if out.is_file() or not names <= {_COMPARE_HTML, _COMPARE_JSON}:
        raise RequestError(
            f"--out {out}",
            "a new folder, or one of an earlier comparison",
            "a file" if out.is_file() else "a folder with other files",
            "Choose another folder.",
        )


def _write_comparison(
    out: Path, entries: Sequence[Entry], columns: Sequence[Column], notes: Sequence[str]
) -> None:
    names = [entry.name for entry in entries]
    charts = comparison_charts({entry.name: entry.history for entry in entries})
    html = render_page("compare.html", names=names, columns=columns, notes=notes, charts=charts)
    data = json.dumps(comparison_json(entries, notes), indent=2)
    with atomic_directory(out) as folder:
        # The text of a report may hold an unpaired surrogate, which UTF-8 cannot encode.
        (folder / _COMPARE_HTML).write_bytes(html.encode(errors="replace"))
        (folder / _COMPARE_JSON).write_bytes((data + "\n").encode())


def _format_columns(names: Sequence[str], columns: Sequence[Column]) -> Iterator[str]:
    """Yield the lines of the columns, in as many blocks as the width of the terminal requires."""
    first = _align(Column("run", names, text=True))
    width = shutil.get_terminal_size().columns
    block: list[list[str]] = [first]
    for column in map(_align, columns):
        if len(block) > 1 and sum(len(cells[0]) + 2 for cells in [*block, column]) - 2 > width:
            yield from _join(block)
            yield ""
            block = [first]
        block.append(column)
    yield from _join(block)
    if any(column.best for column in columns):
        yield "* the best of its column"


def _join(block: Sequence[list[str]]) -> Iterator[str]:
    height = max(map(len, block))
    padded = [[" " * len(cells[0])] * (height - len(cells)) + cells for cells in block]
    for row in zip(*padded, strict=True):
        yield "  ".join(row).rstrip()


def _align(column: Column) -> list[str]:
    """Return the lines of a column, equally wide: its title, wrapped if long, and its cells."""
    cells = [
        sanitize(cell, _MAX_CELL) + ("*" if index in column.best else " " if column.best else "")
        for index, cell in enumerate(column.cells)
    ]
    title_width = max(_TITLE_WIDTH, *map(len, cells))
    title = wrap(sanitize(column.title, 200), title_width, break_long_words=False)
    lines = [*title, *cells]
    width = max(map(len, lines))
    return [line.ljust(width) if column.text else line.rjust(width) for line in lines]
