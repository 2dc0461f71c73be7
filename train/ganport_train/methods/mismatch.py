"""Wrong conditions for right pictures: the hard negatives of matching-aware training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_train.options import RecipeError

ONE_OF_MANY = ("one_hot", "joint_one_hot")


def change_one_group(
    vectors: NDArray[np.float32], conditions: Conditions, random: np.random.Generator
) -> NDArray[np.float32]:
    """A copy of vectors (N, C) in which one group of each row names another label.

    GAN-CLS (Reed et al. 2016, section 4.2) draws wrong texts at random; a row that differs in a
    single group is the harder negative, and it is never equal to the right one.
    """
    count = len(vectors)
    changed = vectors.copy()
    which = random.integers(len(conditions.groups), size=count)
    fractions = random.random(count)
    for index, group in enumerate(conditions.groups):
        rows = np.flatnonzero(which == index)
        part = conditions.slices[group.name]
        right = vectors[rows, part].argmax(axis=1)
        step = 1 + (fractions[rows] * (group.size - 1)).astype(np.int64)
        changed[rows, part] = 0
        changed[rows, part.start + (right + step) % group.size] = 1
    return changed


def check_groups(conditions: Conditions) -> None:
    """Raises RecipeError when a group has no other label to change to."""
    unfit = [group.name for group in conditions.groups if not _changeable(group.kind, group.size)]
    if unfit or not conditions.groups:
        raise RecipeError(
            "method.mismatch",
            expected="groups that take one of at least two labels",
            found=", ".join(unfit) or "no condition",
            fix="Set method.mismatch=0 for this data set.",
        )


def _changeable(kind: str, size: int) -> bool:
    return kind in ONE_OF_MANY and size >= 2
