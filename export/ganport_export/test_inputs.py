"""Inputs for the checks: noise, images and conditions, identical on every machine."""

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
from ganport_runtime.images.pixels import to_float
from ganport_runtime.noise import normals, seed_range

BATCH_SIZES = (1, 2, 3, 7)
"""Batch sizes of the checks."""
MAX_VALUES = 32
"""Number of values of one group that are tried: enough to see whether it has an effect."""

_TILES = 4
"""Tiles of a test image in each direction."""
_COLORS = ("#000000", "#ffffff", "#ff0000", "#00ff00", "#0000ff")


@dataclass(frozen=True)
class InputBatch:
    """One batch of inputs by name, float32 (N, ...), in the order of `forward`."""

    inputs: dict[str, NDArray[np.float32]]

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def tensors(self, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
        """Return the inputs as new torch tensors of type `dtype`."""
        return tuple(torch.from_numpy(array.copy()).to(dtype) for array in self.inputs.values())

    def rows(self, start: int, stop: int) -> InputBatch:
        """Return rows `start` to `stop` as a batch."""
        return InputBatch({name: array[start:stop] for name, array in self.inputs.items()})


def make_batch(interface: Interface, size: int, seed: int = 0) -> InputBatch:
    """Return a batch made from the seeds `seed`, `seed + 1` and so on, with varied conditions.

    In a batch of four or more the last condition is a blend of the first two.
    """
    inputs = {interface.input_name: first_inputs(interface, seed_range(seed, size))}
    if interface.conditions.size:
        requests = [nth_request(interface.conditions, seed + row) for row in range(size)]
        condition = interface.conditions.encode_many(requests)
        if size > 3:
            condition[-1] = (condition[0] + condition[1]) / 2
        inputs["condition"] = condition
    return InputBatch(inputs)


def make_batches(
    interface: Interface, sizes: Sequence[int] = BATCH_SIZES
) -> tuple[InputBatch, ...]:
    """Return one batch of each size; no two rows are equal."""
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    return tuple(
        make_batch(interface, size, start) for size, start in zip(sizes, starts, strict=True)
    )


def first_inputs(interface: Interface, seeds: Sequence[int]) -> NDArray[np.float32]:
    """Return the first input for each seed: z `(N, *z)`, or images `(N, C, H, W)` in [-1, 1].

    The images show colored tiles with fine noise, quantized to the 256 levels of an image file.
    """
    if interface.input_name == "z":
        return normals(seeds, interface.z) * np.float32(interface.temperature)
    image = interface.format
    rows, columns = (np.arange(side) * _TILES // side for side in image.size)
    tiles = normals(seeds, (image.channels, _TILES, _TILES))[:, :, rows][:, :, :, columns]
    grain = normals(seeds, (image.channels, *image.size), stream=1)
    levels = (128 + 64 * tiles + 4 * grain).clip(0, 255).astype(np.uint8)
    return to_float(levels.transpose(0, 2, 3, 1))


def nth_request(conditions: Conditions, index: int) -> dict[str, Any]:
    """Return request `index` of an endless, varied sequence."""
    request = {}
    for position, field in enumerate(conditions.fields.values()):
        values = values_to_try(field)
        # Every second group counts backward, so that groups of equal size are not correlated.
        step = index if position % 2 == 0 else -1 - index
        request[field.name] = values[step % len(values)]
    return request


def values_to_try(group: ConditionGroup) -> list[Any]:
    """Return the values that a request can give `group`: all, or `MAX_VALUES` of them."""
    match group:
        case OneHot():
            return list(group.labels[:MAX_VALUES])
        case MultiHot() | SignedMultiHot():
            return [(), *((label,) for label in islice(group.labels, MAX_VALUES - 1))]
        case Scalar():
            return [group.min, group.max]
        case Rgb():
            return list(_COLORS)
        case JointOneHot():
            raise TypeError("a joint group has no values of its own; use its members")
    raise TypeError(f"no test values are known for a group of kind {group.kind}")
