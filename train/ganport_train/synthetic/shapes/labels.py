"""What each picture of a set shows: read from a label file, or dealt."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from random import Random

from ganport_runtime import strictjson
from ganport_runtime.errors import BundleError, GanportError
from ganport_runtime.values import closest_match, repr_short, sanitize
from ganport_train.synthetic import datasets
from ganport_train.synthetic.shapes.vocabulary import MOST_OBJECTS, OBJECTS

TRAIN, INDICES, TESTS = "train.json", "objects.json", ("test.json", "new_test.json")
LIMIT = 256 << 20
"""Bytes of a label file."""
MOST_LISTS = 10_000
"""In a file of test lists."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. +-]{0,199}\.png")
_DEALT = ((2,) * 12 + (3,) * 20, (2,) * 12 + (3,) * 20)  # objects in each list of each test

Lists = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Labels:
    """The objects of each picture by its name, each object's index, and lists to be tested with.

    `source` is the file they were read from.
    """

    pictures: Mapping[str, Sequence[str]]
    objects: Sequence[str] = OBJECTS
    tests: Mapping[str, Lists] = field(default_factory=dict)
    source: Path | None = None

    def tables(self) -> dict[str, bytes]:
        """The label files of i-CLEVR."""
        indices = {label: index for index, label in enumerate(self.objects)}
        values = {TRAIN: self.pictures, INDICES: indices, **self.tests}
        return {name: json.dumps(value).encode() for name, value in values.items()}


def sample_labels(count: int, seed: int) -> Labels:
    """Return labels for `count` pictures: scenes of one, two and three objects in turn.

    Every eight scenes hold each of the 24 objects once. No scene shows exactly the objects of a
    test list; those have two or three objects each. A shorter set begins a longer one. Raises
    GanportError for numbers out of range.
    """
    datasets.check_range("count", count, range(1, datasets.MOST + 1))
    datasets.check_range("seed", seed, datasets.SEEDS)
    tests = _dealt_tests(Random(f"ganport scene tests 1/{seed}"))
    kept = {frozenset(objects) for lists in tests.values() for objects in lists}
    scenes = _dealt_scenes(Random(f"ganport scenes 1/{seed}"), kept)
    steps = (
        (f"scene_{number:06}_{step}.png", objects[: step + 1])
        for number, objects in enumerate(scenes)
        for step in range(MOST_OBJECTS)
    )
    return Labels(dict(islice(steps, count)), tests=tests)


def read_labels(path: Path, count: int | None = None) -> Labels:
    """Read a `train.json`, and the `objects.json` and test lists beside it if they are there.

    Of `count` pictures, the first; of all without it. Nothing in the files is trusted. Raises
    GanportError for what is no such file, names that are no plain PNG names, and objects that
    cannot be drawn.
    """
    table = _read(path)
    if not isinstance(table, dict) or not 0 < len(table) <= datasets.MOST:
        raise _refused(path, f"1 to {datasets.MOST} pictures and the objects in each", table)
    if count is not None:
        datasets.check_range("count", count, range(1, len(table) + 1))
    objects = _objects(path.with_name(INDICES))
    for entry, (name, labels) in enumerate(table.items(), 1):
        place = f"{path}: entry {entry}, {sanitize(name, 80)}"
        _check_name(place, name)
        _check_objects(place, labels, objects)
    _check_one_case(path, table)
    beside = [(name, path.with_name(name)) for name in TESTS]
    tests = {name: _tests(file, objects) for name, file in beside if file.exists()}
    return Labels(dict(islice(table.items(), count)), objects, tests, path)


def _dealt_tests(rng: Random) -> dict[str, Lists]:
    sizes = list(chain(*_DEALT))
    while True:
        lists = _deal_out(rng, sizes)
        if len(set(map(frozenset, lists))) == len(lists):
            cut = len(_DEALT[0])
            return dict(zip(TESTS, (lists[:cut], lists[cut:]), strict=True))


def _dealt_scenes(rng: Random, kept: Collection[frozenset[str]]) -> Iterator[list[str]]:
    while True:
        scenes = _deal_out(rng, (MOST_OBJECTS,) * (len(OBJECTS) // MOST_OBJECTS))
        if not any(frozenset(objects[:n]) in kept for objects in scenes for n in (2, 3)):
            yield from scenes


def _deal_out(rng: Random, sizes: Sequence[int]) -> list[list[str]]:
    """Deal hands of different objects from as many shuffled decks as it takes."""
    hands: list[list[str]] = []
    deck: list[str] = []
    for size in sizes:
        if len(deck) < size:
            deck = rng.sample(OBJECTS, len(OBJECTS))
        hands.append([deck.pop() for _ in range(size)])
    return hands


def _read(path: Path) -> object:
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
        return strictjson.parse(data, str(path), LIMIT)
    except OSError as error:
        raise GanportError(
            str(path),
            expected="a label file that can be read",
            found=error.strerror or type(error).__name__,
            fix="Check its name and its permissions.",
        ) from error
    except BundleError as error:
        fix = "Mend the file or take it from its makers again."
        raise GanportError(
            str(path), expected=error.expected, found=error.found, fix=fix
        ) from error


def _objects(path: Path) -> Sequence[str]:
    """The objects in the order of their indices; ours if there is no such file."""
    if not path.exists():
        return OBJECTS
    table = _read(path)
    if not isinstance(table, dict):
        raise _refused(path, "objects and their indices", table)
    if sorted(map(repr, table.values())) != sorted(map(repr, range(len(table)))):
        expected = f"the indices 0 to {len(table) - 1}, each once"
        raise _refused(path, expected, list(table.values()))
    for label in table:
        _check_known(str(path), label, OBJECTS)
    return sorted(table, key=lambda label: int(table[label]))


def _tests(path: Path, objects: Sequence[str]) -> Lists:
    lists = _read(path)
    if not isinstance(lists, list) or len(lists) > MOST_LISTS:
        raise _refused(path, f"a list of at most {MOST_LISTS} lists of objects", lists)
    for entry, labels in enumerate(lists, 1):
        _check_objects(f"{path}: entry {entry}", labels, objects)
    return lists


def _check_name(place: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise GanportError(
            place,
            expected="a plain file name of letters, digits and _ . + - that ends in .png",
            found=repr_short(name),
            fix="Rename the picture.",
        )


def _check_one_case(path: Path, names: Collection[str]) -> None:
    """Where a file system tells no case, one such picture would overwrite the other."""
    if len({name.lower() for name in names}) < len(names):
        raise GanportError(
            str(path),
            expected="names that differ in more than their case",
            found="two that do not",
            fix="Rename one of the pictures.",
        )


def _check_objects(place: str, labels: object, objects: Sequence[str]) -> None:
    if not isinstance(labels, list) or not 1 <= len(labels) <= MOST_OBJECTS:
        raise _refused(place, f"a list of 1 to {MOST_OBJECTS} objects", labels)
    for label in labels:
        _check_known(place, label, objects)
    if len(set(labels)) < len(labels):
        raise _refused(place, "different objects", labels)


def _check_known(place: str, label: object, objects: Sequence[str]) -> None:
    if label not in objects:
        near = closest_match(label, objects) if isinstance(label, str) else None
        raise GanportError(
            place,
            expected="objects that can be drawn, such as 'red cube'",
            found=repr_short(label),
            fix=f"Did you mean {near!r}?" if near else "Name a colour and a shape.",
        )


def _refused(place: object, expected: str, found: object) -> GanportError:
    fix = "Mend the file or take it from its makers again."
    return GanportError(str(place), expected=expected, found=repr_short(found), fix=fix)
