"""The objects of each image of a dataset: read from i-CLEVR label files, or sampled."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from random import Random

from ganport_runtime import strictjson
from ganport_runtime.errors import GanportError
from ganport_runtime.values import repr_short, sanitize, suggestion
from ganport_train.data.formats import iclevr
from ganport_train.data.source import FolderSource
from ganport_train.synthetic.datasets import SEEDS, check_range
from ganport_train.synthetic.palette import Color

SHAPES = ("cube", "sphere", "cylinder")
COLORS: dict[str, Color] = {
    "gray": (104, 104, 106),
    "red": (196, 36, 40),
    "blue": (44, 84, 222),
    "green": (36, 140, 46),
    "brown": (128, 76, 34),
    "purple": (146, 52, 204),
    "cyan": (44, 206, 212),
    "yellow": (246, 220, 44),
}
OBJECTS = tuple(f"{color} {shape}" for shape in SHAPES for color in COLORS)
"""The 24 objects of i-CLEVR in the order of its `objects.json`."""
MAX_OBJECTS = 3
"""Objects in one scene."""
MAX_SCENES = strictjson.MAX_ELEMENTS // 4
"""Images of sampled labels: each takes four JSON values of `train.json`, on average."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. +-]{0,199}\.png")
_TEST_SIZES = ((2,) * 12 + (3,) * 20, (2,) * 12 + (3,) * 20)  # objects per prompt of each list
_RESTORE = "Fix the file or download it again."

Prompts = Sequence[Sequence[str]]


@dataclass(frozen=True)
class SceneLabels:
    """The labels of a dataset.

    images: the objects of each image by name.
    objects: all objects in the order of their indices.
    tests: test lists by file name.
    source: the label file, if the labels were read.
    """

    images: Mapping[str, Sequence[str]]
    objects: Sequence[str] = OBJECTS
    tests: Mapping[str, Prompts] = field(default_factory=dict)
    source: Path | None = None

    def tables(self) -> dict[str, bytes]:
        """Return the label files of i-CLEVR."""
        indices = {label: index for index, label in enumerate(self.objects)}
        values = {iclevr.TRAIN: self.images, iclevr.OBJECTS: indices, **self.tests}
        return {name: json.dumps(value).encode() for name, value in values.items()}


def split_label(label: str) -> tuple[str, str]:
    """Return the color and the shape of one of `OBJECTS`."""
    color, shape = label.split()
    return color, shape


def sample_labels(count: int, seed: int) -> SceneLabels:
    """Return random labels for `count` images: scenes of one, two and three objects in turn.

    Every eight scenes hold each of the 24 objects once. No scene shows exactly the objects of a
    test prompt, which has two or three objects. A smaller dataset is a prefix of a larger one.
    Raises `GanportError` for a number out of range.
    """
    check_range("count", count, range(1, MAX_SCENES + 1))
    check_range("seed", seed, SEEDS)
    tests = _sample_tests(Random(f"ganport scene tests 1/{seed}"))
    reserved = {frozenset(objects) for prompts in tests.values() for objects in prompts}
    scenes = _sample_scenes(Random(f"ganport scenes 1/{seed}"), reserved)
    steps = (
        (f"scene_{number:06}_{step}.png", objects[: step + 1])
        for number, objects in enumerate(scenes)
        for step in range(MAX_OBJECTS)
    )
    return SceneLabels(dict(islice(steps, count)), tests=tests)


def read_labels(path: Path, count: int | None = None) -> SceneLabels:
    """Read the first `count` images of a `train.json`, and its `objects.json` and test lists.

    `objects.json` and the test lists are optional. Raises `GanportError` for an invalid file,
    an image name that is not a plain PNG name, and an object that cannot be drawn.
    """
    source = FolderSource(path.parent)
    table = iclevr.read_images(source, path.name)
    if count is not None:
        check_range("count", count, range(1, len(table) + 1))
    objects = _read_objects(source)
    for entry, (name, labels) in enumerate(table.items(), 1):
        location = f"{path}: entry {entry}, {sanitize(name, 80)}"
        _check_name(location, name)
        _check_objects(location, labels, objects)
    _check_unique_ignoring_case(path, table)
    present = [name for name in iclevr.TESTS if path.with_name(name).exists()]
    tests = {name: _read_tests(source, name, objects) for name in present}
    return SceneLabels(dict(islice(table.items(), count)), objects, tests, path)


def _sample_tests(rng: Random) -> dict[str, Prompts]:
    sizes = list(chain(*_TEST_SIZES))
    while True:
        prompts = _draw_from_decks(rng, sizes)
        if len(set(map(frozenset, prompts))) == len(prompts):
            first = len(_TEST_SIZES[0])
            return dict(zip(iclevr.TESTS, (prompts[:first], prompts[first:]), strict=True))


def _sample_scenes(rng: Random, reserved: Collection[frozenset[str]]) -> Iterator[list[str]]:
    while True:
        scenes = _draw_from_decks(rng, (MAX_OBJECTS,) * (len(OBJECTS) // MAX_OBJECTS))
        if not any(frozenset(objects[:n]) in reserved for objects in scenes for n in (2, 3)):
            yield from scenes


def _draw_from_decks(rng: Random, sizes: Sequence[int]) -> list[list[str]]:
    """Draw lists of distinct objects from shuffled decks of all objects."""
    hands: list[list[str]] = []
    deck: list[str] = []
    for size in sizes:
        if len(deck) < size:
            deck = rng.sample(OBJECTS, len(OBJECTS))
        hands.append([deck.pop() for _ in range(size)])
    return hands


def _read_objects(source: FolderSource) -> Sequence[str]:
    """Return the objects in the order of their indices; `OBJECTS` if there is no such file."""
    if not (source.path / iclevr.OBJECTS).exists():
        return OBJECTS
    objects = iclevr.read_objects(source)
    for label in objects:
        _check_known(f"{source}/{iclevr.OBJECTS}", label, OBJECTS)
    return objects


def _read_tests(source: FolderSource, name: str, objects: Sequence[str]) -> Prompts:
    tests = iclevr.read_tests(source, name)
    for entry, labels in enumerate(tests, 1):
        _check_objects(f"{source}/{name}: entry {entry}", labels, objects)
    return tests


def _check_name(location: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        expected = "a file name of letters, digits and _ . + - that ends in .png"
        raise GanportError(location, expected, repr_short(name), "Rename the image.")


def _check_unique_ignoring_case(path: Path, names: Collection[str]) -> None:
    # On a case-insensitive file system one of the two images would overwrite the other.
    if len({name.lower() for name in names}) < len(names):
        expected = "names that differ in more than their case"
        raise GanportError(str(path), expected, "two that do not", "Rename one of the images.")


def _check_objects(location: str, labels: object, objects: Sequence[str]) -> None:
    if not isinstance(labels, list) or not 1 <= len(labels) <= MAX_OBJECTS:
        expected = f"a list of 1 to {MAX_OBJECTS} objects"
        raise GanportError(location, expected, repr_short(labels), _RESTORE)
    for label in labels:
        _check_known(location, label, objects)
    if len(set(labels)) < len(labels):
        raise GanportError(location, "distinct objects", repr_short(labels), _RESTORE)


def _check_known(location: str, label: object, objects: Sequence[str]) -> None:
    if label not in objects:
        fix = suggestion(label, objects, "Name a color and a shape.")
        expected = "an object that can be drawn, such as 'red cube'"
        raise GanportError(location, expected, repr_short(label), fix)
