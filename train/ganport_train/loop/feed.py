"""Batches as a function of (seed, step) alone: nothing hidden, so a run can stop anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganport_train.methods.batch import Batch
from ganport_train.recipe import Recipe

ORDER, STEP, REFRESH = range(3)
"""Streams of randomness: order of an epoch, draws of a step, noise for batch statistics."""


def random_stream(seed: int, stream: int, index: int) -> np.random.Generator:
    """Independent randomness for one epoch or step (Philox: Salmon et al. 2011)."""
    return np.random.Generator(np.random.Philox(key=[seed, index], counter=[0, 0, 0, stream]))


class Feed:
    """The training pictures of a run, batch by batch.

    `images` is uint8 (N, H, W, 3), `vectors` float32 (N, C), `indices` the rows to train on. A GPU
    keeps all pictures when they fit, since at these sizes copying them would be the bottleneck. Of
    several processes each has its `share` of the rows of every batch.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        vectors: NDArray[np.float32],
        indices: NDArray[np.int64],
        recipe: Recipe,
        device: torch.device,
        share: slice = slice(None),
    ) -> None:
        self.vectors, self.indices = vectors, indices
        self.recipe, self.device, self.share = recipe, device, share
        self._images = images
        self._resident = (
            torch.from_numpy(np.array(images)).to(device) if _fits(images, device) else None
        )
        self._epoch = -1
        self._order = indices

    def batch(self, step: int) -> Batch:
        """The batch of a step, counted from 0: the same one whenever it is asked for."""
        rows = self.rows(step)
        random = random_stream(self.recipe.training.seed, STEP, step)
        mirrored = random.random(len(rows)) < (0.5 if self.recipe.data.mirror else 0.0)
        own = self._pictures(rows[self.share], mirrored[self.share])
        return Batch(own, self.vectors[rows], random, self.share)

    def rows(self, step: int) -> NDArray[np.int64]:
        """Rows of the data set for a step; every picture is seen once before any is seen again."""
        size = self.recipe.training.batch
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
        return self._tensor(z), self._tensor(self.vectors[rows])

    def picked(self, count: int) -> tuple[Tensor, NDArray[np.float32]]:
        """At most `count` pictures spread evenly over those to train on, as batches show them but
        never mirrored, and their conditions."""
        count = min(count, len(self.indices))
        rows = self.indices[np.arange(count) * len(self.indices) // count]
        still = np.zeros(len(rows), np.bool_)
        return self._pictures(rows, still), self.vectors[rows]

    def _shuffled(self, epoch: int) -> NDArray[np.int64]:
        if epoch != self._epoch:
            random = random_stream(self.recipe.training.seed, ORDER, epoch)
            self._epoch, self._order = epoch, random.permutation(self.indices)
        return self._order

    def _pictures(self, rows: NDArray[np.int64], mirrored: NDArray[np.bool_]) -> Tensor:
        if self._resident is None:
            pictures = torch.from_numpy(self._images[rows]).to(self.device)
        else:
            pictures = self._resident[torch.from_numpy(rows).to(self.device)]
        turn = torch.from_numpy(mirrored).to(self.device)[:, None, None, None]
        pictures = torch.where(turn, pictures.flip(2), pictures)
        # NHWC bytes seen as NCHW are channels-last already: no copy is made for the layout.
        return pictures.permute(0, 3, 1, 2).to(torch.float32).mul_(2 / 255).sub_(1)

    def _tensor(self, array: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)


def _fits(images: NDArray[np.uint8], device: torch.device) -> bool:
    """Whether all pictures may live on a GPU and leave it half of its free memory."""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return images.nbytes < free // 2
