"""NVIDIA's zips: `dataset.json` with a label for each picture, a class, flags, or numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ganport_runtime.conditions import Conditions
from ganport_runtime.groups import MultiHot, Scalar
from ganport_train.data.faces import check_labels
from ganport_train.data.pictures import Framing
from ganport_train.data.problems import Fault, Problem, Problems
from ganport_train.data.reader import Example, Trials
from ganport_train.data.source import Source
from ganport_train.data.tables import Pictures, damaged, is_picture, read_json

TABLE = "dataset.json"
CLASS, FLAGS = "class", "labels"
MAX_NUMBERS = 256
"""In one label."""

Values = dict[str, Any]


class Indexed:
    """The reader of `dataset.json`, as the StyleGAN tools write it: `"labels": [[NAME, LABEL], …]`.

    A whole number is a class, named by its digits; a list of 0 and 1 says which of "0", "1", … are
    on; a list of other numbers is the scalars `value_0`, `value_1`, …; null, no condition at all.
    The first label decides for all.
    """

    kind = "indexed"
    name = "pictures with dataset.json"
    layout = "`dataset.json` beside pictures"
    framing: Framing = "centre"
    selects = False

    def recognises(self, source: Source) -> bool:
        return TABLE in source.names

    def read(
        self, source: Source, problems: Problems, attributes: Sequence[str] = ()
    ) -> list[Example]:
        entries = _entries(source)
        if entries is None:
            names = sorted(name for name in source.names if is_picture(name))
            return [Example(name, name, TABLE, None, {}) for name in names]
        form = _form(source, [label for _, label in entries])
        pictures = Pictures(source)
        examples: list[Example] = []
        for number, (name, label) in enumerate(entries):
            try:
                request, picture = form.request(label), pictures.find(name)
            except Fault as fault:
                problems.add(Problem.of(fault, "tags", TABLE, picture=f"labels[{number}]"))
                continue
            examples.append(Example(name, picture, TABLE, None, request))
        return examples

    def vocabulary(
        self, source: Source, examples: Sequence[Example], attributes: Sequence[str] = ()
    ) -> Conditions:
        entries = _entries(source)
        if entries is None:
            return Conditions()
        form = _form(source, [label for _, label in entries])
        return form.vocabulary([example.request for example in examples])

    def trials(self, source: Source) -> Trials:
        return {}


@dataclass(frozen=True)
class _Form:
    """What every label of a table is: how to ask for one, and the groups of all."""

    request: Callable[[Any], Values]
    vocabulary: Callable[[list[Any]], Conditions]


def _entries(source: Source) -> list[tuple[str, Any]] | None:
    table = read_json(source, TABLE)
    if not isinstance(table, dict) or "labels" not in table:
        raise damaged(source, TABLE, 'an object with "labels"', type(table).__name__)
    labels = table["labels"]
    if labels is None:
        return None
    if not isinstance(labels, list) or not labels:
        raise damaged(source, TABLE, '"labels" to be a list of [name, label]', repr(labels)[:60])
    for number, entry in enumerate(labels):
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str)):
            raise damaged(source, f"{TABLE}: labels[{number}]", "[name, label]", repr(entry)[:60])
    return [(name, label) for name, label in labels]


def _form(source: Source, labels: Sequence[Any]) -> _Form:
    first = labels[0]
    if isinstance(first, int) and not isinstance(first, bool):
        return _Form(_class, _classes)
    size = len(first) if isinstance(first, list) else 0
    if not 0 < size <= MAX_NUMBERS or not all(_is_number(value) for value in first):
        raise damaged(
            source,
            f"{TABLE}: labels[0]",
            f"a class number, or a list of 1 to {MAX_NUMBERS} numbers",
            repr(first)[:60],
        )
    flags = all(
        isinstance(label, list) and all(value in (0, 1) for value in label) for label in labels
    )
    if flags:
        return _Form(
            lambda label: {FLAGS: [str(i) for i, on in enumerate(_numbers(label, size)) if on]},
            lambda requests: Conditions((MultiHot(FLAGS, tuple(map(str, range(size)))),)),
        )
    return _Form(
        lambda label: {f"value_{i}": value for i, value in enumerate(_numbers(label, size))},
        _scalars,
    )


def _class(label: Any) -> Values:
    if not isinstance(label, int) or isinstance(label, bool) or label < 0:
        raise Fault(expected="a class number", found=repr(label)[:60], fix="Mend the label.")
    return {CLASS: str(label)}


def _classes(requests: list[Any]) -> Conditions:
    labels = {request[CLASS] for request in requests}
    check_labels(CLASS, labels, TABLE)
    return Conditions.one_hots({CLASS: sorted(labels, key=int)})


def _scalars(requests: list[Any]) -> Conditions:
    columns = {name: [request[name] for request in requests] for name in requests[0]}
    return Conditions(
        tuple(
            Scalar(name, *_bounds(sum(values) / len(values), min(values), max(values)))
            for name, values in columns.items()
        )
    )


def _bounds(mean: float, low: float, high: float) -> tuple[float, float, float]:
    # A number that never changes still needs a range around it.
    return (mean, low, high) if low < high else (low, low - 0.5, low + 0.5)


def _numbers(label: Any, size: int) -> list[float]:
    if not isinstance(label, list) or len(label) != size or not all(map(_is_number, label)):
        raise Fault(expected=f"{size} numbers", found=repr(label)[:60], fix="Mend the label.")
    return [float(value) for value in label]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
