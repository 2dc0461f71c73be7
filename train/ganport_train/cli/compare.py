"""`eval-gan compare`: compare runs and reports."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap

import click

from ganport_runtime.errors import RequestError
from ganport_runtime.files import atomic_directory, check_folder
from ganport_runtime.values import sanitize
from ganport_train.evaluation.report.charts import comparison_charts
from ganport_train.evaluation.report.columns import Column, comparison_notes, make_columns
from ganport_train.evaluation.report.comparison import Entry, comparison_json, read_entries
from ganport_train.evaluation.report.page import render_page

_PATH = click.Path(path_type=Path)
_HTML, _JSON = "compare.html", "compare.json"
_MAX_CELL = 36  # characters
_TITLE_WIDTH = 22  # characters of a line of a title, unless the cells are wider


@click.command()
@click.argument("runs", type=_PATH, nargs=-1, required=True, metavar="RUN…")
@click.option("--out", type=_PATH, help=f"Folder for {_HTML} with curves, and {_JSON}.")
def compare(runs: tuple[Path, ...], out: Path | None) -> None:
    """Compare RUNs: differing options, progress, validation scores, headline metrics.

    A RUN is a folder of train-gan, in training or complete, or a report of eval-gan score.
    """
    if out:
        _check_output(out)
    entries = read_entries(runs)
    columns, notes = make_columns(entries), comparison_notes(entries)
    for line in _format_columns([entry.name for entry in entries], columns):
        click.echo(line)
    for note in notes:
        click.echo(f"note: {sanitize(note, 200)}")
    if out:
        _write(out, entries, columns, notes)
        click.echo(f"wrote {out / _HTML}")


def _check_output(out: Path) -> None:
    check_folder(out.parent)
    names = {path.name for path in out.iterdir()} if out.is_dir() else set()
    if out.is_file() or not names <= {_HTML, _JSON}:
        raise RequestError(
            f"--out {out}",
            "a new folder, or one of an earlier comparison",
            "a file" if out.is_file() else "a folder with other files",
            "Choose another folder.",
        )


def _write(
    out: Path, entries: Sequence[Entry], columns: Sequence[Column], notes: Sequence[str]
) -> None:
    names = [entry.name for entry in entries]
    charts = comparison_charts({entry.name: entry.history for entry in entries})
    html = render_page("compare.html", names=names, columns=columns, notes=notes, charts=charts)
    data = json.dumps(comparison_json(entries, notes), indent=2)
    with atomic_directory(out) as folder:
        # The text of a report may hold an unpaired surrogate, which UTF-8 cannot encode.
        (folder / _HTML).write_bytes(html.encode(errors="replace"))
        (folder / _JSON).write_bytes((data + "\n").encode())


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
