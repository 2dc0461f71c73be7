"""Variety within a condition: drawn pictures of one condition as far apart as real ones are."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ganport_train.backend.distributed import ProcessGroup
from ganport_train.config.parsing import RecipeError
from ganport_train.methods.batch import Batch

SIDE = 16
"""Pictures are compared at so many pixels a side, where variety is not mistaken for noise."""
# Pairs of real pictures that are looked at: their mean is then known to half a percent.
_MOST = 4096
_FEW = 64
_AT_ONCE = 256

Vectors = NDArray[np.float32]


class Variety:
    """A term by which two drawn pictures of one condition shall lie as far apart as real ones do.

    A diversity term between draws of one condition (Mao et al. 2019, MSGAN, equation 5), bounded
    (Yang et al. 2019, equation 4): here by what real pictures have, so that it falls silent once
    that is reached. It needs no other passes: half of a batch's conditions are drawn twice.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.wanted = 0.0

    def measure(self, images: NDArray[np.uint8], vectors: Vectors, rows: NDArray[np.int64]) -> None:
        """Takes the distance of real pictures, as `real_distance` has it, for the one wanted."""
        if self.weight:
            self.wanted = real_distance(images, vectors, rows)

    def asked(self, batch: Batch) -> Tensor:
        """The conditions to draw for a batch, (n, C): with the term each second is that before it.

        Raises RecipeError where a process has one picture without another.
        """
        if not self.weight:
            return batch.condition
        if len(batch.real) % 2:
            raise RecipeError(
                "training.batch_size",
                expected="an even number of images for each process, for method.diversity_weight",
                found=str(len(batch.real)),
                fix="Mend the recipe, or use --set.",
            )
        return batch.tensor(twinned(batch.vectors))

    def loss(
        self, drawn: Tensor, processes: ProcessGroup, figures: dict[str, Tensor]
    ) -> Tensor | float:
        """The term for pictures (n, 3, H, W) of conditions `asked`; adds how far apart they are on
        the whole, as a share of what is wanted, to `figures`.
        """
        if not self.wanted:
            return 0.0
        distances = twin_distances(drawn)
        mean = processes.all_gather(distances.detach()).mean()
        figures["diversity"] = mean / self.wanted
        return self.weight * missing(distances, mean, self.wanted)


def twinned(vectors: Vectors) -> Vectors:
    """Conditions (N, C) in which each second row is the one before it; N is even."""
    return np.repeat(vectors[::2], 2, axis=0)


def twin_distances(images: Tensor) -> Tensor:
    """How far each two neighbours of pictures (N, 3, H, W) are apart, (N / 2,): the root of their
    mean squared difference at 16x16 pixels.
    """
    small = _thumbnails(images)
    return _distances(small[::2], small[1::2])


def missing(distances: Tensor, mean: Tensor, wanted: float) -> Tensor:
    """How far the mean of distances is below the one wanted; 0 once the `mean` over all processes,
    of whose distances these are a share, is not.
    """
    return (wanted - distances.mean()) * (mean < wanted)


def real_distance(images: NDArray[np.uint8], vectors: Vectors, rows: NDArray[np.int64]) -> float:
    """The mean distance of two real pictures of one condition, among `rows` of a data set.

    `images` is uint8 (N, H, W, 3), `vectors` (N, C). Where hardly two share a condition, as with
    forty attributes, neighbours in the order of their conditions stand in. 0 for a lone picture.
    """
    first, second = _pairs(vectors[rows])
    if not len(first):
        return 0.0
    chosen = np.linspace(0, len(first) - 1, min(len(first), _MOST)).astype(np.int64)
    apart = [
        _distances(_small(images[rows[first[part]]]), _small(images[rows[second[part]]]))
        for part in np.array_split(chosen, -(-len(chosen) // _AT_ONCE))
    ]
    return float(torch.cat(apart).mean())


def _pairs(vectors: Vectors) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.random.Generator(np.random.Philox(0)).permutation(len(vectors))
    order = order[np.lexsort(vectors[order].T)]
    alike = (vectors[order[:-1]] == vectors[order[1:]]).all(axis=1)
    if alike.sum() < _FEW:
        alike[:] = True
    return order[:-1][alike], order[1:][alike]


def _small(images: NDArray[np.uint8]) -> Tensor:
    return _thumbnails(torch.from_numpy(images).permute(0, 3, 1, 2).float() * (2 / 255) - 1)


def _thumbnails(images: Tensor) -> Tensor:
    small = min(SIDE, images.shape[-1])
    return F.adaptive_avg_pool2d(images, small).flatten(1)


def _distances(first: Tensor, second: Tensor) -> Tensor:
    # The slope of a root has no end at 0, where a generator may begin.
    return (first - second).square().mean(dim=1).add(1e-8).sqrt()
