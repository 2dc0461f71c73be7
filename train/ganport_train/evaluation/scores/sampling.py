"""The pictures that are judged: what they are asked to show, and the runtime that draws them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import ConditionError
from ganport_runtime.generator import Generator
from ganport_runtime.noise import seed_range
from ganport_train.data.progress import progress_bar

Images = NDArray[np.uint8]
Vectors = NDArray[np.float32]
_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Drawn:
    """Pictures as they were drawn: uint8 `images` (N, H, W, 3), `vectors` float32 (N, C) in the
    judge's layout, and what each was made of: its seed, or the name of another picture."""

    images: Images
    vectors: Vectors
    origins: list[str]

    def __len__(self) -> int:
        return len(self.origins)


def sample(vectors: Vectors, count: int) -> Vectors:
    """Condition vectors (count, C) that stand for all of (N, C): every stretch of them, sorted, has
    its share, so that no label is missing by chance."""
    order = np.lexsort(vectors.T[::-1]) if vectors.shape[1] else np.arange(len(vectors))
    return vectors[order[spaced(len(vectors), count)]]


def spaced(total: int, count: int) -> NDArray[np.int64]:
    """`count` rows spread evenly over `total`, rising: what is sorted keeps all of its kinds."""
    return ((np.arange(count) + 0.5) * total / count).astype(np.int64)


def draw(
    generator: Generator,
    conditions: Conditions,
    vectors: Vectors,
    seed: int,
    *,
    progress: bool = False,
) -> Drawn:
    """Let a bundle draw a picture for each of the judge's vectors (N, C), seeds consecutive."""
    seeds = seed_range(seed, len(vectors))
    height, width = generator.manifest.image.size
    images = np.empty((len(vectors), height, width, 3), np.uint8)
    asked = requests(generator, conditions, vectors)
    with progress_bar("drawing", len(vectors), "pictures", shown=progress) as done:
        for part in parts(len(vectors)):
            images[part] = generator.generate(asked[part], seeds=seeds[part])
            done.update(len(seeds[part]))
    return Drawn(images, vectors, [f"seed {seed}" for seed in seeds])


def translate(
    generator: Generator,
    conditions: Conditions,
    images: Images,
    vectors: Vectors,
    *,
    progress: bool = False,
) -> Images:
    """Let a bundle bring pictures, uint8 (N, H, W, 3), to the judge's vectors (N, C)."""
    translated = np.empty_like(images)
    asked = requests(generator, conditions, vectors)
    with progress_bar("translating", len(vectors), "pictures", shown=progress) as done:
        for part in parts(len(vectors)):
            translated[part] = generator.translate(images[part], asked[part])
            done.update(len(translated[part]))
    return translated


@dataclass(frozen=True, eq=False)
class Rounds:
    """The same requests drawn `count` times, each time with noise of its own.

    `vectors` (N, C) are in the judge's layout; the seeds of all rounds are consecutive from `seed`.
    """

    vectors: Vectors
    seed: int
    count: int

    @property
    def next_seed(self) -> int:
        """The first seed that no picture of a round has."""
        return self._start(self.count)

    def draw(
        self, generator: Generator, conditions: Conditions, number: int, *, progress: bool = False
    ) -> Drawn:
        """One round, counted from 0."""
        return draw(generator, conditions, self.vectors, self._start(number), progress=progress)

    def _start(self, number: int) -> int:
        return (self.seed + number * len(self.vectors)) % 2**64


def requests(
    generator: Generator, conditions: Conditions, vectors: Vectors
) -> list[dict[str, Any]]:
    """What a bundle is asked for, for each of the judge's vectors (N, C)."""
    if not generator.conditions.groups:
        return [{} for _ in vectors]
    return [conditions.decode(vector) for vector in vectors]


def sayable(generator: Generator, conditions: Conditions, vectors: Vectors) -> NDArray[np.bool_]:
    """Which of the judge's vectors (N, C) a bundle can be asked for: bool (N,)."""
    distinct, places = np.unique(vectors, axis=0, return_inverse=True)
    good = [_can(generator, request) for request in requests(generator, conditions, distinct)]
    return np.array(good, np.bool_)[places.reshape(-1)]


def parts(count: int, size: int = _AT_ONCE) -> Iterator[slice]:
    """Slices of at most `size` that cover `count`."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def groups_of(vectors: Vectors, *, least: int, most: int) -> list[NDArray[np.int64]]:
    """The rows of each condition that at least `least` vectors share, up to `most` rows of each,
    the most frequent conditions first."""
    if not vectors.shape[1]:
        return [spaced(len(vectors), min(len(vectors), most))]
    _, places, counts = np.unique(vectors, axis=0, return_inverse=True, return_counts=True)
    frequent = [index for index in np.argsort(-counts, kind="stable") if counts[index] >= least]
    return [np.flatnonzero(places.reshape(-1) == index)[:most] for index in frequent]


def rows_with(conditions: Conditions, vectors: Vectors) -> dict[tuple[str, str], NDArray[np.int64]]:
    """The rows of vectors (N, C) that carry each label of each group with labels."""
    return {
        (group.name, label): np.flatnonzero(vectors[:, conditions.slices[group.name]][:, place] > 0)
        for group in conditions.groups
        if group.size == len(group.labels)
        for place, label in enumerate(group.labels)
    }


def captions(conditions: Conditions, vectors: Sequence[Vectors] | Vectors) -> list[str]:
    """Each vector's request in words."""
    return [conditions.caption(conditions.decode(vector)) for vector in vectors]


def _can(generator: Generator, request: dict[str, Any]) -> bool:
    try:
        generator.conditions.encode(request)
    except ConditionError:
        return False
    return True
