"""`ganport dataset`: check a dataset or draw one. Needs no torch."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click

from ganport_runtime.devices.onnxruntime_session import available_cpu_count
from ganport_train.data.check import check_dataset
from ganport_train.data.formats.registry import AUTO, FORMATS
from ganport_train.data.images import track
from ganport_train.data.report import format_report
from ganport_train.synthetic import writer
from ganport_train.synthetic.datasets import MAX_WORKERS
from ganport_train.synthetic.scene_labels import read_labels, sample_labels

Command = Callable[..., Any]


@click.group()
def dataset() -> None:
    """Check datasets and draw synthetic ones."""


@dataset.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--resolution",
    type=click.IntRange(1, 4096),
    default=64,
    show_default=True,
    help="Training resolution in pixels.",
)
@click.option(
    "--format",
    type=click.Choice(FORMATS),
    default=AUTO,
    show_default=True,
    help="Format of the dataset, if several match.",
)
@click.option(
    "--attribute", "attributes", multiple=True, help="Read only this attribute; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def check(
    path: Path, resolution: int, format: str, attributes: tuple[str, ...], as_json: bool
) -> None:
    """Report the conditions, sizes, duplicates and issues of PATH, a folder or a zip.

    Exits with 1 if an error would stop a training run.
    """
    report = check_dataset(path, resolution=resolution, format=format, attributes=attributes)
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    else:
        for line in format_report(report):
            click.echo(line)
    if report.errors:
        sys.exit(1)


@dataset.group()
def draw() -> None:
    """Draw a labeled dataset."""


def _available_cores() -> int:
    return min(available_cpu_count(), MAX_WORKERS)


def _with_output_options(command: Command) -> Command:
    """Add the options of every dataset to `command`."""
    options = (
        click.option(
            "--size", type=int, default=64, show_default=True, help="Side in pixels, 16 to 512."
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            required=True,
            help="Output path: a zip if it ends in .zip, else a folder.",
        ),
        click.option("--seed", type=int, default=0, show_default=True, help="Random seed."),
        click.option(
            "--workers",
            type=int,
            default=_available_cores,
            show_default="the cores that this process may use",
            help="Worker processes.",
        ),
        click.option("--force", is_flag=True, help="Replace an existing dataset."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@draw.command()
@click.option("--count", type=int, required=True, help="Number of images.")
@click.option(
    "--attributes",
    is_flag=True,
    help="Add smiles, hats, glasses and more, listed in CelebA's format.",
)
@_with_output_options
def faces(
    count: int, attributes: bool, size: int, out: Path, seed: int, workers: int, force: bool
) -> None:
    """Draw anime-like faces with 12 hair and 10 eye colors."""
    writer.write_faces(
        out,
        count,
        size,
        seed=seed,
        attributes=attributes,
        workers=workers,
        replace=force,
        progress=partial(_track, count=count, unit="faces"),
    )
    click.echo(f"{out}: {count} faces, {size}x{size}, seed {seed}")


@draw.command()
@click.option("--count", type=int, help="Number of images. [default: all of --labels]")
@click.option(
    "--labels",
    "file",
    type=click.Path(path_type=Path),
    help="A train.json of i-CLEVR: draw its images with its objects.",
)
@_with_output_options
def shapes(
    count: int | None, file: Path | None, size: int, out: Path, seed: int, workers: int, force: bool
) -> None:
    """Draw scenes of one to three spheres, cubes and cylinders in i-CLEVR's format."""
    if file is not None:
        labels = read_labels(file, count)
    elif count is not None:
        labels = sample_labels(count, seed)
    else:
        raise click.UsageError("Give --count N, or --labels FILE, or both.")
    count = len(labels.images)
    writer.write_shapes(
        out,
        labels,
        size,
        seed=seed,
        workers=workers,
        replace=force,
        progress=partial(_track, count=count, unit="scenes"),
    )
    click.echo(f"{out}: {count} scenes, {size}x{size}, seed {seed}")


def _track(images: Iterator[bytes], count: int, unit: str) -> Iterator[bytes]:
    return track(images, "drawing", count, unit)
