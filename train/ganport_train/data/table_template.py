"""A table to fill in: the images of a folder, with empty columns for their labels."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from ganport_runtime.errors import FileError
from ganport_train.data.file_formats import is_image
from ganport_train.data.formats.header_table import FILE_COLUMNS
from ganport_train.data.formats.records import normalize
from ganport_train.data.formats.registry import READERS
from ganport_train.data.formats.sidecars import Sidecars
from ganport_train.data.issues import DataError, IssueLog, quote
from ganport_train.data.source import FolderSource, Source

TABLE = "metadata.csv"


def write_template(folder: Path, columns: Sequence[str]) -> tuple[Path, int]:
    """Write `metadata.csv` with a line for each image; return its path and their number.

    The first column is filled with the folders that the images are in. Raises `DataError` if the
    folder has labels or no images, and for invalid columns. Nothing is replaced.
    """
    source, path = FolderSource(folder), folder / TABLE
    _check_columns(columns)
    images = sorted(filter(is_image, source.names))
    if not images:
        fix = "Copy the images into the folder first."
        raise DataError(str(folder), "a folder of images", "none", fix)
    _check_no_table(source)
    _check_no_tags(source)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["file_name", *columns])
    for name in images:
        writer.writerow([name, name.rpartition("/")[0], *[""] * (len(columns) - 1)])
    try:
        # Spreadsheets take a table for UTF-8 only if it has a byte-order mark.
        with path.open("x", encoding="utf-8-sig", newline="") as file:
            file.write(text.getvalue())
    except FileExistsError as error:
        raise _exists(str(path)) from error
    except OSError as error:
        raise FileError.from_os_error(error, str(path)) from error
    return path, len(images)


def _check_columns(columns: Sequence[str]) -> None:
    taken = [column for column in columns if normalize(column) in FILE_COLUMNS or not column]
    twice = [column for column in columns if columns.count(column) > 1]
    if taken or twice:
        expected = f"different names, none of {', '.join(FILE_COLUMNS)}"
        raise DataError("--column", expected, quote((taken or twice)[0]), "Choose another name.")


def _check_no_table(source: Source) -> None:
    for reader in READERS:
        if reader.is_table and reader.detect(source):
            raise _exists(str(source), f"{reader.title} already")


def _check_no_tags(source: Source) -> None:
    """Raise `DataError` for text files of tags, which an empty table would hide."""
    reader = Sidecars()
    if not reader.detect(source):
        return
    try:
        reader.read(source, IssueLog(str(source), strict=False), ())
    except DataError:  # captions are no labels, so a table hides nothing
        return
    fix = "They are the labels already. To use a table, move the text files away first."
    raise DataError(str(source), "a folder without labels", reader.title, fix)


def _exists(place: str, found: str = "one already") -> DataError:
    fix = "Edit that table, or move it away first."
    return DataError(place, "a folder without a table of labels", found, fix)
