"""Requests checked and encoded: what is left of a call when its pictures are to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.images.encode import to_float
from ganport_runtime.noise import SeedArray, normal_rows


@dataclass(slots=True, eq=False)
class EncodedRequest:
    """A request checked and encoded, ready to be drawn.

    `interface` is that of the graph it is for, `vectors`, float32 (N, C), the condition of each
    picture. Pictures start from `given`, noise (N, *z_shape) or uint8 pictures (N, H, W, 3), or
    without it from the noise of N `keys` times `temperature`. No array is copied: leave them, and
    the request, as they are until the pictures are drawn.
    """

    interface: str
    conditions: NDArray[np.float32]
    seeds: SeedArray | None = None
    temperature: float = 1.0
    inputs: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.conditions)

    @property
    def seed_list(self) -> list[int]:
        """The seed of each picture; none where they do not start from seeds."""
        if isinstance(self.seeds, np.ndarray):
            seeds: list[int] = self.seeds.tolist()
            return seeds
        return list(self.seeds or ())

    def slice(self, rows: slice) -> EncodedRequest:
        """The request of some of the pictures."""
        if rows.indices(len(self)) == (0, len(self), 1):
            return self
        keys = None if self.seeds is None else np.asarray(self.seeds, np.uint64)[rows]
        given = None if self.inputs is None else self.inputs[rows]
        return EncodedRequest(self.interface, self.conditions[rows], keys, self.temperature, given)


RowRange = tuple[EncodedRequest, slice]
"""Some of the pictures of a request."""


def build_inputs(
    requests: Sequence[EncodedRequest], z_shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """The first input of a graph, float32 (N, ...), for the images of all requests in order."""
    if len(requests) == 1:  # what most calls are: nothing to join
        return _first(requests[0], z_shape)
    keys = [
        np.asarray(request.seeds, np.uint64) for request in requests if request.seeds is not None
    ]
    # One call for the seeds of all: its cost is in the calls of numpy, not in the numbers.
    noise = normal_rows(np.concatenate(keys), z_shape) if keys else np.empty(0, np.float32)
    blocks: list[NDArray[np.float32]] = []
    start = 0
    for request in requests:
        if request.seeds is None:
            blocks.append(_given(request))
        else:
            stop = start + len(request)
            blocks.append(_scaled(noise[start:stop], request.temperature))
            start = stop
    return np.concatenate(blocks)


def condition_rows(requests: Sequence[EncodedRequest]) -> NDArray[np.float32]:
    """The condition vectors, float32 (N, C), of the pictures of all requests in that order."""
    vectors = [request.conditions for request in requests]
    return vectors[0] if len(vectors) == 1 else np.concatenate(vectors)


def _first(request: EncodedRequest, z_shape: tuple[int, ...]) -> NDArray[np.float32]:
    if request.seeds is None:
        return _given(request)
    return _scaled(normal_rows(request.seeds, z_shape), request.temperature)


def _given(request: EncodedRequest) -> NDArray[np.float32]:
    assert request.inputs is not None
    return to_float(request.inputs) if request.inputs.dtype == np.uint8 else request.inputs


def _scaled(noise: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    return noise if temperature == 1.0 else noise * np.float32(temperature)
