"""Wrong conditions for right pictures: the hard negatives of matching-aware training."""

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
    """A copy of vectors (N, C) in which one group of each row says something else.

    GAN-CLS (Reed et al. 2016, section 4.2) draws wrong texts at random; a row that differs in a
    single group is the harder negative, and it is never equal to the right one. One of many:
    another label; several of many: one of them for another; signed: one the other way round.
    """
    count = len(vectors)
    changed = vectors.copy()
    which = random.integers(len(conditions.groups), size=count)
    fractions = random.random(count)
    for index, group in enumerate(conditions.groups):
        rows = np.flatnonzero(which == index)
        part = conditions.slices[group.name]
        changed[rows, part] = _change(group)(vectors[rows, part], fractions[rows])
    return changed


def check_groups(conditions: Conditions) -> None:
    """Raises RecipeError when a group has no other label to change to."""
    unfit = [group.name for group in conditions.groups if not _changeable(group)]
    if unfit or not conditions.groups:
        raise RecipeError(
            "method.mismatch_weight",
            expected="groups of labels, at least two of them where one is asked for",
            found=", ".join(unfit) or "no condition",
            fix="Set method.mismatch_weight=0 for this data set.",
        )


def _changeable(group: ConditionGroup) -> bool:
    if isinstance(group, OneHot | JointOneHot):
        return group.size >= 2
    return isinstance(group, MultiHot)


def _change(group: ConditionGroup) -> Callable[[Vectors, Fractions], Vectors]:
    if isinstance(group, SignedMultiHot):
        return _flip
    return _swap if isinstance(group, MultiHot) else _rename


def _rename(vectors: Vectors, fractions: Fractions) -> Vectors:
    size = vectors.shape[1]
    step = 1 + (fractions * (size - 1)).astype(np.int64)
    changed = np.zeros_like(vectors)
    changed[np.arange(len(vectors)), (vectors.argmax(axis=1) + step) % size] = 1
    return changed


def _flip(vectors: Vectors, fractions: Fractions) -> Vectors:
    places = (fractions * vectors.shape[1]).astype(np.int64)
    changed = vectors.copy()
    changed[np.arange(len(vectors)), places] *= -1
    return changed


def _swap(vectors: Vectors, fractions: Fractions) -> Vectors:
    """One label that is on goes off and one that is off comes on; whichever of the two there is."""
    changed = vectors.copy()
    for row, fraction in enumerate(fractions):
        on, off = np.flatnonzero(vectors[row] > 0), np.flatnonzero(vectors[row] <= 0)
        pair = int(fraction * max(len(on), 1) * max(len(off), 1))
        if len(on):
            changed[row, on[pair % len(on)]] = 0
        if len(off):
            changed[row, off[pair // max(len(on), 1)]] = 1
    return changed
