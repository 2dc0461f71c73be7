"""i-CLEVR: `train.json` (picture to objects), `objects.json` (object to index), test lists."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ganport_runtime.conditions import Conditions
from ganport_runtime.groups import MultiHot
from ganport_runtime.values import printable
from ganport_train.data.pictures import Framing
from ganport_train.data.problems import DataError, Fault, Problem, Problems, quoted
from ganport_train.data.reader import Example, Trials
from ganport_train.data.source import Source
from ganport_train.data.tables import Pictures, damaged, read_json

TRAIN, OBJECTS, TESTS = "train.json", "objects.json", ("test.json", "new_test.json")
GROUP = "objects"
MAX_OBJECTS = 1024
MAX_TRIAL = 10_000
"""Requests of one test list."""

_STEP = re.compile(r"(.+)_(\d)\.\w+")


class IClevr:
    """The reader of i-CLEVR: scenes of 1 to 3 objects, the whole frame squeezed into the square.

    A scene comes as NAME_0, NAME_1, NAME_2, with one object more each; its pictures stay on one
    side of the split. A crop would cut objects off.
    """

    kind = "iclevr"
    name = "i-CLEVR"
    layout = "`train.json` and `objects.json` beside the pictures"
    framing: Framing = "whole"
    selects = False

    def recognises(self, source: Source) -> bool:
        return {TRAIN, OBJECTS} <= source.names

    def read(
        self, source: Source, problems: Problems, attributes: Sequence[str] = ()
    ) -> list[Example]:
        known = frozenset(_labels(source))
        table = _table(source)
        pictures = Pictures(source, ("images",))
        examples: list[Example] = []
        for line, (name, objects) in enumerate(table.items(), 1):
            try:
                request = {GROUP: _checked(objects, known)}
                picture = pictures.find(name)
            except Fault as fault:
                place = f"entry {line}, {printable(name, 80)}"
                problems.add(Problem.of(fault, "tags", TRAIN, picture=place))
                continue
            examples.append(Example(name, picture, TRAIN, line, request, _scene(name, table)))
        return examples

    def vocabulary(
        self, source: Source, examples: Sequence[Example], attributes: Sequence[str] = ()
    ) -> Conditions:
        trials = (request for asked in self.trials(source).values() for request in asked)
        requests = [*(example.request for example in examples), *trials]
        most = max((len(request[GROUP]) for request in requests), default=1)
        return Conditions((MultiHot(GROUP, tuple(_labels(source)), (), max(most, 1)),))

    def trials(self, source: Source) -> Trials:
        known = frozenset(_labels(source))
        present = [name for name in TESTS if name in source.names]
        return {name.removesuffix(".json"): _trial(source, name, known) for name in present}


def _labels(source: Source) -> list[str]:
    """The objects in the order of their indices."""
    table = read_json(source, OBJECTS)
    if not isinstance(table, dict) or not 0 < len(table) <= MAX_OBJECTS:
        raise damaged(
            source, OBJECTS, f"1 to {MAX_OBJECTS} objects and their indices", _kind(table)
        )
    if sorted(map(str, table.values())) != sorted(map(str, range(len(table)))):
        raise damaged(source, OBJECTS, f"the indices 0 to {len(table) - 1}, each once", "others")
    return sorted(table, key=lambda label: int(table[label]))


def _table(source: Source) -> dict[str, Any]:
    table = read_json(source, TRAIN)
    if not isinstance(table, dict) or not table:
        raise damaged(source, TRAIN, "pictures and the objects in each", _kind(table))
    return table


def _checked(objects: object, known: frozenset[str]) -> list[str]:
    if not isinstance(objects, list) or not all(isinstance(label, str) for label in objects):
        raise Fault(expected="a list of objects", found=_kind(objects), fix='Write ["red cube"].')
    unknown = [label for label in objects if label not in known]
    if unknown or len(set(objects)) < len(objects):
        raise Fault(
            expected=f"objects of {OBJECTS}, each once",
            found=quoted(unknown[0]) if unknown else "one twice",
            fix="Mend the list or remove it.",
        )
    return objects


def _trial(source: Source, name: str, known: frozenset[str]) -> list[dict[str, Any]]:
    lists = read_json(source, name)
    if not isinstance(lists, list) or len(lists) > MAX_TRIAL:
        raise damaged(
            source, name, f"a list of at most {MAX_TRIAL:,} lists of objects", _kind(lists)
        )
    try:
        return [{GROUP: _checked(objects, known)} for objects in lists]
    except Fault as fault:
        raise DataError(
            f"{source}/{name}", expected=fault.expected, found=fault.found, fix=fault.fix
        ) from fault


def _scene(name: str, table: Mapping[str, Any]) -> str | None:
    """What NAME_0, NAME_1 and NAME_2 share, if each holds the objects of the one before it."""
    match = _STEP.fullmatch(name)
    if match is None:
        return None
    stem, step = match[1], int(match[2])
    for other in (step - 1, step + 1):
        neighbour = table.get(f"{stem}_{other}{name[match.end(2) :]}")
        if isinstance(neighbour, list) and isinstance(table[name], list):
            short, long = sorted((neighbour, table[name]), key=len)
            if long[: len(short)] == short:
                return stem
    return None


def _kind(value: object) -> str:
    return f"{type(value).__name__} of {len(value)}" if hasattr(value, "__len__") else repr(value)
