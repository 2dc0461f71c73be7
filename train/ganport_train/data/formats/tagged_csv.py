"""Tagged images: `tags.csv` with lines `ID,pink hair black eyes`, and an image per ID."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ganport_runtime.conditions import Conditions
from ganport_train.data.encodings import decode_text
from ganport_train.data.formats import tag_grammar
from ganport_train.data.formats.base import (
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
from ganport_train.data.issues import EntryError, IssueLog, quote
from ganport_train.data.source import Source

TABLE = "tags.csv"
FOLDER = "images"
MAX_TABLE = 32 << 20
"""Bytes of `tags.csv`."""

_HEADER_IDS = frozenset({"id", "image", "file", "filename", "file_name", "name"})
_HEADER_TAGS = frozenset({"tag", "tags"})


class TaggedCsv(Reader):
    """Reader of tagged images; every line has a label for each group that most lines have."""

    format = "tagged_csv"
    title = "tagged images"
    layout = "`tags.csv` and a folder `images`"

    def detect(self, source: Source) -> bool:
        return TABLE in source.names and not has_header(source, TABLE)

    def gap(self, source: Source) -> Gap:
        gap = missing_files(source, (TABLE,))
        line = (
            "`tags.csv`, such as `1,pink hair black eyes`: `ganport dataset tag FOLDER` writes it"
        )
        return gap if gap.distance == 1 else Gap(2, line)

    def read(self, source: Source, issues: IssueLog, attributes: Sequence[str]) -> list[Example]:
        lines = _lines(source, issues)
        parser = _Parser.of([line.fields for line in lines])
        index = ImageIndex(source, (FOLDER, ""))
        examples: dict[str, Example] = {}
        for line in lines:
            try:
                image_id, labels = parser.parse(line.fields, examples)
                image = index.take(image_id)
            except EntryError as error:
                issues.add(table_issue(error, TABLE, line.number))
                index.skip(line.name)  # its image has this issue, so it is not unlabeled as well
                continue
            examples[image_id] = Example(image_id, image, TABLE, line.number, labels)
        has_folder = any(name.startswith(f"{FOLDER}/") for name in source.names)
        index.report_unused(TABLE, issues, FOLDER if has_folder else "")
        return list(examples.values())

    def vocabulary(
        self, source: Source, examples: Sequence[Example], attributes: Sequence[str]
    ) -> Conditions:
        groups: dict[str, set[str]] = {}
        for example in examples:
            for group, label in example.labels.items():
                groups.setdefault(group, set()).add(label)
        ordered = {group: sorted(labels) for group, labels in groups.items()}
        return one_hot_groups(ordered, f"{source}/{TABLE}")


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
        return self.raw.split(b",")[0].decode("utf-8", "replace").strip().strip('"')


@dataclass(frozen=True)
class _Parser:
    """Parses the fields of lines with the groups that most of them have."""

    groups: tuple[str, ...]

    @classmethod
    def of(cls, fields: Iterable[tuple[str, str] | EntryError]) -> _Parser:
        texts = [field[1] for field in fields if not isinstance(field, EntryError)]
        return cls(tag_grammar.choose_groups(texts))

    def parse(
        self, fields: tuple[str, str] | EntryError, known: Mapping[str, Example]
    ) -> tuple[str, dict[str, str]]:
        """Return the ID and the label of each group in order; raises `EntryError`."""
        if isinstance(fields, EntryError):
            raise fields
        image_id, text = fields
        if image_id in known:
            found = f"{quote(image_id)} again, after line {known[image_id].line}"
            raise EntryError("each ID once", found, "Remove one of the two lines.")
        tags = self._tags(text, next(iter(known.values()), None))
        return image_id, {group: tags[group] for group in self.groups}

    def _tags(self, text: str, first: Example | None) -> dict[str, str]:
        try:
            return tag_grammar.parse_tags(text, self.groups)
        except EntryError:
            groups = tag_grammar.parse_tags(text)  # raises the error of a text without pairs
        lines = f"line {first.line}" if first else "most lines"
        raise EntryError(
            f"a label for {', '.join(self.groups)}, as on {lines}",
            f"one for {', '.join(groups)}",
            _spelling_hint(groups, self.groups) or "Give every image a label for every group.",
        )


def _lines(source: Source, issues: IssueLog) -> list[_TableLine]:
    raw_lines = list(io.BytesIO(_read_text(source, issues)))
    separator = tag_grammar.find_separator(raw_lines)
    if separator != ",":
        found = tag_grammar.SEPARATORS[separator]
        fix = "They are read as such."
        issues.add(assumption(TABLE, "commas between IDs and tags", found, fix))
    lines: list[_TableLine] = []
    for number, raw in enumerate(raw_lines, 1):
        try:
            fields = tag_grammar.split_line(raw, separator)
        except EntryError as error:
            lines.append(_TableLine(number, raw, error))
            continue
        if number == 1 and fields and _is_header(*fields):
            found = quote(separator.join(fields))
            issues.add(assumption(TABLE, "no header line", found, "The line is skipped."))
        elif fields:
            lines.append(_TableLine(number, raw, fields))
    return lines


def _read_text(source: Source, issues: IssueLog) -> bytes:
    """Return the table as UTF-8; as it is if its encoding is unknown, so that lines fail alone."""
    data = read_table(source, TABLE, MAX_TABLE)
    try:
        decoded = decode_text(data)
    except EntryError:
        return data
    log_encoding(decoded, TABLE, issues)
    return decoded.text.encode()


def _is_header(image_id: str, tags: str) -> bool:
    return image_id.lower() in _HEADER_IDS and tags.lower() in _HEADER_TAGS


def _spelling_hint(groups: Iterable[str], expected: Sequence[str]) -> str:
    """Return the fix for groups that differ in letter case only, else an empty text."""
    by_lower = {group.lower(): group for group in expected}
    wrong = [group for group in groups if group not in expected and group.lower() in by_lower]
    pairs = [f"{by_lower[group.lower()]}, not {group}" for group in wrong]
    return f"Write {' and '.join(pairs)}." if pairs else ""
