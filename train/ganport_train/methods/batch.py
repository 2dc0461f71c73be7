"""What one step sees, and the randomness it may draw from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """The real pictures of a step, on the run's device.

    `random` is the step's own stream: whatever a method draws, it draws from there and in the same
    order, so a step depends on (seed, step) alone.
    """

    real: Tensor
    """(N, 3, H, W) float32 in [-1, 1]."""
    vectors: NDArray[np.float32]
    """(N, C), the pictures' own conditions."""
    random: np.random.Generator

    @property
    def condition(self) -> Tensor:
        """The conditions on the device, (N, C)."""
        return self.tensor(self.vectors)

    def noise(self, shape: Sequence[int]) -> Tensor:
        """Standard normal noise (N, *shape)."""
        size = (len(self.vectors), *shape)
        return self.tensor(self.random.standard_normal(size, dtype=np.float32))

    def shares(self, shape: Sequence[int] = ()) -> Tensor:
        """Uniform numbers in [0, 1), (N, *shape)."""
        return self.tensor(self.random.random((len(self.vectors), *shape), dtype=np.float32))

    def tensor(self, array: NDArray[np.float32]) -> Tensor:
        """An array on the device of the pictures."""
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.real.device)
