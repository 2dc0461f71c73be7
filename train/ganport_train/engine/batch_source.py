"""Batches as a function of (seed, step) alone: nothing hidden, so a run can stop anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganport_train.backend.device import random_stream
from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipe import Recipe
from ganport_train.engine.prefetch import Ahead
from ganport_train.methods.batch import Batch, sent

ORDER, STEP, REFRESH = range(3)
"""Streams of randomness: order of an epoch, draws of a step, noise for batch statistics."""


@dataclass(frozen=True)
class _Draw:
    """What chance and the order of the epoch give a step."""

    rows: NDArray[np.int64]
    pixels: Tensor
    """uint8 (n, H, W, 3), the own rows."""
    mirrored: NDArray[np.bool_]
    """(N,), of all rows."""
    random: np.random.Generator


class Feed:
    """The training pictures of a run, batch by batch.

    `images` is uint8 (N, H, W, 3), `vectors` float32 (N, C), `indices` the rows to train on. A GPU
    keeps all pictures when they fit, since at these sizes copying them would be the bottleneck. Of
    several processes each has its `share` of the rows of every batch. With `prefetch` the pictures
    of the next batch are gathered in a thread meanwhile; None = where a GPU does not keep them.
    Raises RecipeError when no picture is left to train on.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        vectors: NDArray[np.float32],
        indices: NDArray[np.int64],
        recipe: Recipe,
        device: torch.device,
        share: slice = slice(None),
        prefetch: bool | None = None,
    ) -> None:
        _check_any(len(indices), len(images), recipe.data.val_fraction)
        self.vectors, self.indices = vectors, indices
        self.recipe, self.device, self.share = recipe, device, share
        self._images = images
        self._resident = (
            torch.from_numpy(np.array(images)).to(device) if _fits(images, device) else None
        )
        self._epoch = -1
        self._order = indices
        if prefetch is None:
            prefetch = device.type == "cuda" and self._resident is None
        self._ahead = Ahead(self._draw) if prefetch else None

    def batch(self, step: int) -> Batch:
        """The batch of a step, counted from 0: the same one whenever it is asked for."""
        draw = self._ahead.take(step) if self._ahead else self._draw(step)
        own = self._pictures(draw.pixels, draw.mirrored[self.share])
        return Batch(own, self.vectors[draw.rows], draw.random, self.share)

    def rows(self, step: int) -> NDArray[np.int64]:
        """Rows of the data set for a step; every picture is seen once before any is seen again."""
        size = self.recipe.training.batch_size
        seen = np.arange(step * size, (step + 1) * size)
        epochs = seen // len(self.indices)
        rows = [
            self._shuffled(epoch)[seen[epochs == epoch] % len(self.indices)]
            for epoch in range(int(epochs[0]), int(epochs[-1]) + 1)
        ]
        return np.concatenate(rows)

    def refresh(self, count: int, z_shape: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Noise and conditions, `count` each, on which batch statistics are re-estimated."""
        random = random_stream(self.recipe.training.seed, REFRESH, 0)
        z = random.standard_normal((count, *z_shape), dtype=np.float32)
        rows = self.indices[random.integers(len(self.indices), size=count)]
        return sent(z, self.device), sent(self.vectors[rows], self.device)

    def picked(self, count: int) -> tuple[Tensor, NDArray[np.float32]]:
        """At most `count` pictures spread evenly over those to train on, as batches show them but
        never mirrored, and their conditions."""
        count = min(count, len(self.indices))
        rows = self.indices[np.arange(count) * len(self.indices) // count]
        still = np.zeros(len(rows), np.bool_)
        return self._pictures(self._pixels(rows), still), self.vectors[rows]

    def _draw(self, step: int) -> _Draw:
        rows = self.rows(step)
        random = random_stream(self.recipe.training.seed, STEP, step)
        mirrored = random.random(len(rows)) < (0.5 if self.recipe.data.mirror else 0.0)
        return _Draw(rows, self._pixels(rows[self.share]), mirrored, random)

    def _shuffled(self, epoch: int) -> NDArray[np.int64]:
        if epoch != self._epoch:
            random = random_stream(self.recipe.training.seed, ORDER, epoch)
            self._epoch, self._order = epoch, random.permutation(self.indices)
        return self._order

    def _pixels(self, rows: NDArray[np.int64]) -> Tensor:
        if self._resident is not None:
            return self._resident[sent(rows, self.device)]
        pixels = torch.from_numpy(self._images[rows])
        return pixels.pin_memory() if self.device.type == "cuda" else pixels

    def _pictures(self, pixels: Tensor, mirrored: NDArray[np.bool_]) -> Tensor:
        pixels = pixels.to(self.device, non_blocking=True)
        turn = sent(mirrored, self.device)[:, None, None, None]
        pictures = torch.where(turn, pixels.flip(2), pixels)
        # NHWC bytes seen as NCHW are channels-last already: no copy is made for the layout.
        return pictures.permute(0, 3, 1, 2).to(torch.float32).mul_(2 / 255).sub_(1)


def _fits(images: NDArray[np.uint8], device: torch.device) -> bool:
    """Whether all pictures may live on a GPU and leave it half of its free memory."""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return images.nbytes < free // 2


def _check_any(count: int, total: int, held_out: float) -> None:
    if not count:
        raise RecipeError(
            "data.val_fraction",
            expected="at least one picture left to train on",
            found=f"none of {total}, with a share of {held_out:g} held out",
            fix="Set data.val_fraction=0, or bring more pictures.",
        )
