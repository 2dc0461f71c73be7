"""i-CLEVR: `train.json` (picture to objects), `objects.json` (object to index), test lists."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ganport_runtime.conditions import Conditions, MultiHot
from ganport_runtime.values import repr_short
from ganport_train.data.formats.reader import Example, Trials
from ganport_train.data.formats.tables import (
    Pictures,
    check_labels,
    damaged,
    read_json,
    table_problem,
)
from ganport_train.data.images import Framing
from ganport_train.data.issues import (
    DataError,
    EntryError,
    IssueLog,
    quoted,
)
from ganport_train.data.source import Source

TRAIN, OBJECTS, TESTS = "train.json", "objects.json", ("test.json", "new_test.json")
GROUP = "objects"
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
    staged = True
    selects = False

    def recognises(self, source: Source) -> bool:
        return {TRAIN, OBJECTS} <= source.names

    def read(
        self, source: Source, issues: IssueLog, attributes: Sequence[str] = ()
    ) -> list[Example]:
        known = frozenset(_labels(source))
        table = _table(source)
        pictures = Pictures(source, ("images",))
        examples: list[Example] = []
        for name, objects in table.items():
            try:
                picture = pictures.take(name)
                request = {GROUP: _checked(objects, known)}
            except EntryError as fault:
                issues.add(table_problem(fault, TRAIN, picture=name))
                continue
            examples.append(Example(name, picture, TRAIN, None, request, _scene(name, table)))
        pictures.report_left(TRAIN, issues)
        return examples

    def vocabulary(
        self, source: Source, examples: Sequence[Example], attributes: Sequence[str] = ()
    ) -> Conditions:
        trials = (request for asked in self.test_prompts(source).values() for request in asked)
        requests = [*(example.request for example in examples), *trials]
        most = max((len(request[GROUP]) for request in requests), default=1)
        return Conditions((MultiHot(GROUP, tuple(_labels(source)), (), max(most, 1)),))

    def test_prompts(self, source: Source) -> Trials:
        known = frozenset(_labels(source))
        present = [name for name in TESTS if name in source.names]
        return {name.removesuffix(".json"): _trial(source, name, known) for name in present}


def _labels(source: Source) -> list[str]:
    """The objects in the order of their indices."""
    table = read_json(source, OBJECTS)
    if not isinstance(table, dict):
        raise damaged(source, OBJECTS, "objects and their indices", repr_short(table))
    check_labels(GROUP, table, f"{source}/{OBJECTS}")
    indices = list(table.values())
    if any(type(index) is not int for index in indices) or set(indices) != {*range(len(table))}:
        expected = f"the indices 0 to {len(table) - 1}, each once"
        raise damaged(source, OBJECTS, expected, repr_short(indices))
    return sorted(table, key=lambda label: int(table[label]))


def _table(source: Source) -> dict[str, Any]:
    table = read_json(source, TRAIN)
    if not isinstance(table, dict) or not table:
        raise damaged(source, TRAIN, "pictures and the objects in each", repr_short(table))
    return table


def _checked(objects: object, known: frozenset[str]) -> list[str]:
    if not isinstance(objects, list) or not all(isinstance(label, str) for label in objects):
        raise EntryError(
            expected='a list of objects such as ["red cube"]',
            found=repr_short(objects),
            fix="Mend the list or remove its entry.",
        )
    unknown = [label for label in objects if label not in known]
    if unknown or len(set(objects)) < len(objects):
        raise EntryError(
            expected=f"objects of {OBJECTS}, each once",
            found=quoted(unknown[0]) if unknown else f"one twice in {repr_short(objects)}",
            fix="Mend the list or remove its entry.",
        )
    return objects


def _trial(source: Source, name: str, known: frozenset[str]) -> list[dict[str, Any]]:
    lists = read_json(source, name)
    if not isinstance(lists, list) or len(lists) > MAX_TRIAL:
        raise damaged(source, name, f"at most {MAX_TRIAL:,} lists of objects", repr_short(lists))
    requests: list[dict[str, Any]] = []
    for place, objects in enumerate(lists):
        try:
            requests.append({GROUP: _checked(objects, known)})
        except EntryError as fault:
            raise DataError(
                f"{source}/{name}[{place}]",
                expected=fault.expected,
                found=fault.found,
                fix=fault.fix,
            ) from fault
    return requests


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
