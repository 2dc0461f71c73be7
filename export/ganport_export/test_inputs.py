"""The inputs every gate runs on: noise, pictures and conditions, the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganport_export.interface import Interface
from ganport_runtime.conditions import (
    ConditionGroup,
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    Rgb,
    Scalar,
    SignedMultiHot,
)
from ganport_runtime.images.encode import to_float
from ganport_runtime.noise import normals, seed_range

BATCHES = (1, 2, 3, 7)
FIXTURE_BATCHES = (1, 3)
MAX_VALUES = 32
"""Values of one group that are tried: enough to see whether it is heard at all."""

_TILES = 4
"""Tiles across a sample picture, and as many down."""
_COLOURS = ("#000000", "#ffffff", "#ff0000", "#00ff00", "#0000ff")


@dataclass(frozen=True)
class Sample:
    """One batch of inputs by name, float32 (N, ...), in the order `forward` takes them."""

    inputs: dict[str, NDArray[np.float32]]

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def tensors(self, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
        """The inputs as fresh torch tensors."""
        return tuple(torch.from_numpy(array.copy()).to(dtype) for array in self.inputs.values())

    def row(self, index: int) -> Sample:
        """Row `index` as a batch of one."""
        return Sample({name: array[index : index + 1] for name, array in self.inputs.items()})


def sample(interface: Interface, count: int, seed: int = 0) -> Sample:
    """`count` rows: what seeds `seed`, `seed + 1` and so on give, each with its own condition.

    In a batch of four or more the last condition is a blend of two, as the contract allows.
    """
    inputs = {interface.first: sources(interface, seed_range(seed, count))}
    if interface.conditions.size:
        requests = [request(interface.conditions, seed + row) for row in range(count)]
        condition = interface.conditions.encode_many(requests)
        if count > 3:
            condition[-1] = (condition[0] + condition[1]) / 2
        inputs["condition"] = condition
    return Sample(inputs)


def sources(interface: Interface, seeds: Sequence[int]) -> NDArray[np.float32]:
    """What comes in first, one for each seed: z (N, *z), or pictures (N, 3, H, W) in [-1, 1].

    The pictures are coloured tiles under a fine grain, on the 256 levels that a file holds.
    """
    if interface.first == "z":
        return normals(seeds, interface.z) * np.float32(interface.temperature)
    height, width = interface.resolution
    rows, columns = (np.arange(side) * _TILES // side for side in interface.resolution)
    tiles = normals(seeds, (3, _TILES, _TILES))[:, :, rows][:, :, :, columns]
    grain = normals(seeds, (3, height, width), stream=1)
    levels = (128 + 64 * tiles + 4 * grain).clip(0, 255).astype(np.uint8)
    return to_float(levels.transpose(0, 2, 3, 1))


def samples(interface: Interface, batches: Sequence[int] = BATCHES) -> tuple[Sample, ...]:
    """One batch of each size, no two rows alike."""
    starts = [sum(batches[:index]) for index in range(len(batches))]
    return tuple(
        sample(interface, count, start) for count, start in zip(batches, starts, strict=True)
    )


def request(conditions: Conditions, index: int) -> dict[str, Any]:
    """The `index`-th request of an endless, varied row of them."""
    named = {}
    for place, field in enumerate(conditions.fields.values()):
        allowed = values(field)
        # Every second group counts backwards, so that two of one size do not walk in step.
        step = index if place % 2 == 0 else -1 - index
        named[field.name] = allowed[step % len(allowed)]
    return named


def values(group: ConditionGroup) -> list[Any]:
    """Values a request can give `group`: all of them, or `MAX_VALUES` that span it."""
    match group:
        case OneHot():
            return list(group.labels[:MAX_VALUES])
        case MultiHot() | SignedMultiHot():
            return [(), *((label,) for label in islice(group.labels, MAX_VALUES - 1))]
        case Scalar():
            return [group.min, group.max]
        case Rgb():
            return list(_COLOURS)
        case JointOneHot():
            raise TypeError("a joint group is named by its members")
    raise TypeError(f"no values known for a group of kind {group.kind}")
