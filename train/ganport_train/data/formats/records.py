"""Tables with a header: CSV, TSV and JSONL files as records of named values."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ganport_runtime import strictjson
from ganport_runtime.errors import BundleError
from ganport_runtime.values import repr_short
from ganport_train.data.encodings import compose, decode_text
from ganport_train.data.formats.base import (
    MAX_TABLE,
    assumption,
    log_encoding,
    read_table,
    table_error,
)
from ganport_train.data.issues import EntryError, Issue, IssueLog, quote
from ganport_train.data.source import MAX_FILES, Source

MAX_COLUMNS = 1024
MAX_JSON_LINE = 1 << 20
"""Bytes of a line of JSON."""
EXTENSIONS = (".csv", ".tsv", ".jsonl")

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""Separators of fields, and their names."""

_HEAD = 1 << 16  # bytes that hold the first line
_AFTER_QUOTE = re.compile(r'"[ \t]+(?=[,;|\t]|\r?\n|$)')
_USUAL = {".csv": ",", ".tsv": "\t"}
_FIX = "Fix or remove the line."


@dataclass(frozen=True)
class Record:
    """One row: a value for each column that it has, or the error of a row that cannot be read."""

    line: int
    values: dict[str, Any] | EntryError


@dataclass(frozen=True)
class Table:
    """A table: its file, its columns in order, the separator of its fields, and its rows."""

    name: str
    columns: tuple[str, ...]
    separator: str
    records: list[Record]


def read_records(source: Source, name: str, issues: IssueLog) -> Table:
    """Read a table with a header; log what is assumed about its encoding and separator.

    Raises `DataError` for a table that is not text, or without a usable header.
    """
    data = read_table(source, name)
    try:
        decoded = decode_text(data)
    except EntryError as error:
        raise Issue.from_error(error, "source", name).to_error(str(source)) from error
    log_encoding(decoded, name, issues)
    if _extension(name) == ".jsonl":
        return _json_table(name, decoded.text)
    separator = _find_separator(decoded.text, name)
    if separator != _USUAL[_extension(name)]:
        expected, found = SEPARATORS[_USUAL[_extension(name)]], SEPARATORS[separator]
        issues.add(assumption(name, f"{expected} between fields", found, "They are read as such."))
    return _csv_table(source, name, decoded.text, separator)


def first_columns(source: Source, name: str) -> list[str]:
    """Return the names of the columns as far as the first line shows them, whatever follows."""
    try:
        head = source.read(name, MAX_TABLE)[:_HEAD]
    except EntryError:
        return []
    encoding = "utf-16" if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "latin-1"
    lines = head.removeprefix(codecs.BOM_UTF8).decode(encoding, "ignore").replace("\0", "")
    first = next(_nonblank(lines), "")
    if _extension(name) == ".jsonl":
        values = _parse_object(first)
        return list(values) if isinstance(values, dict) else []
    return [field.strip().strip('"') for field in first.split(_find_separator(first, name))]


def is_table(name: str) -> bool:
    """Return whether a file name has the extension of a table."""
    return _extension(name) in EXTENSIONS


def normalize(column: str) -> str:
    """Return the name of a column in lower case, with underscores for spaces and hyphens."""
    return column.strip().lower().replace(" ", "_").replace("-", "_")


def _csv_table(source: Source, name: str, text: str, separator: str) -> Table:
    # A strict reader refuses a quote that never ends, but also spaces after a closing quote.
    text = _AFTER_QUOTE.sub('"', text) if separator != "\t" else text
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True
    )
    columns: tuple[str, ...] = ()
    records: list[Record] = []
    while True:
        try:
            fields = [field.strip() for field in next(rows)]
        except StopIteration:
            break
        except csv.Error as error:
            rest = "Close the quotes. The rest of the table is not read."
            problem = EntryError("fields in complete quotes", str(error), rest)
            records.append(Record(rows.line_num, problem))
            break
        if not any(fields):
            continue
        if not columns:
            columns = _check_columns(source, name, fields)
        else:
            records.append(Record(rows.line_num, _values(columns, fields)))
        if len(records) > MAX_FILES:
            raise table_error(source, name, f"at most {MAX_FILES:,} rows", "more")
    return Table(name, columns, separator, records)


def _check_columns(source: Source, name: str, fields: Sequence[str]) -> tuple[str, ...]:
    twice = [column for column, count in Counter(fields).items() if count > 1 and column]
    if twice or len(fields) > MAX_COLUMNS:
        found = f"{quote(twice[0])} twice" if twice else f"{len(fields)} columns"
        raise table_error(source, f"{name}:1", f"up to {MAX_COLUMNS} different columns", found)
    return tuple(fields)


def _values(columns: Sequence[str], fields: Sequence[str]) -> dict[str, Any] | EntryError:
    if len(fields) < len(columns) or any(fields[len(columns) :]):
        found = f"{len(fields)}"
        return EntryError(f"{len(columns)} fields, as in the header", found, _FIX)
    return {column: field for column, field in zip(columns, fields, strict=False) if column}


def _json_table(name: str, text: str) -> Table:
    records = [
        Record(line, _parse_object(row))
        for line, row in enumerate(text.split("\n"), 1)
        if row.strip()
    ]
    found = [record.values for record in records if isinstance(record.values, dict)]
    columns = dict.fromkeys(column for values in found for column in values)
    return Table(name, tuple(columns), "", records)


def _parse_object(row: str) -> dict[str, Any] | EntryError:
    try:
        values = strictjson.parse(row.encode(), "line", MAX_JSON_LINE)
    except BundleError as error:
        return EntryError("a JSON object", error.found, _FIX)
    if not isinstance(values, dict):
        return EntryError("a JSON object", repr_short(values), _FIX)
    return {column.strip(): _composed(value) for column, value in values.items()}


def _composed(value: Any) -> Any:
    if isinstance(value, str):
        return compose(value.strip())
    return [_composed(item) for item in value] if isinstance(value, list) else value


def _find_separator(text: str, name: str) -> str:
    """Return the separator that splits the first line into the most fields."""
    first = next(_nonblank(text), "")
    usual = _USUAL[_extension(name)]
    counts = {separator: first.count(separator) for separator in (usual, *SEPARATORS)}
    return max(counts, key=counts.__getitem__)


def _nonblank(text: str) -> Iterator[str]:
    return (line for line in text.split("\n") if line.strip())


def _extension(name: str) -> str:
    return "." + name.rpartition(".")[2].lower()
