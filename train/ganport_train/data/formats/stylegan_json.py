"""NVIDIA's zips: `dataset.json` with a label for each picture, a class, flags, or numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np

from ganport_runtime.conditions import Conditions, MultiHot, Scalar
from ganport_runtime.values import repr_short
from ganport_train.data.formats.reader import Example, Trials
from ganport_train.data.formats.tables import (
    MAX_LABELS,
    Pictures,
    check_labels,
    damaged,
    is_picture,
    read_json,
    table_problem,
)
from ganport_train.data.images import Framing
from ganport_train.data.issues import EntryError, IssueLog
from ganport_train.data.source import Source

TABLE = "dataset.json"
CLASS, FLAGS = "class", "labels"
MAX_CLASS = 2**31 - 1
MAX_NUMBERS = 256
"""In one label, unless they are flags."""
MOST = float(np.finfo(np.float32).max)
"""Of a number, either way: what a condition vector holds."""

Values = dict[str, Any]


class Indexed:
    """The reader of `dataset.json`, as the StyleGAN tools write it: `"labels": [[NAME, LABEL], …]`.

    A whole number is a class, named by its digits; a list of 0 and 1 says which of "0", "1", … are
    on; a list of other numbers is the scalars `value_0`, `value_1`, …; null in place of all labels,
    no condition. The first label decides between classes and lists, and its length is that of all.
    """

    kind = "indexed"
    name = "pictures with dataset.json"
    layout = "`dataset.json` beside pictures"
    framing: Framing = "centre"
    staged = False
    selects = False

    def recognises(self, source: Source) -> bool:
        return TABLE in source.names

    def read(
        self, source: Source, issues: IssueLog, attributes: Sequence[str] = ()
    ) -> list[Example]:
        entries = _entries(source)
        if entries is None:
            names = sorted(filter(is_picture, source.names))
            return [Example(name, name, TABLE, None, {}) for name in names]
        form = _form(source, entries)
        pictures = Pictures(source)
        examples: list[Example] = []
        for number, entry in enumerate(entries):
            try:
                name, label = _pair(entry)
                picture, request = pictures.take(name), form.request(label)
            except EntryError as fault:
                issues.add(table_problem(fault, TABLE, picture=f"labels[{number}]"))
                continue
            examples.append(Example(name, picture, TABLE, None, request))
        pictures.report_left(TABLE, issues)
        return examples

    def vocabulary(
        self, source: Source, examples: Sequence[Example], attributes: Sequence[str] = ()
    ) -> Conditions:
        entries = _entries(source)
        if entries is None:
            return Conditions()
        return _form(source, entries).vocabulary([example.request for example in examples])

    def test_prompts(self, source: Source) -> Trials:
        return {}


@dataclass(frozen=True)
class _Form:
    """What every label of a table is: how to ask for one, and the groups of all."""

    request: Callable[[Any], Values]
    vocabulary: Callable[[list[Any]], Conditions]


def _entries(source: Source) -> list[Any] | None:
    table = read_json(source, TABLE)
    if not isinstance(table, dict) or "labels" not in table:
        raise damaged(source, TABLE, 'an object with "labels"', repr_short(table))
    labels = table["labels"]
    if labels is not None and not (isinstance(labels, list) and labels):
        raise damaged(source, TABLE, '"labels" to be a list of [name, label]', repr_short(labels))
    return labels


def _pair(entry: object) -> tuple[str, Any]:
    if not _is_pair(entry):
        fix = "Mend the entry or remove it."
        raise EntryError(expected="[name, label]", found=repr_short(entry), fix=fix)
    return entry[0], entry[1]


def _form(source: Source, entries: Sequence[Any]) -> _Form:
    labels = [entry[1] for entry in entries if _is_pair(entry)]
    first = labels[0] if labels else None
    if _is_class(first):
        return _Form(_class, lambda requests: _classes(source, requests))
    size = len(first) if isinstance(first, list) else 0
    rows = [label for label in labels if _is_row(label, size)]
    flags = all(number in (0, 1) for row in rows for number in row)
    most = MAX_LABELS if flags else MAX_NUMBERS
    if not _is_row(first, size) or size > most:
        expected = f"a class number, a list of 1 to {MAX_NUMBERS} numbers, or of 0 and 1"
        raise damaged(source, f"{TABLE}: labels[0]", expected, repr_short(first))
    return _flags(size) if flags else _Form(lambda label: _values(label, size), _scalars)


def _class(label: Any) -> Values:
    if not _is_class(label):
        expected = f"a class number from 0 to {MAX_CLASS}"
        raise EntryError(expected=expected, found=repr_short(label), fix="Mend the label.")
    return {CLASS: str(label)}


def _classes(source: Source, requests: list[Any]) -> Conditions:
    labels = {request[CLASS] for request in requests}
    check_labels(CLASS, labels, f"{source}/{TABLE}")
    return Conditions.one_hots({CLASS: sorted(labels, key=int)})


def _flags(size: int) -> _Form:
    names = tuple(map(str, range(size)))
    return _Form(
        lambda label: {
            FLAGS: [name for name, on in zip(names, _numbers(label, size), strict=True) if on]
        },
        lambda requests: Conditions((MultiHot(FLAGS, names),)),
    )


def _values(label: Any, size: int) -> Values:
    return {f"value_{i}": value for i, value in enumerate(_numbers(label, size))}


def _scalars(requests: list[Any]) -> Conditions:
    columns = {name: [request[name] for request in requests] for name in requests[0]}
    return Conditions(tuple(_scalar(name, values) for name, values in columns.items()))


def _scalar(name: str, values: list[float]) -> Scalar:
    low, high = min(values), max(values)
    mean = min(max(sum(values) / len(values), low), high)
    # A number that never changes still needs a range around it.
    margin = 0.0 if low < high else max(0.5, abs(low) / 2)
    return Scalar(name, mean, low - margin, high + margin)


def _numbers(label: Any, size: int) -> list[float]:
    if not _is_row(label, size):
        raise EntryError(expected=f"{size} numbers", found=repr_short(label), fix="Mend the label.")
    return [float(value) for value in label]


def _is_pair(entry: object) -> TypeGuard[list[Any]]:
    return isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str)


def _is_class(label: object) -> bool:
    return isinstance(label, int) and not isinstance(label, bool) and 0 <= label <= MAX_CLASS


def _is_row(label: object, size: int) -> bool:
    return isinstance(label, list) and len(label) == size > 0 and all(map(_is_number, label))


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) <= MOST  # type: ignore[arg-type]
