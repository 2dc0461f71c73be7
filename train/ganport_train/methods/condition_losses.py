"""Losses about the condition: the diversity within one, and real images with a wrong one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

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
from ganport_train.backend.distributed import ProcessGroup
from ganport_train.config.parsing import RecipeError
from ganport_train.methods.method import Batch, StepMetrics, to_signed

SIDE = 16
"""Height and width at which images are compared, too small for noise to count as diversity."""
# Number of measured pairs of real images: their mean is then known to half a percent.
_MAX_PAIRS = 4096
_MIN_PAIRS = 64
_BLOCK = 256

Vectors = NDArray[np.float32]
Fractions = NDArray[np.float64]


class DiversityLoss:
    """A loss that pushes two generated images of one condition as far apart as real ones.

    A diversity term between samples of one condition (Mao et al. 2019, MSGAN, equation 5) with an
    upper bound (Yang et al. 2019, equation 4): here the distance of real images, at which the loss
    vanishes. It needs no extra forward pass: half of a batch's conditions are generated twice.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.target_distance = 0.0

    def measure(self, images: NDArray[np.uint8], vectors: Vectors, rows: NDArray[np.int64]) -> None:
        """Set the target to the distance of real images, as `real_distance` measures it."""
        if self.weight:
            self.target_distance = real_distance(images, vectors, rows)

    def fake_conditions(self, batch: Batch) -> Tensor:
        """Return the conditions to generate for a batch, (n, C): pairs of equal rows.

        Raises RecipeError for an odd number of images per process.
        """
        if not self.weight:
            return batch.condition
        if len(batch.real) % 2:
            raise RecipeError(
                "training.batch_size",
                "an even number of images per process, for method.diversity_weight",
                str(len(batch.real)),
                "Change the recipe, or override it with --set.",
            )
        return batch.local_rows(duplicate_pairs(batch.all_conditions))

    def loss(self, images: Tensor, processes: ProcessGroup, metrics: StepMetrics) -> Tensor | float:
        """Return the loss of images (n, 3, H, W) of `fake_conditions`.

        Adds `diversity`, the mean distance over all processes relative to the target, to `metrics`.
        """
        if not self.target_distance:
            return 0.0
        distances = pair_distances(images)
        mean = processes.all_gather(distances.detach()).mean()
        metrics["diversity"] = mean / self.target_distance
        return self.weight * hinge_below_target(distances, mean, self.target_distance)


def duplicate_pairs(vectors: Vectors) -> Vectors:
    """Return conditions (N, C), N even, in which every second row repeats the one before it."""
    return np.repeat(vectors[::2], 2, axis=0)


def pair_distances(images: Tensor) -> Tensor:
    """Return the distances of consecutive pairs of images (N, C, H, W), (N / 2,).

    A distance is the root mean squared difference at 16x16 pixels.
    """
    small = _thumbnails(images)
    return _distances(small[::2], small[1::2])


def hinge_below_target(distances: Tensor, mean: Tensor, target: float) -> Tensor:
    """Return how far the mean of this process's distances lies below the target.

    It is 0 once `mean`, that over all processes, reaches the target.
    """
    return (target - distances.mean()) * (mean < target)


def real_distance(images: NDArray[np.uint8], vectors: Vectors, rows: NDArray[np.int64]) -> float:
    """Return the mean distance of two real images of one condition, among `rows` of a data set.

    `images` is uint8 (N, H, W, 3), `vectors` (N, C). Where almost no images share a condition, as
    with forty attributes, neighbors in the order of their conditions are used. 0 for one image.
    """
    first, second = _pairs(vectors[rows])
    if not len(first):
        return 0.0
    chosen = np.linspace(0, len(first) - 1, min(len(first), _MAX_PAIRS)).astype(np.int64)
    distances = [
        _distances(_load_small(images[rows[first[part]]]), _load_small(images[rows[second[part]]]))
        for part in np.array_split(chosen, -(-len(chosen) // _BLOCK))
    ]
    return float(torch.cat(distances).mean())


def _pairs(vectors: Vectors) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.random.Generator(np.random.Philox(0)).permutation(len(vectors))
    if vectors.shape[1]:  # without conditions all images share the empty one
        order = order[np.lexsort(vectors[order].T)]
    equal = (vectors[order[:-1]] == vectors[order[1:]]).all(axis=1)
    if equal.sum() < _MIN_PAIRS:
        equal[:] = True
    return order[:-1][equal], order[1:][equal]


def _load_small(images: NDArray[np.uint8]) -> Tensor:
    return _thumbnails(to_signed(torch.from_numpy(images).permute(0, 3, 1, 2)))


def _thumbnails(images: Tensor) -> Tensor:
    side = min(SIDE, *images.shape[-2:])
    return F.adaptive_avg_pool2d(images, side).flatten(1)


def _distances(first: Tensor, second: Tensor) -> Tensor:
    # The gradient of a square root is infinite at 0, where a generator may start.
    return (first - second).square().mean(dim=1).add(1e-8).sqrt()


def change_one_group(
    vectors: Vectors, conditions: Conditions, random: np.random.Generator
) -> Vectors:
    """Return a copy of vectors (N, C) in which each row differs in one group.

    GAN-CLS (Reed et al. 2016, section 4.2) takes random texts. A row that differs in one group is a
    harder negative, and never equals the right one. One-hot groups change their label, multi-hot
    groups exchange one label, signed groups flip one label. Colors and numbers take those of
    another row; without another color or number in `vectors` they stay.
    """
    count = len(vectors)
    changed = vectors.copy()
    chosen = random.integers(len(conditions.groups), size=count)
    fractions = random.random(count)
    for index, group in enumerate(conditions.groups):
        rows = np.flatnonzero(chosen == index)
        columns = conditions.slices[group.name]
        if isinstance(group, Rgb | Scalar):
            values = vectors[:, columns]
            changed[rows, columns] = _take_other_value(values[rows], values, fractions[rows])
        else:
            changed[rows, columns] = _change(group)(vectors[rows, columns], fractions[rows])
    return changed


def check_groups(conditions: Conditions) -> None:
    """Raise RecipeError if a group has no other label to change to."""
    fixed = [group.name for group in conditions.groups if not _is_changeable(group)]
    if fixed or not conditions.groups:
        raise RecipeError(
            "method.mismatch_weight",
            "condition groups, with at least two labels in one-hot groups",
            ", ".join(fixed) or "no condition",
            "Set method.mismatch_weight=0 for this data set.",
        )


def _is_changeable(group: ConditionGroup) -> bool:
    if isinstance(group, OneHot | JointOneHot):
        return group.size >= 2
    return True


def _change(group: ConditionGroup) -> Callable[[Vectors, Fractions], Vectors]:
    if isinstance(group, SignedMultiHot):
        return _flip_sign
    return _exchange_label if isinstance(group, MultiHot) else _replace_label


def _replace_label(vectors: Vectors, fractions: Fractions) -> Vectors:
    size = vectors.shape[1]
    step = 1 + (fractions * (size - 1)).astype(np.int64)
    changed = np.zeros_like(vectors)
    changed[np.arange(len(vectors)), (vectors.argmax(axis=1) + step) % size] = 1
    return changed


def _flip_sign(vectors: Vectors, fractions: Fractions) -> Vectors:
    labels = (fractions * vectors.shape[1]).astype(np.int64)
    changed = vectors.copy()
    changed[np.arange(len(vectors)), labels] *= -1
    return changed


def _exchange_label(vectors: Vectors, fractions: Fractions) -> Vectors:
    """Switch one active label off and one inactive label on, where there are such labels."""
    changed = vectors.copy()
    for row, fraction in enumerate(fractions):
        on, off = np.flatnonzero(vectors[row] > 0), np.flatnonzero(vectors[row] <= 0)
        pair = int(fraction * max(len(on), 1) * max(len(off), 1))
        if len(on):
            changed[row, on[pair % len(on)]] = 0
        if len(off):
            changed[row, off[pair // max(len(on), 1)]] = 1
    return changed


def _take_other_value(values: Vectors, pool: Vectors, fractions: Fractions) -> Vectors:
    """Return for each row of `values` a different row of `pool`, if there is one."""
    changed = values.copy()
    for row, fraction in enumerate(fractions):
        others = np.flatnonzero((pool != values[row]).any(axis=1))
        if len(others):
            changed[row] = pool[others[int(fraction * len(others))]]
    return changed
