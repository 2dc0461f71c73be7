"""Requests checked and encoded: what is left of a call when its pictures are to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.images.encode import to_float
from ganport_runtime.noise import Keys, rows_of


@dataclass(slots=True, eq=False)
class Job:
    """A request checked and encoded, ready to be drawn.

    `interface` is that of the graph it is for, `vectors`, float32 (N, C), the condition of each
    picture. Pictures start from `given`, noise (N, *z_shape) or uint8 pictures (N, H, W, 3), or
    without it from the noise of N `keys` times `temperature`. No array is copied: leave them, and
    the job, as they are until the pictures are drawn.
    """

    interface: str
    vectors: NDArray[np.float32]
    keys: Keys | None = None
    temperature: float = 1.0
    given: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def seeds(self) -> list[int]:
        """The seed of each picture; none where they do not start from seeds."""
        if isinstance(self.keys, np.ndarray):
            seeds: list[int] = self.keys.tolist()
            return seeds
        return list(self.keys or ())

    def part(self, rows: slice) -> Job:
        """The job of some of the pictures."""
        if rows.indices(len(self)) == (0, len(self), 1):
            return self
        keys = None if self.keys is None else np.asarray(self.keys, np.uint64)[rows]
        given = None if self.given is None else self.given[rows]
        return Job(self.interface, self.vectors[rows], keys, self.temperature, given)


Part = tuple[Job, slice]
"""Some of the pictures of a job."""


def first_input(jobs: Sequence[Job], z_shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The first input of a graph, float32 (N, ...), for the pictures of all jobs in that order."""
    if len(jobs) == 1:  # what most calls are: nothing to join
        return _first(jobs[0], z_shape)
    keys = [np.asarray(job.keys, np.uint64) for job in jobs if job.keys is not None]
    # One call for the seeds of all: its cost is in the calls of numpy, not in the numbers.
    noise = rows_of(np.concatenate(keys), z_shape) if keys else np.empty(0, np.float32)
    blocks: list[NDArray[np.float32]] = []
    start = 0
    for job in jobs:
        if job.keys is None:
            blocks.append(_given(job))
        else:
            stop = start + len(job)
            blocks.append(_scaled(noise[start:stop], job.temperature))
            start = stop
    return np.concatenate(blocks)


def condition_rows(jobs: Sequence[Job]) -> NDArray[np.float32]:
    """The condition vectors, float32 (N, C), of the pictures of all jobs in that order."""
    vectors = [job.vectors for job in jobs]
    return vectors[0] if len(vectors) == 1 else np.concatenate(vectors)


def _first(job: Job, z_shape: tuple[int, ...]) -> NDArray[np.float32]:
    if job.keys is None:
        return _given(job)
    return _scaled(rows_of(job.keys, z_shape), job.temperature)


def _given(job: Job) -> NDArray[np.float32]:
    assert job.given is not None
    return to_float(job.given) if job.given.dtype == np.uint8 else job.given


def _scaled(noise: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    return noise if temperature == 1.0 else noise * np.float32(temperature)
