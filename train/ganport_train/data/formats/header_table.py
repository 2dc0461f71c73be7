"""A table with a header: a column with the files, and a column for each condition group.

CSV, TSV and JSON lines, as in the image folders of Hugging Face (`metadata.csv`, `file_name`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ganport_runtime.conditions import Conditions, SignedMultiHot
from ganport_runtime.conditions.groups import ConditionGroup
from ganport_runtime.errors import ConditionError
from ganport_runtime.values import suggestion
from ganport_train.data.formats.base import (
    Contents,
    Example,
    Gap,
    Reader,
    assumption,
    check_group_count,
    check_labels,
)
from ganport_train.data.formats.cells import number
from ganport_train.data.formats.columns import Column, find_column, require
from ganport_train.data.formats.image_index import ImageIndex, table_issue
from ganport_train.data.formats.records import (
    Record,
    Table,
    first_columns,
    is_table,
    normalize,
    read_records,
)
from ganport_train.data.issues import DataError, EntryError, Issue, IssueLog, quote
from ganport_train.data.source import Source

FILE_COLUMNS = (
    *("file_name", "filename", "file", "image_file", "image_path", "image_name", "image"),
    *("path", "img", "image_id", "id"),
)
"""Names of the column with the files, in any case; the first that a table has."""
GROUP = "attributes"
"""The group of the columns that hold -1 and 1 only."""

_FILES = frozenset(FILE_COLUMNS)
_STEMS = ("metadata", "labels", "tags", "annotations", "list_attr_celeba")
_FOLDERS = ("", "images", "img_align_celeba", "img_align_celeba/img_align_celeba")
_TAGS = {"tag", "tags"}


class HeaderTable(Reader):
    """Reader of tables with a header; a column is a condition group.

    A text is one label, a list several, a number a scalar, and `#rrggbb` a color. Columns of -1
    and 1 form one group of attributes. Columns that condition nothing are named and left out.
    """

    format = "table"
    title = "images with a table"
    layout = "a table (CSV, TSV or JSON lines) with a column `file_name` and one for each group"
    supports_attribute_selection = True

    def detect(self, source: Source) -> bool:
        return bool(_find_tables(source))

    def gap(self, source: Source) -> Gap:
        tables = sorted(name for name in source.names if is_table(name) and "/" not in name)
        if tables:
            return Gap(1, f"a column `file_name` in the header of {quote(tables[0])}")
        table = "`metadata.csv` with the columns `file_name` and, for example, `hair`"
        return Gap(2, f"{table}: `ganport dataset init FOLDER` writes it")

    def read(self, source: Source, issues: IssueLog, attributes: Sequence[str]) -> Contents:
        tables = [read_records(source, name, issues) for name in _choose_tables(source)]
        scheme = _Scheme.of(source, tables, attributes)
        issues.add_all(scheme.ignored(tables[0].name))
        issues.add_all(scheme.doubts(tables[0].name))
        index = ImageIndex(source, _FOLDERS)
        examples: list[Example] = []
        for table in tables:
            for record in table.records:
                try:
                    examples.append(_example(table, record, scheme, index))
                except EntryError as error:
                    issues.add(table_issue(error, table.name, record.line))
        index.report_unused(tables[0].name, issues)
        return Contents(examples, lambda: scheme.vocabulary([e.labels for e in examples]))


@dataclass(frozen=True)
class _Scheme:
    """How the cells of a row become labels.

    columns: the columns that are groups of their own.
    flags: the columns that form the group of attributes.
    reasons: why each other column conditions nothing.
    """

    location: str
    columns: tuple[Column, ...]
    flags: tuple[str, ...]
    reasons: dict[str, str]

    @classmethod
    def of(cls, source: Source, tables: Sequence[Table], requested: Sequence[str]) -> _Scheme:
        location = f"{source}/{tables[0].name}"
        cells = _cells(tables)
        for name in requested:
            if name not in cells:
                fix = suggestion(name, cells)
                raise DataError(location, f"the column {quote(name)}", ", ".join(cells), fix)
        names = list(dict.fromkeys(requested)) or list(cells)
        flags = [name for name in names if _is_flag(cells[name])]
        flags = flags if len(flags) > 1 else []
        find = partial(find_column, separator=tables[0].separator, is_requested=bool(requested))
        found = {name: find(name, cells[name]) for name in names if name not in flags}
        columns = tuple(column for column in found.values() if isinstance(column, Column))
        reasons = {name: reason for name, reason in found.items() if isinstance(reason, str)}
        if not columns and not flags:
            raise _no_groups(location, reasons)
        check_group_count(len(columns), location)
        return cls(location, columns, tuple(flags), reasons)

    def labels(self, cells: Mapping[str, Any]) -> dict[str, Any]:
        """Return the value of each group; raises `EntryError` for an unusable cell."""
        labels = {column.name: column.parse(cells.get(column.name)) for column in self.columns}
        if self.flags:
            labels[GROUP] = [name for name in self.flags if number(cells[name]) == 1]
        return labels

    def vocabulary(self, labels: Sequence[Mapping[str, Any]]) -> Conditions:
        """Return the condition groups of all labels; raises `DataError` for invalid labels."""
        groups: list[ConditionGroup] = []
        try:
            for column in self.columns:
                groups.append(column.group([values[column.name] for values in labels]))
            if self.flags:
                groups.append(SignedMultiHot(GROUP, self.flags))
            for group in groups:
                if group.labels:
                    check_labels(group.name, group.labels, self.location)
            return Conditions(tuple(groups))
        except ConditionError as error:
            place = f"{self.location}: {error.place}"
            raise DataError(place, error.expected, error.found, error.fix) from error

    def ignored(self, table: str) -> list[Issue]:
        """Return the warning about the columns that condition nothing."""
        if not self.reasons:
            return []
        found = "; ".join(f"{quote(name)}: {reason}" for name, reason in self.reasons.items())
        fix = "These columns are not used. Name columns in data.attributes to choose yourself."
        expected = "columns of labels, numbers or colors"
        return [Issue("vocabulary", table, expected, found, fix, 1, level="warning")]

    def doubts(self, table: str) -> list[Issue]:
        """Return the warnings about what is assumed about the cells of columns."""
        doubts = (doubt for column in self.columns for doubt in column.doubts)
        return [assumption(table, doubt.expected, doubt.found, doubt.fix) for doubt in doubts]


def _example(table: Table, record: Record, scheme: _Scheme, index: ImageIndex) -> Example:
    if isinstance(record.values, EntryError):
        raise record.values
    column = str(_file_column(table.columns))
    file = require(column, record.values.get(column))
    try:
        labels = scheme.labels(record.values)
    except EntryError:
        index.skip(str(file))  # its image has this issue, so it is not unlabeled as well
        raise
    folder = table.name.rpartition("/")[0]
    image = index.take(str(file), folder)
    # Tables in several folders may give the same name to different images.
    return Example(image if folder else str(file), image, table.name, record.line, labels)


def _cells(tables: Sequence[Table]) -> dict[str, list[Any]]:
    """Return the cells of each column but those with files, in the order of the tables."""
    names = dict.fromkeys(name for table in tables for name in table.columns if name)
    rows = [r.values for t in tables for r in t.records if isinstance(r.values, dict)]
    kept = [name for name in names if normalize(name) not in FILE_COLUMNS]
    return {name: [values.get(name) for values in rows] for name in kept}


def _is_flag(cells: Sequence[Any]) -> bool:
    return bool(cells) and all(number(cell) in (-1, 1) for cell in cells)


def _file_column(columns: Sequence[str]) -> str | None:
    """Return the column with the files, or None."""
    by_name = {normalize(column): column for column in reversed(columns)}
    return next((by_name[name] for name in FILE_COLUMNS if name in by_name), None)


def _find_tables(source: Source) -> list[str]:
    """Return the tables with a column of files: those at the top level, else `metadata` below."""
    names = sorted(filter(is_table, source.names))
    top = [name for name in names if "/" not in name and has_header(source, name)]
    nested = (name for name in names if "/" in name and _stem(name) == _STEMS[0])
    return top or [name for name in nested if has_header(source, name)]


def _choose_tables(source: Source) -> list[str]:
    """Return the tables to read; raises `DataError` if several are equally likely."""
    tables = _find_tables(source)
    if tables and "/" in tables[0]:
        return tables
    for stem in _STEMS:
        chosen = [name for name in tables if _stem(name) == stem]
        if chosen:
            tables = chosen
            break
    if len(tables) != 1:
        fix = "Name the one with the labels metadata.csv, or remove the others."
        found = " and ".join(tables[:3]) or "none"
        raise DataError(str(source), "one table with a header", found, fix)
    return tables


def has_header(source: Source, name: str) -> bool:
    """Return whether a table has a header with a column of files; `ID,tags` is none."""
    columns = [normalize(column) for column in first_columns(source, name)]
    is_tags = name.lower() == "tags.csv" and {*columns[1:]} <= _TAGS
    return not _FILES.isdisjoint(columns) and not is_tags


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0].lower()


def _no_groups(location: str, reasons: Mapping[str, str]) -> DataError:
    found = "; ".join(f"{quote(name)}: {reason}" for name, reason in reasons.items()) or "none"
    return DataError(
        location,
        "a column of labels, numbers or colors next to the column of files",
        found,
        "Add a column for each group, such as `hair`, with a label for each image. Without "
        "labels, train anime-dcgan, a recipe without conditions, with --set data.format=images.",
    )
