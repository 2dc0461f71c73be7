"""What one step sees, and the randomness it may draw from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """The real pictures of a step, on the run's device.

    `random` is the step's own stream: whatever a method draws, it draws from there and in the same
    order, so a step depends on (seed, step) alone. Of several processes each draws for all N rows
    of the step and keeps its own, so that together they see what one alone would see.
    """

    real: Tensor
    """(n, 3, H, W) float32 in [-1, 1], this process's rows."""
    vectors: NDArray[np.float32]
    """(N, C), the own conditions of all pictures of the step."""
    random: np.random.Generator
    rows: slice = field(default_factory=lambda: slice(None))
    """Which of the N are this process's: all, if it is alone."""

    @cached_property
    def condition(self) -> Tensor:
        """The conditions on the device, (n, C); sent once, for all that a step does with them."""
        return self.tensor(self.vectors)

    def noise(self, shape: Sequence[int]) -> Tensor:
        """Standard normal noise (n, *shape)."""
        size = (len(self.vectors), *shape)
        return self.tensor(self.random.standard_normal(size, dtype=np.float32))

    def shares(self, shape: Sequence[int] = ()) -> Tensor:
        """Uniform numbers in [0, 1), (n, *shape)."""
        return self.tensor(self.random.random((len(self.vectors), *shape), dtype=np.float32))

    def tensor(self, array: NDArray[np.float32]) -> Tensor:
        """This process's rows of an array (N, ...), on the pictures' device and in their dtype."""
        return sent(array[self.rows], self.real.device).to(self.real.dtype)


def sent(array: NDArray[Any], device: torch.device) -> Tensor:
    """An array on a device.

    To a GPU it goes from pinned memory: any other copy waits for all that the GPU has still to do,
    and then the next kernels come late.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
