"""The table of a tagged folder: `metadata.csv`, or the table that the folder has."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, cast

from ganport_runtime.conditions.colors import is_hex
from ganport_train.data.formats.columns import Column, find_column
from ganport_train.data.formats.header_table import FILE_COLUMNS, has_header
from ganport_train.data.formats.image_folder import ImageFolder
from ganport_train.data.formats.image_index import ImageIndex
from ganport_train.data.formats.records import SEPARATORS, Table, is_table, normalize, read_records
from ganport_train.data.formats.registry import choose_reader
from ganport_train.data.formats.tagged_csv import FOLDER, TABLE, TaggedCsv, find_table
from ganport_train.data.issues import DataError, EntryError, IssueLog
from ganport_train.data.source import Source
from ganport_train.tagging.state import Choice

NEW_TABLE = "metadata.csv"
_NEW_COLUMN = "file_name"
_OVERRULED = ("iclevr", "celeba", "stylegan_json")
"""Formats that a reader prefers to `metadata.csv`."""

Labels = dict[str, dict[str, Choice]]
"""The choice of each group, by image."""

_LIST_MARKS = frozenset(",[]\"'")
"""Characters that a label in a list cannot have: readers split and strip them."""


@dataclass(frozen=True)
class TagTable:
    """A table: its file, the column with the files, and the columns that are no groups.

    `cells` holds the `extras` of each image. They are written back as they are; an image without
    one of those that are `needed`, a number for example, gets no row. `separator` is that between
    the fields: another one may change what a cell means. A table without a header is `tags.csv`,
    which holds one label of each group.
    """

    name: str = NEW_TABLE
    column: str = _NEW_COLUMN
    separator: str = ","
    has_header: bool = True
    extras: tuple[str, ...] = ()
    needed: frozenset[str] = frozenset()
    cells: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def with_cells(self, saved: Any) -> TagTable:
        """Return the table with columns and cells of `to_json` that it does not have itself."""
        cells = {str(image): dict(row) for image, row in saved["cells"].items()}
        separator = self.separator if self.cells else saved.get("separator", ",")
        if separator not in SEPARATORS:
            raise ValueError
        return replace(
            self,
            separator=separator,
            extras=tuple(dict.fromkeys((*self.extras, *map(str, saved["extras"])))),
            needed=self.needed | frozenset(map(str, saved["needed"])),
            cells=cells | dict(self.cells),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the separator, the columns that are no groups, and their cells."""
        cells = {image: dict(row) for image, row in self.cells.items()} if self.extras else {}
        columns = {"extras": list(self.extras), "needed": sorted(self.needed), "cells": cells}
        return {**columns, "separator": self.separator}

    def takes(self, image: str) -> bool:
        """Return whether an image can have a row."""
        return all(self.cells.get(image, {}).get(name) for name in self.needed)

    def format(self, images: Sequence[str], rows: Labels, groups: Sequence[str]) -> bytes:
        """Return the bytes of the table with a row for each entry of `rows`."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.separator, lineterminator="\n")
        if not self.has_header:
            ids = _ids(images)
            for image, labels in rows.items():
                tags = " ".join(f"{labels[group]} {group}" for group in groups)
                writer.writerow([ids[image], tags])
        else:
            writer.writerow([self.column, *groups, *self.extras])
            for image, labels in rows.items():
                cells = self.cells.get(image, {})
                found = [_cell(labels[group]) for group in groups]
                writer.writerow([image, *found, *(cells.get(name, "") for name in self.extras)])
        return text.getvalue().encode()


@dataclass(frozen=True)
class FoundTags:
    """The table of a folder, the labels in it, and its groups; `bad` rows cannot be read.

    An image may have several labels of a group in `multiple`.
    """

    table: TagTable
    labels: Labels = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    bad: int = 0
    multiple: frozenset[str] = frozenset()


def read_tags(source: Source) -> FoundTags:
    """Return the tags of a folder's table or class folders; none for another folder.

    Raises `DataError` for a folder with labels of another form.
    """
    tagged = find_table(source)
    if tagged and not has_header(source, tagged):
        return _read_tagged_csv(source, tagged)
    if table := _find_header_table(source):
        return _read_header_table(source, table)
    has_folder = any(name.startswith(f"{FOLDER}/") for name in source.names)
    if not has_folder and ImageFolder().detect(source):
        examples = ImageFolder().read(source, IssueLog(str(source), strict=False), ()).examples
        labels = {example.image: dict(example.labels) for example in examples}
        return FoundTags(TagTable(), labels, ("class",))
    return FoundTags(TagTable())


def is_group_name(name: str) -> bool:
    """Return whether a column of this name holds labels for every reader."""
    cells = ("a", "b", "a", "b")
    return normalize(name) not in FILE_COLUMNS and not isinstance(
        find_column(name, cells, ","), str
    )


def _find_header_table(source: Source) -> str | None:
    top = [name for name in sorted(source.names) if is_table(name) and "/" not in name]
    tables = [name for name in top if has_header(source, name)]
    tables = [name for name in tables if name.startswith("metadata.")] or tables
    nested = [name for name in source.names if name.endswith("/" + NEW_TABLE)]
    if len(tables) == 1 and tables[0].lower().endswith(".csv") and not _is_overruled(source):
        return tables[0]
    if tables or nested or _is_overruled(source):
        found = " and ".join((tables or nested)[:2]) or "labels of another format"
        fix = "Convert it, or copy the images to a folder of their own."
        expected = f"no table, {TABLE}, or one CSV table with a header at the top"
        raise DataError(str(source), expected, found, fix)
    return None


def _is_overruled(source: Source) -> bool:
    try:
        return choose_reader(source).format in _OVERRULED
    except DataError:
        return False


def _read_tagged_csv(source: Source, name: str) -> FoundTags:
    issues = IssueLog(str(source), strict=False)
    examples = TaggedCsv().read(source, issues, ()).examples
    labels = {example.image: dict(example.labels) for example in examples}
    groups = tuple(examples[0].labels) if examples else ()
    bad = sum(issue.level == "error" for issue in issues)
    return FoundTags(TagTable(name, has_header=False), labels, groups, bad)


def _read_header_table(source: Source, name: str) -> FoundTags:
    table = read_records(source, name, IssueLog(str(source), strict=False))
    column = next(c for n in FILE_COLUMNS for c in table.columns if normalize(c) == n)
    rows, bad = _rows_by_image(source, table, column)
    names = [other for other in table.columns if other and other != column]
    texts = {other: [row.get(other) for row in rows.values()] for other in names}
    kinds = {other: _kind(other, texts[other], table.separator) for other in names}
    lists = {o: _parse_lists(o, rows, table.separator) for o in names if kinds[o] is list}
    multiple = frozenset(other for other, parsed in lists.items() if _can_write(parsed))
    groups = tuple(other for other in names if kinds[other] is str or other in multiple)
    extras = tuple(other for other in names if other not in groups)
    needed = frozenset(other for other in extras if kinds[other] is not None)
    cells = {image: {n: row.get(n, "") for n in extras} for image, row in rows.items()}
    labels: Labels = {
        image: {g: row[g] for g in groups if row.get(g)} | {g: lists[g][image] for g in multiple}
        for image, row in rows.items()
    }
    layout = TagTable(name, column, table.separator, True, extras, needed, cells)
    return FoundTags(layout, labels, groups, bad, multiple)


def _parse_lists(
    name: str, rows: Mapping[str, Mapping[str, Any]], separator: str
) -> dict[str, tuple[str, ...]]:
    """Return the labels of each image in a column of lists."""
    cells = {image: row.get(name) or "" for image, row in rows.items()}
    column = find_column(name, list(cells.values()), separator)
    assert isinstance(column, Column)
    return {image: tuple(cast(list[str], column.parse(cell))) for image, cell in cells.items()}


def _can_write(lists: Mapping[str, tuple[str, ...]]) -> bool:
    """Return whether a reader of `_cell` finds the same labels."""
    return not any(_LIST_MARKS & set(label) for labels in lists.values() for label in labels)


def _cell(choice: Choice) -> str:
    """Return the text of a choice; several labels are a list of JSON."""
    return choice if isinstance(choice, str) else json.dumps(choice, ensure_ascii=False)


def _rows_by_image(
    source: Source, table: Table, column: str
) -> tuple[dict[str, dict[str, Any]], int]:
    """Return the cells of each image, and the number of rows without an image."""
    index = ImageIndex(source, ("", FOLDER))
    rows: dict[str, dict[str, Any]] = {}
    for record in table.records:
        if isinstance(record.values, dict):
            try:
                rows[index.take(str(record.values.get(column, "")), "")] = record.values
            except EntryError:
                continue
    return rows, len(table.records) - len(rows)


def _kind(name: str, cells: Sequence[Any], separator: str) -> type | None:
    """Return the type of a column's values, str for labels; None if it conditions nothing."""
    filled = [cell for cell in cells if cell]
    if not filled:
        return str if is_group_name(name) else None
    column = find_column(name, filled, separator)
    if not isinstance(column, Column):
        return None
    value = _first_value(column, filled)
    return object if isinstance(value, str) and is_hex(value) else type(value)


def _first_value(column: Column, cells: Sequence[Any]) -> Any:
    """Return the value of the first cell that has one: a few cells may be mistakes."""
    for cell in cells:
        with suppress(EntryError):
            return column.parse(cell)
    raise AssertionError(column.name)


def _ids(images: Iterable[str]) -> dict[str, str]:
    """Return the ID of each image: its path without folder `images`, and without extension."""
    paths = {image: image.removeprefix(f"{FOLDER}/") for image in images}
    stems = Counter(path.rpartition(".")[0] for path in paths.values())
    return {
        image: stem if stems[stem := path.rpartition(".")[0]] == 1 else path
        for image, path in paths.items()
    }
