"""The format of StyleGAN's tools: `dataset.json` with a class, flags or numbers per image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeGuard

import numpy as np

from ganport_runtime.conditions import Conditions, MultiHot
from ganport_runtime.values import repr_short
from ganport_train.data.file_formats import is_image
from ganport_train.data.formats.base import (
    MAX_LABELS,
    Contents,
    Example,
    Gap,
    Reader,
    missing_files,
    one_hot_groups,
    read_json,
    table_error,
)
from ganport_train.data.formats.columns import scalar_group
from ganport_train.data.formats.image_index import ImageIndex, table_issue
from ganport_train.data.issues import EntryError, IssueLog
from ganport_train.data.source import Source

TABLE = "dataset.json"
CLASS, FLAGS = "class", "labels"
MAX_CLASS = 2**31 - 1
MAX_NUMBERS = 256
"""Numbers in a label, unless all are 0 and 1."""
MAX_MAGNITUDE = float(np.finfo(np.float32).max)
"""Largest absolute value of a number: a condition vector is float32."""

_FIX = "Fix the label."

Values = dict[str, Any]


class StyleGanJson(Reader):
    """Reader of `dataset.json`, `{"labels": [[NAME, LABEL], …]}`.

    The first label decides the kind of all. An integer is a class, named by its digits. A list of
    0 and 1 is a set of flags "0", "1", …. A list of other numbers is the scalars `value_0`,
    `value_1`, …. A null instead of the list of labels means an unconditional dataset.
    """

    format = "stylegan_json"
    title = "images with dataset.json"
    layout = "`dataset.json` and images"

    def detect(self, source: Source) -> bool:
        return TABLE in source.names

    def gap(self, source: Source) -> Gap:
        return missing_files(source, (TABLE,))

    def read(self, source: Source, issues: IssueLog, attributes: Sequence[str]) -> Contents:
        entries = _entries(source)
        if entries is None:
            names = sorted(filter(is_image, source.names))
            return Contents([Example(name, name, TABLE, None, {}) for name in names], Conditions)
        parse, vocabulary = _scheme(source, entries)
        index = ImageIndex(source)
        examples: list[Example] = []
        for number, entry in enumerate(entries):
            try:
                if not _is_pair(entry):
                    raise EntryError("[name, label]", repr_short(entry), "Fix or remove the entry.")
                image, labels = index.take(entry[0]), parse(entry[1])
            except EntryError as error:
                issues.add(table_issue(error, TABLE, image=f"labels[{number}]"))
                continue
            examples.append(Example(entry[0], image, TABLE, None, labels))
        index.report_unused(TABLE, issues)
        return Contents(examples, lambda: vocabulary([e.labels for e in examples]))


def _entries(source: Source) -> list[Any] | None:
    table = read_json(source, TABLE)
    if not isinstance(table, dict) or "labels" not in table:
        raise table_error(source, TABLE, 'an object with "labels"', repr_short(table))
    labels = table["labels"]
    if labels is not None and not (isinstance(labels, list) and labels):
        raise table_error(
            source, TABLE, '"labels" to be a list of [name, label]', repr_short(labels)
        )
    return labels


def _scheme(
    source: Source, entries: Sequence[Any]
) -> tuple[Callable[[Any], Values], Callable[[list[Any]], Conditions]]:
    """Return how a label is read as values, and all values as condition groups."""
    labels = [entry[1] for entry in entries if _is_pair(entry)]
    first = labels[0] if labels else None
    if _is_class(first):
        return _parse_class, partial(_class_group, source)
    size = len(first) if isinstance(first, list) else 0
    rows = [label for label in labels if _is_row(label, size)]
    flags = all(number in (0, 1) for row in rows for number in row)
    if not _is_row(first, size) or size > (MAX_LABELS if flags else MAX_NUMBERS):
        expected = f"a class number, a list of 1 to {MAX_NUMBERS} numbers, or of 0 and 1"
        raise table_error(source, f"{TABLE}: labels[0]", expected, repr_short(first))
    if flags:
        groups = Conditions((MultiHot(FLAGS, tuple(map(str, range(size)))),))
        return partial(_parse_flags, size=size), lambda _: groups
    return partial(_parse_scalars, size=size), _scalar_groups


def _parse_class(label: Any) -> Values:
    if not _is_class(label):
        raise EntryError(f"a class number from 0 to {MAX_CLASS}", repr_short(label), _FIX)
    return {CLASS: str(label)}


def _class_group(source: Source, values: list[Any]) -> Conditions:
    labels = sorted({value[CLASS] for value in values}, key=int)
    return one_hot_groups({CLASS: labels}, f"{source}/{TABLE}")


def _parse_flags(label: Any, size: int) -> Values:
    return {FLAGS: [str(i) for i, on in enumerate(_parse_numbers(label, size)) if on]}


def _parse_scalars(label: Any, size: int) -> Values:
    return {f"value_{i}": value for i, value in enumerate(_parse_numbers(label, size))}


def _scalar_groups(values: list[Any]) -> Conditions:
    columns = {name: [value[name] for value in values] for name in values[0]}
    return Conditions(tuple(scalar_group(name, column) for name, column in columns.items()))


def _parse_numbers(label: Any, size: int) -> list[float]:
    if not _is_row(label, size):
        raise EntryError(f"{size} numbers", repr_short(label), _FIX)
    return [float(value) for value in label]


def _is_pair(entry: object) -> TypeGuard[list[Any]]:
    return isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str)


def _is_class(label: object) -> bool:
    return isinstance(label, int) and not isinstance(label, bool) and 0 <= label <= MAX_CLASS


def _is_row(label: object, size: int) -> bool:
    return isinstance(label, list) and len(label) == size > 0 and all(map(_is_number, label))


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) <= MAX_MAGNITUDE  # type: ignore[arg-type]
