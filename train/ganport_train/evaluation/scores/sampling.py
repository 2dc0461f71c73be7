"""Requests to a bundle and the images that it returns; checks of bundle, data set, and judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import ConditionError, GanportError
from ganport_runtime.generator import Generator
from ganport_runtime.noise import seed_range
from ganport_train.data import Dataset
from ganport_train.data.dataset import Images, Vectors
from ganport_train.data.images import track_blocks
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.metrics.diversity import evenly_spaced

MIN_IMAGES = 20
"""Fewest images, generated or real, that give a meaningful distance."""
_BATCH = 256


class ScoreError(GanportError):
    """A bundle, data set, judge, or output folder that cannot be scored together."""


@dataclass(frozen=True, eq=False)
class GeneratedRound:
    """The images of one round, uint8 (N, H, W, C), and their `vectors` (N, C) in judge's layout.

    `origins` names the source of each image: its seed or another image.
    """

    images: Images
    vectors: Vectors
    origins: list[str]

    def __len__(self) -> int:
        return len(self.origins)


@dataclass(frozen=True, eq=False)
class RoundPlan:
    """The same requests generated in `count` rounds, each with its own noise.

    `vectors` (N, C) are in the judge's layout. The seeds of all rounds are consecutive from `seed`.
    """

    vectors: Vectors
    seed: int
    count: int

    @property
    def next_seed(self) -> int:
        """The first seed after those of all rounds."""
        return self._first_seed(self.count)

    def generate(self, generator: Generator, conditions: Conditions, index: int) -> GeneratedRound:
        """Generate one round, counted from 0."""
        seeds = seed_range(self._first_seed(index), len(self.vectors))
        image = generator.image
        images = np.empty((len(seeds), *image.size, image.channels), np.uint8)
        requests = decode_requests(generator, conditions, self.vectors)
        for part in track_blocks(len(seeds), _BATCH, "generating", "images"):
            images[part] = generator.generate(requests[part], seeds=seeds[part])
        return GeneratedRound(images, self.vectors, [f"seed {seed}" for seed in seeds])

    def _first_seed(self, index: int) -> int:
        return (self.seed + index * len(self.vectors)) % 2**64


def translate_images(
    generator: Generator,
    conditions: Conditions,
    images: Images,
    vectors: Vectors,
) -> Images:
    """Translate uint8 (N, H, W, C) images with a bundle to the judge's vectors (N, C)."""
    translated = np.empty_like(images)
    requests = decode_requests(generator, conditions, vectors)
    for part in track_blocks(len(vectors), _BATCH, "translating", "images"):
        translated[part] = generator.translate(images[part], requests[part])
    return translated


def sample_vectors(vectors: Vectors, count: int) -> Vectors:
    """Return (count, C) vectors that represent (N, C): evenly spaced in sorted order.

    No frequent label is missing by chance.
    """
    order = np.lexsort(vectors.T[::-1]) if vectors.shape[1] else np.arange(len(vectors))
    return vectors[order[evenly_spaced(len(vectors), count)]]


def decode_requests(
    generator: Generator, conditions: Conditions, vectors: Vectors
) -> list[dict[str, Any]]:
    """Return the requests to a bundle for the judge's vectors (N, C)."""
    if not generator.conditions.groups:
        return [{} for _ in vectors]
    return [conditions.decode(vector) for vector in vectors]


def encodable(generator: Generator, conditions: Conditions, vectors: Vectors) -> NDArray[np.bool_]:
    """Return which of the judge's vectors (N, C) a bundle can encode: bool (N,)."""
    distinct, inverse = np.unique(vectors, axis=0, return_inverse=True)
    requests = decode_requests(generator, conditions, distinct)
    mask = np.array([_can_encode(generator.conditions, request) for request in requests], np.bool_)
    return mask[inverse.reshape(-1)]


def captions(conditions: Conditions, vectors: Vectors) -> list[str]:
    """Return the text of each vector's request."""
    return [conditions.caption(conditions.decode(vector)) for vector in vectors]


def check_same_conditions(dataset: Dataset, judge: Judge) -> None:
    """Raise ScoreError unless a data set and a judge have the same condition groups."""
    if list(dataset.conditions.fields) != list(judge.conditions.fields):
        raise ScoreError(
            "data set and judge",
            f"the judge's condition groups, {_describe(judge.conditions)}",
            _describe(dataset.conditions),
            "Use a judge that was trained on this data set.",
        )


def usable_rows(generator: Generator, dataset: Dataset, judge: Judge) -> NDArray[np.int64]:
    """Return the rows whose conditions a bundle can encode; raise ScoreError if too few."""
    rows = np.flatnonzero(encodable(generator, judge.conditions, dataset.vectors))
    if not len(rows):
        raise ScoreError(
            "bundle and judge",
            f"conditions that both know; the judge's: {_describe(judge.conditions)}",
            _describe(generator.conditions),
            "Use a judge of the data set that the bundle was trained on.",
        )
    if len(rows) < MIN_IMAGES:
        raise ScoreError(
            "data set",
            f"at least {MIN_IMAGES} images with conditions that the bundle knows",
            f"{len(rows)} of {len(dataset)}",
            "Add images.",
        )
    return rows


def _can_encode(conditions: Conditions, request: dict[str, Any]) -> bool:
    try:
        conditions.encode(request)
    except ConditionError:
        return False
    return True


def _describe(conditions: Conditions) -> str:
    return ", ".join(f"{group.name} ({group.kind})" for group in conditions.groups) or "none"
