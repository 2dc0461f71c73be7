"""Tagged images: `tags.csv` with lines `ID,pink hair black eyes`, and an image per ID."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ganport_runtime.conditions import Conditions
from ganport_train.data.encodings import decode_text
from ganport_train.data.formats import tag_grammar
from ganport_train.data.formats.base import (
    Contents,
    Example,
    Gap,
    Reader,
    assumption,
    log_encoding,
    missing_files,
    one_hot_groups,
    read_table,
)
from ganport_train.data.formats.header_table import has_header
from ganport_train.data.formats.image_index import ImageIndex, table_issue
from ganport_train.data.issues import DataError, EntryError, Issue, IssueLog, attempt, quote
from ganport_train.data.source import Source

TABLE = "tags.csv"
FOLDER = "images"
MAX_TABLE = 32 << 20
"""Bytes of `tags.csv`."""

_SEPARATORS = re.compile(f"[{''.join(tag_grammar.SEPARATORS)}]")
_HEADER_IDS = frozenset({"id", "image", "file", "filename", "file_name", "name"})
_HEADER_TAGS = frozenset({"tag", "tags"})


class TaggedCsv(Reader):
    """Reader of tagged images; every line has a label for each group that most lines have."""

    format = "tagged_csv"
    title = "tagged images"
    layout = "`tags.csv` and a folder `images`"

    def detect(self, source: Source) -> bool:
        table = find_table(source)
        return table is not None and not has_header(source, table)

    def gap(self, source: Source) -> Gap:
        gap = missing_files(source, (TABLE,))
        line = (
            "`tags.csv`, such as `1,pink hair black eyes`: `ganport dataset tag FOLDER` writes it"
        )
        return gap if gap.distance == 1 else Gap(2, line)

    def read(self, source: Source, issues: IssueLog, attributes: Sequence[str]) -> Contents:
        table = _require_table(source)
        index = ImageIndex(source, (FOLDER, ""))
        lines, separator = _lines(source, table, index, issues)
        texts = [line.fields[1] for line in lines if isinstance(line.fields, tuple)]
        groups = tag_grammar.choose_groups(texts)
        issues.add_all(_doubts(table, tag_grammar.find_ambiguity(texts, groups)))
        examples: dict[str, Example] = {}
        for line in lines:
            try:
                if not index.has(line.name):
                    tag_grammar.check_separator(line.name, separator)
                image_id, labels = _parse(line.fields, groups, examples)
                image = index.take(image_id)
            except EntryError as error:
                issues.add(table_issue(error, table, line.number))
                # Its image has this issue, so it is not unlabeled as well.
                index.skip(line.name if index.has(line.name) else _first_field(line.name))
                continue
            examples[image_id] = Example(image_id, image, table, line.number, labels)
        has_folder = any(name.startswith(f"{FOLDER}/") for name in source.names)
        index.report_unused(table, issues, FOLDER if has_folder else "")
        found, location = list(examples.values()), f"{source}/{table}"
        return Contents(found, lambda: _vocabulary(found, groups, location))


def find_table(source: Source) -> str | None:
    """Return `tags.csv`, in this or another letter case, or None."""
    return next(iter(_tables(source)), None)


def _tables(source: Source) -> list[str]:
    found = [name for name in source.names if name.lower() == TABLE]
    return sorted(found, key=lambda name: (name != TABLE, name))


def _require_table(source: Source) -> str:
    """Return the table; raises `DataError` for several that differ in letter case."""
    tables = _tables(source)
    if len(tables) != 1:
        found = " and ".join(tables) or "none"
        raise DataError(str(source), f"one table {TABLE}", found, "Remove the others.")
    return tables[0]


def _vocabulary(examples: Sequence[Example], groups: Sequence[str], location: str) -> Conditions:
    labels = {group: sorted({example.labels[group] for example in examples}) for group in groups}
    return one_hot_groups(labels, location)


@dataclass(frozen=True)
class _TableLine:
    """A line that is not blank, and its ID and tags or the error that prevents them."""

    number: int
    raw: bytes
    fields: tuple[str, str] | EntryError

    @property
    def name(self) -> str:
        """The ID, as far as it can be read."""
        if isinstance(self.fields, tuple):
            return self.fields[0]
        return _first_field(self.raw.decode("utf-8", "replace"))


def _doubts(table: str, ambiguity: tuple[str, str] | None) -> list[Issue]:
    """Return the warning about a word that could be a group instead of the word next to it."""
    if ambiguity is None:
        return []
    group, other = map(quote, ambiguity)
    found = f"{other} next to {group} on nearly all lines, and {group} is read as the group"
    fix = "If a label has several words, join them with hyphens, as in `dark-blue hair`."
    return [assumption(table, "one word that can be the group of a label", found, fix)]


def _parse(
    fields: tuple[str, str] | EntryError, groups: Sequence[str], known: Mapping[str, Example]
) -> tuple[str, dict[str, str]]:
    """Return the ID and the label of each group in order; raises `EntryError`."""
    if isinstance(fields, EntryError):
        raise fields
    image_id, text = fields
    if image_id in known:
        found = f"{quote(image_id)} again, after line {known[image_id].line}"
        raise EntryError("each ID once", found, "Remove one of the two lines.")
    tags = _tags(text, groups, next(iter(known.values()), None))
    return image_id, {group: tags[group] for group in groups}


def _tags(text: str, groups: Sequence[str], first: Example | None) -> dict[str, str]:
    try:
        return tag_grammar.parse_tags(text, groups)
    except EntryError:
        found = tag_grammar.list_groups(text, groups)  # or raises the error of the text
    lines = f"line {first.line}" if first else "most lines"
    raise EntryError(
        f"a label for {', '.join(groups)}, as on {lines}",
        f"one for {', '.join(found)}",
        _spelling_hint(found, groups) or _group_hint(found, groups),
    )


def _lines(
    source: Source, table: str, index: ImageIndex, issues: IssueLog
) -> tuple[list[_TableLine], str]:
    """Return the lines of the table, and the separator after their IDs."""
    raw_lines = list(io.BytesIO(_read_text(source, table, issues)))
    separator = tag_grammar.find_separator(raw_lines, index.has)
    if separator != ",":
        found = f"{tag_grammar.SEPARATORS[separator]}s"
        fix = "They are read as such."
        issues.add(assumption(table, "commas between IDs and tags", found, fix))
    lines: list[_TableLine] = []
    for number, raw in enumerate(raw_lines, 1):
        fields = attempt(tag_grammar.split_line, raw, separator)
        if number == 1 and isinstance(fields, tuple) and _is_header(*fields):
            found = quote(separator.join(fields))
            issues.add(assumption(table, "no header line", found, "The line is skipped."))
        elif fields:
            lines.append(_TableLine(number, raw, fields))
    return lines, separator


def _read_text(source: Source, table: str, issues: IssueLog) -> bytes:
    """Return the table as UTF-8; as it is if its encoding is unknown, so that lines fail alone."""
    data = read_table(source, table, MAX_TABLE)
    try:
        decoded = decode_text(data)
    except EntryError:
        return data
    log_encoding(decoded, table, issues)
    return decoded.text.encode()


def _first_field(text: str) -> str:
    return _SEPARATORS.split(text)[0].strip().strip('"')


def _is_header(image_id: str, tags: str) -> bool:
    return image_id.lower() in _HEADER_IDS and tags.lower() in _HEADER_TAGS


def _group_hint(groups: Iterable[str], expected: Sequence[str]) -> str:
    others = [group for group in groups if group not in expected]
    if others:
        return f"Remove {', '.join(others)} from this line, or give every image a label for it."
    return "Give every image a label for every group."


def _spelling_hint(groups: Iterable[str], expected: Sequence[str]) -> str:
    """Return the fix for groups that differ in letter case only, else an empty text."""
    by_lower = {group.lower(): group for group in expected}
    wrong = [group for group in groups if group not in expected and group.lower() in by_lower]
    pairs = [f"{by_lower[group.lower()]}, not {group}" for group in wrong]
    return f"Write {' and '.join(pairs)}." if pairs else ""
