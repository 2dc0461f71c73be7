"""`eval-gan judge`: train the judge of a data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from ganport_runtime.errors import RequestError
from ganport_runtime.values import sanitize
from ganport_train.backend.device import enable_determinism, resolve_device
from ganport_train.cli.eval import number_option
from ganport_train.cli.image_options import MODE, ResolutionType
from ganport_train.data import load_dataset
from ganport_train.data.formats.registry import AUTO, FORMATS
from ganport_train.evaluation.judge import resume_state
from ganport_train.evaluation.judge.network import ARCHITECTURES, MIN_RESOLUTION
from ganport_train.evaluation.judge.storage import (
    MAX_RESOLUTION,
    MAX_WIDTH,
    METADATA,
    MIN_WIDTH,
    disk_errors,
)
from ganport_train.evaluation.judge.training import JudgeSettings, JudgeTrainer
from ganport_train.runs.run_dir import lock_folder
from ganport_train.runs.train_state import catch_stop_signals

_PATH = click.Path(path_type=Path)
_LABELS_SHOWN = 3


@click.command()
@click.option("--data", type=_PATH, required=True, help="Folder or zip of labeled images.")
@click.option("--out", type=_PATH, required=True, help="Folder of the judge.")
@click.option(
    "--resolution",
    type=ResolutionType(MIN_RESOLUTION, MAX_RESOLUTION),
    default="64",
    show_default=True,
    help="Size of the judge's images in pixels: a side, or HEIGHTxWIDTH.",
)
@MODE
@number_option("--epochs", 1, 10_000, 14)
@number_option("--width", MIN_WIDTH, MAX_WIDTH, 32, "Channels of the first block.")
@click.option(
    "--architecture",
    type=click.Choice(ARCHITECTURES),
    default="residual",
    show_default=True,
    help="Blocks of the network; plain judges what learned from a residual one.",
)
@number_option("--batch-size", 2, 4096, 64)
@number_option("--learning-rate", 1e-6, 1.0, 3e-3, "Peak of the learning-rate schedule.")
@number_option("--val-fraction", 0.001, 0.9, 0.05, "Fraction of the images that test the judge.")
@number_option("--seed", 0, 2**31, 0)
@click.option("--no-mirror", is_flag=True, help="For images in which left and right matter.")
@click.option("--format", type=click.Choice(FORMATS), default=AUTO, show_default=True)
@click.option("--attribute", "attributes", multiple=True, help="Read only these attributes.")
@click.option("--skip-bad", is_flag=True, help="Skip images that cannot be used.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
def judge(
    data: Path,
    out: Path,
    format: str,
    attributes: tuple[str, ...],
    skip_bad: bool,
    device: str,
    no_mirror: bool,
    mode: str,
    **options: Any,
) -> None:
    """Train the judge of a data set: eval-gan judge --data PATH --out JUDGE.

    The judge is a small network that reads the data set's own conditions back from its images. Its
    accuracy is measured on held-out images. After Ctrl-C the same command resumes after the last
    complete epoch.
    """
    _check_output(out)
    resolved = resolve_device(device)
    settings = JudgeSettings(**options, mirror=not no_mirror)
    dataset = load_dataset(
        data,
        resolution=settings.resolution,
        mode=mode,
        format=format,
        attributes=attributes,
        skip_bad=skip_bad,
    )
    enable_determinism()
    trainer = JudgeTrainer(out, dataset, settings, resolved, click.echo)
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    with lock_folder(out):
        _check_output(out)  # another training may have ended since
        trainer.resume()
        with catch_stop_signals() as stop:
            complete = trainer.train(stop)
        if not complete:
            click.echo("stopped; the same command resumes after the last complete epoch")
            raise SystemExit(130)
        name = sanitize(data.resolve().name)
        metadata = trainer.finish({"data": {"name": name, "digest": dataset.digest}})
    for line in _summary(metadata):
        click.echo(line)
    folder, source = click.format_filename(out), click.format_filename(data)
    click.echo(
        f"{folder}: next, eval-gan score BUNDLE --data {source} --judge {folder} --out REPORT"
    )


def _check_output(out: Path) -> None:
    if (out / METADATA).exists():
        found = "a folder with a judge"
    elif out.is_file():
        found = "a file"
    elif out.is_dir() and not resume_state.holds_only_training(out):
        found = "a folder with other files"
    else:
        return
    raise RequestError(f"--out {out}", "a new folder", found, "Choose another folder.")


def _summary(metadata: Mapping[str, Any]) -> Iterator[str]:
    yield f"accuracy on {metadata['held_out']:,} held-out images (95 % interval)"
    for name, group in metadata["accuracy"].items():
        yield f"  {name:<14} {group['value']:7.2%}   {group['low']:.2%} to {group['high']:.2%}"
        values = [
            (label, part["value"]) for label, part in group["labels"].items() if part["count"]
        ]
        lowest = sorted(values, key=lambda item: float(item[1]))[:_LABELS_SHOWN]
        if lowest:
            listed = ", ".join(f"{label} {value:.1%}" for label, value in lowest)
            yield f"  {'':<14} lowest: {listed}"
