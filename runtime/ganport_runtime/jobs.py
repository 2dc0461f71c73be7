"""Requests checked and encoded: what is left of a call when its pictures are to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.noise import normals
from ganport_runtime.pictures import to_float


@dataclass(frozen=True, eq=False)
class Job:
    """A request checked and encoded, ready to be drawn.

    `interface` is that of the graph it is for, `vectors`, float32 (N, C), the condition of each
    picture. Pictures start from `given`, noise (N, *z_shape) or uint8 pictures (N, H, W, 3), or
    without it from the noise of `keys`, uint64 (N,), times `temperature`. No array is copied:
    leave them as they are until the pictures are drawn.
    """

    interface: str
    vectors: NDArray[np.float32]
    keys: NDArray[np.uint64] | None = None
    temperature: float = 1.0
    given: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def seeds(self) -> list[int]:
        """The seed of each picture; none where they do not start from seeds."""
        return [] if self.keys is None else self.keys.tolist()


Part = tuple[Job, slice]
"""Some of the pictures of a job."""


def first_input(parts: Sequence[Part], z_shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The first input of a graph, float32 (N, ...), for the rows of all `parts` in that order."""
    keys = [job.keys[rows] for job, rows in parts if job.keys is not None]
    # One call for the seeds of all: its cost is in the calls of numpy, not in the numbers.
    noise = normals(_joined(keys), z_shape) if keys else np.empty(0, np.float32)
    blocks: list[NDArray[np.float32]] = []
    start = 0
    for job, rows in parts:
        if job.keys is None:
            blocks.append(_given(job, rows))
        else:
            stop = start + len(job.keys[rows])
            blocks.append(_scaled(noise[start:stop], job.temperature))
            start = stop
    return _joined(blocks)


def condition_rows(parts: Sequence[Part]) -> NDArray[np.float32]:
    """The condition vectors, float32 (N, C), of the rows of all `parts` in that order."""
    return _joined([job.vectors[rows] for job, rows in parts])


def _given(job: Job, rows: slice) -> NDArray[np.float32]:
    assert job.given is not None
    part = job.given[rows]
    return to_float(part) if part.dtype == np.uint8 else part


def _scaled(noise: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    return noise if temperature == 1.0 else noise * np.float32(temperature)


def _joined(blocks: list[NDArray[Any]]) -> NDArray[Any]:
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
