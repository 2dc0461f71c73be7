"""Wrong conditions for real images: the hard negatives of matching-aware training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import (
    ConditionGroup,
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    SignedMultiHot,
)
from ganport_train.config.parsing import RecipeError

Vectors = NDArray[np.float32]
Fractions = NDArray[np.float64]


def change_one_group(
    vectors: Vectors, conditions: Conditions, random: np.random.Generator
) -> Vectors:
    """Return a copy of vectors (N, C) in which each row differs in one group.

    GAN-CLS (Reed et al. 2016, section 4.2) takes random texts. A row that differs in one group is a
    harder negative, and never equals the right one. One-hot groups change their label, multi-hot
    groups exchange one label, signed groups flip one label.
    """
    count = len(vectors)
    changed = vectors.copy()
    chosen = random.integers(len(conditions.groups), size=count)
    fractions = random.random(count)
    for index, group in enumerate(conditions.groups):
        rows = np.flatnonzero(chosen == index)
        columns = conditions.slices[group.name]
        changed[rows, columns] = _change(group)(vectors[rows, columns], fractions[rows])
    return changed


def check_groups(conditions: Conditions) -> None:
    """Raise RecipeError if a group has no other label to change to."""
    fixed = [group.name for group in conditions.groups if not _is_changeable(group)]
    if fixed or not conditions.groups:
        raise RecipeError(
            "method.mismatch_weight",
            "groups of labels, with at least two labels in one-hot groups",
            ", ".join(fixed) or "no condition",
            "Set method.mismatch_weight=0 for this data set.",
        )


def _is_changeable(group: ConditionGroup) -> bool:
    if isinstance(group, OneHot | JointOneHot):
        return group.size >= 2
    return isinstance(group, MultiHot)


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
