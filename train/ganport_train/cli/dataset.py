"""`ganport dataset`: look at a data set, or draw one. Needs no torch."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

import click

from ganport_train.data.check import check as check_dataset
from ganport_train.data.formats.registry import AUTO, FORMATS
from ganport_train.data.report import report_lines


class _Dataset(click.Group):
    """A group whose `draw` is imported when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), "draw"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name != "draw":
            return super().get_command(ctx, cmd_name)
        command: click.Command = import_module("ganport_train.cli.draw").draw
        return command


@click.group(cls=_Dataset)
def dataset() -> None:
    """Check data sets, and draw some."""


@dataset.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--resolution",
    type=click.IntRange(1, 4096),
    default=64,
    show_default=True,
    help="The resolution you mean to train at.",
)
@click.option(
    "--kind",
    type=click.Choice(FORMATS),
    default=AUTO,
    show_default=True,
    help="Which reader, where several would do.",
)
@click.option(
    "--attribute", "attributes", multiple=True, help="Only this attribute; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def check(
    path: Path, resolution: int, kind: str, attributes: tuple[str, ...], as_json: bool
) -> None:
    """Count the conditions, sizes and duplicates of PATH, a folder or a zip, and name each fault.

    Exits with 1 if there is an error that would stop a training.
    """
    report = check_dataset(path, resolution=resolution, kind=kind, attributes=attributes)
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    else:
        for line in report_lines(report):
            click.echo(line)
    if report.errors:
        sys.exit(1)
