"""`sample-gan history`: the sample sheets of a training run as one animation."""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from PIL import Image

from ganport_runtime.cli.sample.context import Output
from ganport_runtime.cli.sample.options import with_output_options
from ganport_runtime.errors import RequestError
from ganport_runtime.images.animation import check_pixels
from ganport_runtime.images.decode import read_image_file
from ganport_runtime.images.encode import describe_decode_error

_SHEET_NAME = re.compile(r"\d{1,12}\.png")
"""The number of training images seen."""


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@with_output_options
@click.option("--every", type=click.IntRange(1), default=1, help="Use every Nth sheet.")
@click.option(
    "--hold", type=click.FloatRange(0, 60), default=3.0, help="Seconds of the last frame."
)
def history(output: Output, run: Path, every: int, hold: float) -> None:
    """Write the sample sheets of RUN, a folder of train-gan, as one animation."""
    sheets = select_every(find_sheets(run), every)
    check_pixels([read_size(sheet) for sheet in sheets])
    frames = [read_sheet(sheet) for sheet in sheets]
    names = json.dumps([sheet.name for sheet in sheets])
    description = output.save(frames, {"ganport.history": names}, fps=3, hold=hold)
    first, last = int(sheets[0].stem), int(sheets[-1].stem)
    click.echo(f"{description}, from {first:,} to {last:,} images seen")


def find_sheets(run: Path) -> list[Path]:
    """Return the sheets of a run by training images seen; raises `RequestError` without any."""
    folder = run / "samples"
    expected = "the sample sheets of a run"
    fix = "Name the folder of a training run; train-gan writes a sheet at every log interval."
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError as error:
        raise RequestError(str(folder), expected, error.strerror or str(error), fix) from error
    sheets = [folder / name for name in names if _SHEET_NAME.fullmatch(name)]
    if not sheets:
        raise RequestError(str(folder), expected, f"{len(names)} other files", fix)
    return sorted(sheets, key=lambda sheet: (int(sheet.stem), sheet.name))


def select_every(sheets: Sequence[Path], every: int) -> list[Path]:
    """Return every Nth sheet, always with the last."""
    return list(sheets[::-1][::every])[::-1]


def read_size(sheet: Path) -> tuple[int, int]:
    """Return width and height of a sheet from its header; raises `RequestError`."""
    with _open_sheet(sheet) as image:
        return image.size


def read_sheet(sheet: Path) -> Image.Image:
    """Return a sheet as RGB, the first frame of several; raises `RequestError`."""
    with _open_sheet(sheet) as image:
        return image.convert("RGB")


@contextmanager
def _open_sheet(sheet: Path) -> Iterator[Image.Image]:
    data = io.BytesIO(read_image_file(sheet))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(data, formats=("PNG",)) as image:
                yield image
        except Exception as error:  # a decoder may raise anything on malicious bytes
            found, fix = describe_decode_error(error), "Move it to another folder."
            raise RequestError(str(sheet), "a sheet in PNG format", found, fix) from error
