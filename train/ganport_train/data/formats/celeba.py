"""CelebA's format: `list_attr_celeba.txt` with -1 or 1 per attribute, and aligned images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ganport_runtime.conditions import Conditions, SignedMultiHot
from ganport_runtime.values import suggestion
from ganport_train.data.formats.base import (
    Contents,
    Example,
    Gap,
    Reader,
    check_labels,
    missing_files,
    read_table,
    table_error,
)
from ganport_train.data.formats.image_index import ImageIndex, table_issue
from ganport_train.data.issues import DataError, EntryError, Issue, IssueLog, quote
from ganport_train.data.source import MAX_FILES, Source

TABLE = "list_attr_celeba.txt"
FOLDERS = ("", "img_align_celeba", "images")
GROUP = "attributes"
MAX_LINE = 1 << 17
"""Bytes of a line."""

_COUNT = re.compile(rb"\s*(\d{1,9})\s*")
_SIGNS = {"1": True, "+1": True, "-1": False}


class CelebA(Reader):
    """Reader of CelebA's format: all attributes, or the selected ones in the given order.

    The table holds the number of images, a line of attribute names, and one line per image. The
    center crop of an aligned image holds the whole face.
    """

    format = "celeba"
    title = "CelebA"
    layout = "`list_attr_celeba.txt` and a folder `img_align_celeba` or `images`"
    supports_attribute_selection = True

    def detect(self, source: Source) -> bool:
        return TABLE in source.names

    def gap(self, source: Source) -> Gap:
        return missing_files(source, (TABLE,))

    def read(self, source: Source, issues: IssueLog, attributes: Sequence[str]) -> Contents:
        lines = _lines(source)
        names = _attribute_names(source, lines)
        selected = [(name, names.index(name)) for name in _selected(source, names, attributes)]
        _check_count(source, lines, issues)
        index = ImageIndex(source, FOLDERS)
        examples: list[Example] = []
        for line, (image_id, *words) in _rows(lines):
            try:
                image = index.take(image_id)
                signs = _signs(words, len(names))
            except EntryError as error:
                issues.add(table_issue(error, TABLE, line))
                continue
            labels = {GROUP: [name for name, column in selected if signs[column]]}
            examples.append(Example(image_id, image, TABLE, line, labels))
        index.report_unused(TABLE, issues)
        groups = (SignedMultiHot(GROUP, tuple(name for name, _ in selected)),)
        return Contents(examples, lambda: Conditions(groups))


def _lines(source: Source) -> list[bytes]:
    data = read_table(source, TABLE)
    # Check the line count and length before splitting, which takes far more memory than the text.
    if (count := data.count(b"\n")) > MAX_FILES:
        raise table_error(source, TABLE, f"at most {MAX_FILES:,} lines", f"{count:,}")
    lines = data.splitlines()
    if (longest := max(map(len, lines))) > MAX_LINE:
        expected = f"lines of at most {MAX_LINE:,} bytes"
        raise table_error(source, TABLE, expected, f"one of {longest:,}")
    return lines


def _attribute_names(source: Source, lines: Sequence[bytes]) -> list[str]:
    try:
        names = lines[1].decode("utf-8").split() if len(lines) > 1 else []
    except UnicodeDecodeError as error:
        raise table_error(source, f"{TABLE}:2", "UTF-8 text", "other bytes") from error
    check_labels(GROUP, names, f"{source}/{TABLE}:2")
    return names


def _selected(source: Source, names: Sequence[str], attributes: Sequence[str]) -> Sequence[str]:
    for name in attributes:
        if name not in names:
            raise DataError(
                f"{source}/{TABLE}:2",
                f"the attribute {quote(name)}",
                f"{len(names)} others",
                suggestion(name, names),
            )
    return list(dict.fromkeys(attributes)) or names


def _check_count(source: Source, lines: Sequence[bytes], issues: IssueLog) -> None:
    stated = _COUNT.fullmatch(lines[0])
    if stated is None:
        found = quote(lines[0].decode("utf-8", "replace"))
        raise table_error(source, f"{TABLE}:1", "the number of images", found)
    count = sum(1 for line in lines[2:] if line.strip())
    if int(stated[1]) != count:
        error = EntryError(
            f"{int(stated[1])} lines of images, as the first line states",
            f"{count}",
            f"Restore the complete table, or write {count} on its first line.",
        )
        issues.add(Issue.from_error(error, "labels", TABLE, 1))


def _rows(lines: Sequence[bytes]) -> Iterator[tuple[int, list[str]]]:
    for line, raw in enumerate(lines[2:], 3):
        if words := raw.decode("utf-8", "replace").split():
            yield line, words


def _signs(words: Sequence[str], count: int) -> list[bool]:
    invalid = [word for word in words if word not in _SIGNS]
    if invalid or len(words) != count:
        found = quote(invalid[0]) if invalid else f"{len(words)}"
        raise EntryError(f"{count} attributes, each -1 or 1", found, "Fix or remove the line.")
    return [_SIGNS[word] for word in words]
