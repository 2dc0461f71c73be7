"""What the judge's outputs say: how many conditions are met, by group, label and pair of labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
from ganport_train.methods.classification import span

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]
TOLERANCE = 0.1
"""A colour's channel or a number is met within this share of its range."""
MAX_CONFUSED = 256
"""Labels of a group whose confusions are counted: their table is the square of it."""


@dataclass(frozen=True)
class Tally:
    """How many of how many conditions are met."""

    hits: int
    total: int

    @property
    def share(self) -> float:
        """`hits` over `total`; 0 of 0 is 0."""
        return self.hits / self.total if self.total else 0.0

    @classmethod
    def of(cls, met: Flags, asked: Flags) -> Tally:
        """The tally of what is `asked` for and `met`, of the same shape."""
        return cls(int((met & asked).sum()), int(asked.sum()))


def met(group: ConditionGroup, outputs: Floats, vectors: Floats) -> Flags:
    """Which conditions of each picture are met: bool (N, L), of the labels or of one number.

    Only where `asked` is true does it mean anything. One label: it has the highest output. Several
    labels: they are among the k highest outputs, k being how many were asked for (the rule of the
    i-CLEVR lab's evaluator). Signed labels: their signs. Numbers: all within `TOLERANCE`.
    """
    if isinstance(group, SignedMultiHot):
        same: Flags = (outputs > 0) == (vectors > 0)
        return same
    if isinstance(group, MultiHot):
        return _highest(outputs, (vectors > 0).sum(axis=1))
    if isinstance(group, OneHot | JointOneHot):
        return _highest(outputs, np.ones(len(outputs), np.int64))
    low, high = span(group)
    apart = np.abs(outputs - (vectors - low) / (high - low))
    near: Flags = apart.max(axis=1, keepdims=True) <= TOLERANCE
    return near


def asked(group: ConditionGroup, vectors: Floats) -> Flags:
    """Which labels each picture is held to: bool (N, L) beside `met`."""
    if isinstance(group, SignedMultiHot):
        return np.ones(vectors.shape, np.bool_)
    if isinstance(group, MultiHot):
        on: Flags = vectors > 0
        return on
    if isinstance(group, OneHot | JointOneHot):
        return _highest(vectors, np.ones(len(vectors), np.int64))
    return np.ones((len(vectors), 1), np.bool_)


def accuracy(conditions: Conditions, outputs: Floats, vectors: Floats) -> dict[str, Tally]:
    """The tally of each group over all pictures, for outputs and vectors (N, C)."""
    tallies: dict[str, Tally] = {}
    for group in conditions.groups:
        part = conditions.slices[group.name]
        ours, theirs = outputs[:, part], vectors[:, part]
        tallies[group.name] = Tally.of(met(group, ours, theirs), asked(group, theirs))
    return tallies


def joint(conditions: Conditions, outputs: Floats, vectors: Floats) -> Tally:
    """How many pictures meet all that they were asked for, for outputs and vectors (N, C)."""
    whole = np.ones(len(vectors), np.bool_)
    for group in conditions.groups:
        part = conditions.slices[group.name]
        ours, theirs = outputs[:, part], vectors[:, part]
        whole &= (met(group, ours, theirs) | ~asked(group, theirs)).all(axis=1)
    return Tally(int(whole.sum()), len(whole))


def by_label(group: ConditionGroup, outputs: Floats, vectors: Floats) -> dict[str, Tally]:
    """The tally of each label of a group, for that group's outputs and vectors (N, size).

    Colours and numbers have none: names of a palette are no conditions of their own.
    """
    if isinstance(group, Rgb | Scalar):
        return {}
    right, wanted = met(group, outputs, vectors), asked(group, vectors)
    return {
        label: Tally.of(right[:, place], wanted[:, place])
        for place, label in enumerate(group.labels)
    }


def confusion(group: ConditionGroup, outputs: Floats, vectors: Floats) -> list[list[int]] | None:
    """How often each label (rows) was judged to be each (columns).

    None unless it is one of many, and of no more than `MAX_CONFUSED`.
    """
    if not isinstance(group, OneHot) or group.size > MAX_CONFUSED:
        return None
    pairs = vectors.argmax(axis=1) * group.size + outputs.argmax(axis=1)
    counts = np.bincount(pairs, minlength=group.size**2).reshape(group.size, group.size)
    return [[int(count) for count in row] for row in counts]


def _highest(outputs: Floats, counts: Counts) -> Flags:
    """Whether each output is among its row's `counts` highest; of equal ones the first."""
    order = np.argsort(-outputs, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(outputs.shape[1])[None, :], axis=1)
    return np.asarray(rank < counts[:, None])
