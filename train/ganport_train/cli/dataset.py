"""`ganport dataset`: check, tag or draw a dataset. Needs no torch."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from ganport_runtime.errors import require_packages
from ganport_runtime.images.encode import save_image
from ganport_runtime.images.format import Resolution
from ganport_train.cli.dataset_draw import draw
from ganport_train.cli.dataset_report import format_report
from ganport_train.cli.image_options import MODE, PALETTE, PIXELATED, ResolutionType
from ganport_train.data.check import check_dataset
from ganport_train.data.contact_sheet import Sample
from ganport_train.data.formats.registry import AUTO, FORMATS
from ganport_train.data.loading import MAX_RESOLUTION
from ganport_train.data.table_template import write_template


@click.group()
def dataset() -> None:
    """Check and label datasets, and draw synthetic ones."""


@dataset.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--resolution",
    type=ResolutionType(1, MAX_RESOLUTION),
    default="64",
    show_default=True,
    help="Training resolution in pixels: a side, or HEIGHTxWIDTH.",
)
@MODE
@PIXELATED
@PALETTE
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
@click.option(
    "--sheet",
    type=click.Path(path_type=Path),
    help="Write a page of images as training would see them: PNG or WebP.",
)
def check(
    path: Path,
    resolution: Resolution,
    mode: str,
    pixelated: bool | str,
    palette: int | str,
    format: str,
    attributes: tuple[str, ...],
    as_json: bool,
    sheet: Path | None,
) -> None:
    """Report what training on PATH, a folder or a zip, would use, and every issue.

    Exits with 1 if an error would stop a training run.
    """
    sample = Sample()
    report = check_dataset(
        path,
        resolution=resolution,
        mode=mode,
        pixelated=pixelated,
        palette=palette,
        format=format,
        attributes=attributes,
        sample=sample,
    )
    if sheet and (page := sample.draw(f"{path.name}: {report.images:,} images", report.image)):
        save_image(page, sheet)
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    else:
        for line in format_report(report):
            click.echo(line)
    if report.errors:
        sys.exit(1)


@dataset.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--column",
    "columns",
    multiple=True,
    default=("label",),
    show_default=True,
    help="Name of a condition group, such as hair; repeatable.",
)
def init(folder: Path, columns: tuple[str, ...]) -> None:
    """Write FOLDER/metadata.csv, a table of its images to fill in.

    The first column gets the names of class folders. Nothing is ever replaced.
    """
    path, count = write_template(folder, columns)
    click.echo(f"{path}: {count:,} images. Fill in {', '.join(columns)}, then: ")
    click.echo(f"  ganport dataset check {folder}")


dataset.add_command(draw)


@dataset.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default="any free port",
    help="Port of the page on this machine.",
)
@click.option("--no-browser", is_flag=True, help="Print the address; do not open a browser.")
def tag(folder: Path, port: int, no_browser: bool) -> None:
    """Give the images in FOLDER their labels on a page in the browser.

    Each change is saved at once: the images that have all labels in the table of the folder, by
    default metadata.csv. Stop with Ctrl-C and start again at any time. Only this machine can reach
    the page.
    """
    require_packages("serve", ("starlette", "uvicorn"))
    from ganport_train.pages.tagger import show

    show(folder, port, open_browser=not no_browser)
