"""`ganport dataset`: check a dataset or draw one. Needs no torch."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from ganport_train.cli.dataset_draw import draw
from ganport_train.cli.dataset_report import format_report
from ganport_train.data.check import check_dataset
from ganport_train.data.formats.registry import AUTO, FORMATS


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


dataset.add_command(draw)
