"""Training batches as a function of (seed, step), so that a resumed run is exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganport_train.backend.device import random_stream
from ganport_train.config.recipe import Recipe
from ganport_train.methods.method import Batch, to_device, to_signed

EPOCH_STREAM, STEP_STREAM, CALIBRATION_STREAM = range(3)
"""Random streams: image order of an epoch, numbers of a step, batch norm calibration."""

T = TypeVar("T")


class Prefetcher(Generic[T]):
    """Computes the value of the next step in a thread while the caller uses the current one.

    `compute` must be a function of the step. One thread runs one call at a time, so the values do
    not depend on the thread.
    """

    def __init__(self, compute: Callable[[int], T]) -> None:
        self._compute = compute
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
        self._next: tuple[int, Future[T]] | None = None

    def get(self, step: int) -> T:
        """Return the value of a step, and start on the next; raise the errors of `compute`."""
        if self._next and self._next[0] == step:
            current = self._next[1]
        else:
            current = self._pool.submit(self._compute, step)
        self._next = (step + 1, self._pool.submit(self._compute, step + 1))
        return current.result()


@dataclass(frozen=True)
class _StepData:
    """Inputs of a step before they are on the device."""

    rows: NDArray[np.int64]
    """(N,), rows of the data set."""
    pixels: Tensor
    """uint8 (n, H, W, C), this rank's images."""
    mirrored: NDArray[np.bool_]
    """(N,), which images are flipped."""
    random: np.random.Generator


class BatchSource:
    """The training images of a run, batch by batch.

    `images` is uint8 (N, H, W, C), `conditions` float32 (N, K), and `indices` are the training
    rows. A GPU holds all images if they fit in half of its free memory, since copying would be the
    bottleneck at these sizes. Of several ranks each has its `local_rows` of every batch. `prefetch`
    gathers the next batch in a thread; None = only if a GPU does not hold the images.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        conditions: NDArray[np.float32],
        indices: NDArray[np.int64],
        recipe: Recipe,
        device: torch.device,
        local_rows: slice = slice(None),
        prefetch: bool | None = None,
    ) -> None:
        self.conditions, self.indices = conditions, indices
        self.recipe, self.device, self.local_rows = recipe, device, local_rows
        self._images = images
        self._device_cache = (
            torch.from_numpy(np.array(images)).to(device) if _fits(images, device) else None
        )
        self._epoch = -1
        self._order = indices
        if prefetch is None:
            prefetch = device.type == "cuda" and self._device_cache is None
        self._prefetcher = Prefetcher(self._load_step) if prefetch else None

    def batch(self, step: int) -> Batch:
        """Return the batch of a step, counted from 0; a step always has the same batch."""
        data = self._prefetcher.get(step) if self._prefetcher else self._load_step(step)
        images = self._to_float(data.pixels, data.mirrored[self.local_rows])
        return Batch(images, self.conditions[data.rows], data.random, self.local_rows)

    def rows(self, step: int) -> NDArray[np.int64]:
        """Return the rows of a step; an epoch contains every training row once."""
        size = self.recipe.training.batch_size
        positions = np.arange(step * size, (step + 1) * size)
        epochs = positions // len(self.indices)
        rows = [
            self._epoch_order(epoch)[positions[epochs == epoch] % len(self.indices)]
            for epoch in range(int(epochs[0]), int(epochs[-1]) + 1)
        ]
        return np.concatenate(rows)

    def calibration_batch(self, count: int, z_shape: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return `count` noise and condition vectors for batch norm calibration."""
        random = random_stream(self.recipe.training.seed, CALIBRATION_STREAM, 0)
        z = random.standard_normal((count, *z_shape), dtype=np.float32)
        rows = self.indices[random.integers(len(self.indices), size=count)]
        return to_device(z, self.device), to_device(self.conditions[rows], self.device)

    def fixed_subset(self, count: int) -> tuple[Tensor, NDArray[np.float32]]:
        """Return at most `count` evenly spaced training images, not mirrored, with conditions."""
        count = min(count, len(self.indices))
        rows = self.indices[np.arange(count) * len(self.indices) // count]
        unmirrored = np.zeros(len(rows), np.bool_)
        return self._to_float(self._pixels(rows), unmirrored), self.conditions[rows]

    def _load_step(self, step: int) -> _StepData:
        rows = self.rows(step)
        random = random_stream(self.recipe.training.seed, STEP_STREAM, step)
        mirrored = random.random(len(rows)) < (0.5 if self.recipe.data.mirror else 0.0)
        return _StepData(rows, self._pixels(rows[self.local_rows]), mirrored, random)

    def _epoch_order(self, epoch: int) -> NDArray[np.int64]:
        if epoch != self._epoch:
            random = random_stream(self.recipe.training.seed, EPOCH_STREAM, epoch)
            self._epoch, self._order = epoch, random.permutation(self.indices)
        return self._order

    def _pixels(self, rows: NDArray[np.int64]) -> Tensor:
        if self._device_cache is not None:
            return self._device_cache[to_device(rows, self.device)]
        pixels = torch.from_numpy(self._images[rows])
        return pixels.pin_memory() if self.device.type == "cuda" else pixels

    def _to_float(self, pixels: Tensor, mirrored: NDArray[np.bool_]) -> Tensor:
        pixels = pixels.to(self.device, non_blocking=True)
        flip = to_device(mirrored, self.device)[:, None, None, None]
        images = torch.where(flip, pixels.flip(2), pixels)
        # NHWC bytes viewed as NCHW have the channels-last layout, so no copy is necessary.
        return to_signed(images.permute(0, 3, 1, 2))


def _fits(images: NDArray[np.uint8], device: torch.device) -> bool:
    """Return whether a GPU can hold all images in half of its free memory."""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return images.nbytes < free // 2
