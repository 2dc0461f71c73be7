"""i-CLEVR: `train.json` (image to objects), `objects.json` (object to index), test lists."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from ganport_runtime.conditions import Conditions, MultiHot
from ganport_runtime.values import repr_short
from ganport_train.data.formats.base import (
    Contents,
    Example,
    Gap,
    Labels,
    Reader,
    check_labels,
    missing_files,
    read_json,
    table_error,
)
from ganport_train.data.formats.image_index import ImageIndex, table_issue
from ganport_train.data.issues import DataError, EntryError, IssueLog, quote
from ganport_train.data.source import Source

TRAIN, OBJECTS, TESTS = "train.json", "objects.json", ("test.json", "new_test.json")
GROUP = "objects"
MAX_PROMPTS = 10_000
"""Entries of one test list."""

_STEP = re.compile(r"(.+)_(\d)\.\w+")
_FIX = "Fix or remove the entry."


class IClevr(Reader):
    """Reader of i-CLEVR: scenes of 1 to 3 objects.

    The images NAME_0, NAME_1 and NAME_2 of a scene add one object each; the split keeps them
    together. The full frame is squeezed into a square, because a crop would cut objects off.
    """

    format = "iclevr"
    title = "i-CLEVR"
    layout = "`train.json`, `objects.json` and the images"
    framing = "full"
    shared_scene = True

    def detect(self, source: Source) -> bool:
        return {TRAIN, OBJECTS} <= source.names

    def gap(self, source: Source) -> Gap:
        return missing_files(source, (TRAIN, OBJECTS))

    def read(self, source: Source, issues: IssueLog, attributes: Sequence[str]) -> Contents:
        objects = read_objects(source)
        known = frozenset(objects)
        table = read_images(source, TRAIN)
        index = ImageIndex(source, ("", "images"))
        examples: list[Example] = []
        for name, listed in table.items():
            try:
                image = index.take(name)
                labels = {GROUP: _check_objects(listed, known)}
            except EntryError as error:
                issues.add(table_issue(error, TRAIN, image=name))
                continue
            examples.append(Example(name, image, TRAIN, None, labels, _scene(name, table)))
        index.report_unused(TRAIN, issues)
        present = [name for name in TESTS if name in source.names]
        tests = {name.removesuffix(".json"): _prompts(source, name, known) for name in present}
        shown = [*(example.labels for example in examples), *chain(*tests.values())]
        return Contents(examples, lambda: _vocabulary(objects, shown), tests)


def read_objects(source: Source) -> list[str]:
    """Return the objects in the order of their indices."""
    table = read_json(source, OBJECTS)
    if not isinstance(table, dict):
        raise table_error(source, OBJECTS, "objects and their indices", repr_short(table))
    check_labels(GROUP, table, f"{source}/{OBJECTS}")
    indices = list(table.values())
    if any(type(index) is not int for index in indices) or set(indices) != {*range(len(table))}:
        expected = f"the indices 0 to {len(table) - 1}, each once"
        raise table_error(source, OBJECTS, expected, repr_short(indices))
    return sorted(table, key=lambda label: int(table[label]))


def read_images(source: Source, name: str) -> dict[str, Any]:
    """Return the objects of each image of a table; they are unchecked."""
    table = read_json(source, name)
    if not isinstance(table, dict) or not table:
        raise table_error(source, name, "images and the objects in each", repr_short(table))
    return table


def read_tests(source: Source, name: str) -> list[Any]:
    """Return the lists of objects of a test list; they are unchecked."""
    entries = read_json(source, name)
    if not isinstance(entries, list) or len(entries) > MAX_PROMPTS:
        expected = f"at most {MAX_PROMPTS:,} lists of objects"
        raise table_error(source, name, expected, repr_short(entries))
    return entries


def _vocabulary(objects: Sequence[str], shown: Sequence[Labels]) -> Conditions:
    most = max((len(labels[GROUP]) for labels in shown), default=1)
    return Conditions((MultiHot(GROUP, tuple(objects), (), max(most, 1)),))


def _check_objects(objects: object, known: frozenset[str]) -> list[str]:
    if not isinstance(objects, list) or not all(isinstance(label, str) for label in objects):
        raise EntryError('a list of objects such as ["red cube"]', repr_short(objects), _FIX)
    unknown = [label for label in objects if label not in known]
    if unknown or len(set(objects)) < len(objects):
        found = quote(unknown[0]) if unknown else f"one twice in {repr_short(objects)}"
        raise EntryError(f"objects of {OBJECTS}, each once", found, _FIX)
    return objects


def _prompts(source: Source, name: str, known: frozenset[str]) -> list[dict[str, Any]]:
    prompts: list[dict[str, Any]] = []
    for index, objects in enumerate(read_tests(source, name)):
        try:
            prompts.append({GROUP: _check_objects(objects, known)})
        except EntryError as error:
            location = f"{source}/{name}[{index}]"
            raise DataError(location, error.expected, error.found, error.fix) from error
    return prompts


def _scene(name: str, table: Mapping[str, Any]) -> str | None:
    """Return the stem of NAME_0, NAME_1 and NAME_2 if each extends the objects of the previous."""
    match = _STEP.fullmatch(name)
    if match is None:
        return None
    stem, step = match[1], int(match[2])
    for neighbor_step in (step - 1, step + 1):
        neighbor = table.get(f"{stem}_{neighbor_step}{name[match.end(2) :]}")
        if isinstance(neighbor, list) and isinstance(table[name], list):
            short, long = sorted((neighbor, table[name]), key=len)
            if long[: len(short)] == short:
                return stem
    return None
