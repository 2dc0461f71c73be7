"""`eval-gan compare`: runs side by side."""

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
from ganport_train.evaluation.report import run_history
from ganport_train.evaluation.report.columns import Column, columns, notes
from ganport_train.evaluation.report.page import page
from ganport_train.evaluation.scores.comparison import Entry, read, to_json

_PATH = click.Path(path_type=Path)
_PAGE, _FIGURES = "compare.html", "compare.json"
_WIDEST = 36  # characters of a cell on the terminal
_TITLE = 20  # and of a line of a title, unless the cells are wider


@click.command()
@click.argument("runs", type=_PATH, nargs=-1, required=True, metavar="RUN…")
@click.option("--out", type=_PATH, help=f"Folder for {_PAGE} with curves, and {_FIGURES}.")
def compare(runs: tuple[Path, ...], out: Path | None) -> None:
    """Set RUNs side by side: options that differ, how far they came, scores, headline figures.

    A RUN is a folder of train-gan, still training or done, or one that eval-gan score wrote.
    """
    if out:
        _check_free(out)
    entries = read(runs)
    table, said = columns(entries), notes(entries)
    for line in _lines([entry.name for entry in entries], table):
        click.echo(line)
    for note in said:
        click.echo(f"note: {sanitize(note, 200)}")
    if out:
        _write(out, entries, table, said)
        click.echo(f"wrote {out / _PAGE}")


def _check_free(out: Path) -> None:
    check_folder(out.parent)
    held = {path.name for path in out.iterdir()} if out.is_dir() else set()
    if out.is_file() or not held <= {_PAGE, _FIGURES}:
        raise RequestError(
            f"--out {out}",
            expected="a new folder, or one of an earlier comparison",
            found="a file" if out.is_file() else "one that holds other files",
            fix="Name another place.",
        )


def _write(
    out: Path, entries: Sequence[Entry], table: Sequence[Column], said: Sequence[str]
) -> None:
    names = [entry.name for entry in entries]
    charts = run_history.of_runs({entry.name: entry.course for entry in entries})
    html = page("compare.html", names=names, columns=table, notes=said, charts=charts)
    figures = json.dumps(to_json(entries, said), indent=2)
    with atomic_directory(out) as folder:
        # A report's text may hold half of a surrogate pair, which no file can.
        (folder / _PAGE).write_bytes(html.encode(errors="replace"))
        (folder / _FIGURES).write_bytes((figures + "\n").encode())


def _lines(names: Sequence[str], table: Sequence[Column]) -> Iterator[str]:
    """The columns side by side, in as many blocks as the terminal's width asks for."""
    first = _aligned(Column("run", names, text=True))
    room = shutil.get_terminal_size().columns
    block: list[list[str]] = [first]
    for column in map(_aligned, table):
        if len(block) > 1 and sum(len(cells[0]) + 2 for cells in [*block, column]) - 2 > room:
            yield from _joined(block)
            yield ""
            block = [first]
        block.append(column)
    yield from _joined(block)
    if any(column.best for column in table):
        yield "* the best of its column"


def _joined(block: Sequence[list[str]]) -> Iterator[str]:
    # Titles of fewer lines than their neighbours stand on the same ground.
    height = max(map(len, block))
    padded = [[" " * len(cells[0])] * (height - len(cells)) + cells for cells in block]
    for row in zip(*padded, strict=True):
        yield "  ".join(row).rstrip()


def _aligned(column: Column) -> list[str]:
    """The lines of a column, all of one width: its title, broken where it is long, and cells."""
    cells = [
        sanitize(cell, _WIDEST) + ("*" if place in column.best else " " if column.best else "")
        for place, cell in enumerate(column.cells)
    ]
    room = max(_TITLE, *map(len, cells))
    title = wrap(sanitize(column.title, 200), room, break_long_words=False)
    width = max(map(len, [*title, *cells]))
    return [line.ljust(width) if column.text else line.rjust(width) for line in [*title, *cells]]
