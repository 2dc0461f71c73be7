"""`sample-gan history`: the sheets of a run as one animation."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import click
from PIL import Image

from ganport_runtime.cli.sample.output import Output, written
from ganport_runtime.errors import RequestError
from ganport_runtime.images.animation import check_pixels
from ganport_runtime.images.encode import describe_decode_error

_SHEET = re.compile(r"\d{1,12}\.png")  # named by the pictures seen
_MAX_BYTES = 64 << 20


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@written
@click.option("--every", type=click.IntRange(1), default=1, help="Take one sheet of N.")
@click.option("--hold", type=click.FloatRange(0, 60), default=3.0, help="Seconds of the last.")
def history(output: Output, run: Path, every: int, hold: float) -> None:
    """The sample sheets of RUN, a folder that train-gan wrote, as one animation."""
    sheets = chosen(sheets_of(run), every)
    check_pixels([size_of(sheet) for sheet in sheets])
    frames = [read(sheet) for sheet in sheets]
    names = json.dumps([sheet.name for sheet in sheets])
    wrote = output.save(frames, {"ganport.history": names}, fps=3, hold=hold)
    seen = [int(sheet.stem) for sheet in (sheets[0], sheets[-1])]
    click.echo(f"{wrote}, from {seen[0]:,} to {seen[1]:,} pictures seen")


def sheets_of(run: Path) -> list[Path]:
    """The sheets of a run, by the pictures it had seen; raises `RequestError` without any."""
    folder = run / "samples"
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError as error:
        raise _no_run(folder, error.strerror or str(error)) from error
    sheets = [folder / name for name in names if _SHEET.fullmatch(name)]
    if not sheets:
        raise _no_run(folder, f"{len(names)} files, none of them a sheet")
    return sorted(sheets, key=lambda sheet: (int(sheet.stem), sheet.name))


def chosen(sheets: Sequence[Path], every: int) -> list[Path]:
    """One sheet of `every`, counted from the last, which is what the run came to."""
    return list(sheets[::-1][::every])[::-1]


def size_of(sheet: Path) -> tuple[int, int]:
    """Width and height of a sheet, from its first bytes alone; raises `RequestError`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if not sheet.is_file() or sheet.stat().st_size > _MAX_BYTES:
                raise _no_sheet(sheet, f"no file, or over {_MAX_BYTES >> 20} MiB")
            with Image.open(sheet, formats=("PNG",)) as image:
                return image.size
        except RequestError:
            raise
        except Exception as error:  # a decoder fed with hostile bytes may raise anything
            raise _no_sheet(sheet, describe_decode_error(error)) from error


def read(sheet: Path) -> Image.Image:
    """The pixels of a sheet as RGB, the first frame of several; raises `RequestError`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(sheet, formats=("PNG",)) as image:
                return image.convert("RGB")
        except Exception as error:  # a decoder fed with hostile bytes may raise anything
            raise _no_sheet(sheet, describe_decode_error(error)) from error


def _no_run(folder: Path, found: str) -> RequestError:
    return RequestError(
        str(folder),
        expected="the sample sheets of a run",
        found=found,
        fix="Name a run folder of train-gan; it draws a sheet at every tick.",
    )


def _no_sheet(sheet: Path, found: str) -> RequestError:
    return RequestError(
        str(sheet), expected="a sheet, which is a PNG", found=found, fix="Move it out of there."
    )
