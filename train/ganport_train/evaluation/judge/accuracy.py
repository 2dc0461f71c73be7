"""Accuracy of a judge's outputs against condition vectors: by group, label, and pair of labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

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
from ganport_train.data.dataset import Vectors
from ganport_train.evaluation.metrics import wilson_interval
from ganport_train.methods.losses import span

Mask = NDArray[np.bool_]
TOLERANCE = 0.1
"""Largest error of a correct number or color channel, as a fraction of its range."""
MAX_CONFUSION_LABELS = 256
"""Largest group with a confusion matrix, whose size is the square of the group's size."""


@dataclass(frozen=True)
class Count:
    """Number of correct conditions among the requested ones."""

    hits: int
    total: int

    @property
    def fraction(self) -> float:
        """`hits` / `total`; 0 if nothing was requested."""
        return self.hits / self.total if self.total else 0.0

    @classmethod
    def of(cls, correct: Mask, requested: Mask) -> Count:
        """Count the entries of two masks of equal shape."""
        return cls(int((correct & requested).sum()), int(requested.sum()))

    @classmethod
    def sum(cls, counts: Iterable[Count]) -> Count:
        """Return the sum of several counts."""
        pairs = [(count.hits, count.total) for count in counts]
        return cls(sum(hits for hits, _ in pairs), sum(total for _, total in pairs))

    def to_json(self) -> dict[str, Any]:
        """Return `value`, its 95 % interval `low` to `high`, and `count`, the total."""
        low, high = wilson_interval(self.hits, self.total)
        return {"value": self.fraction, "low": low, "high": high, "count": self.total}


def is_correct(group: ConditionGroup, outputs: Vectors, vectors: Vectors) -> Mask:
    """Return which conditions of each image are correct: bool (N, L), L = 1 for numbers and colors.

    Entries count only where `is_requested` is true. OneHot: the requested label has the highest
    output. MultiHot: the label is among the k highest outputs, where k labels are requested (the
    rule of the i-CLEVR lab's evaluator). SignedMultiHot: the signs agree. Scalar, Rgb: every number
    is within `TOLERANCE`.
    """
    if isinstance(group, SignedMultiHot):
        return np.asarray((outputs > 0) == (vectors > 0))
    if isinstance(group, MultiHot):
        return _top_k(outputs, (vectors > 0).sum(axis=1))
    if isinstance(group, OneHot | JointOneHot):
        return _top_k(outputs, np.ones(len(outputs), np.int64))
    low, high = span(group)
    errors = np.abs(outputs - (vectors - low) / (high - low))
    return np.asarray(errors.max(axis=1, keepdims=True) <= TOLERANCE)


def is_requested(group: ConditionGroup, vectors: Vectors) -> Mask:
    """Return which conditions of each image are counted: bool, the shape of `is_correct`."""
    if isinstance(group, SignedMultiHot):
        return np.ones(vectors.shape, np.bool_)
    if isinstance(group, MultiHot):
        return np.asarray(vectors > 0)
    if isinstance(group, OneHot | JointOneHot):
        return _top_k(vectors, np.ones(len(vectors), np.int64))
    return np.ones((len(vectors), 1), np.bool_)


def group_counts(conditions: Conditions, outputs: Vectors, vectors: Vectors) -> dict[str, Count]:
    """Return the count of each group over all images, for outputs and vectors (N, C)."""
    return {
        group.name: Count.of(is_correct(group, part, target), is_requested(group, target))
        for group, part, target in _by_group(conditions, outputs, vectors)
    }


def joint_count(conditions: Conditions, outputs: Vectors, vectors: Vectors) -> Count:
    """Count the images with all requested conditions correct, for outputs and vectors (N, C)."""
    correct = np.ones(len(vectors), np.bool_)
    for group, part, target in _by_group(conditions, outputs, vectors):
        correct &= (is_correct(group, part, target) | ~is_requested(group, target)).all(axis=1)
    return Count(int(correct.sum()), len(correct))


def label_counts(group: ConditionGroup, outputs: Vectors, vectors: Vectors) -> dict[str, Count]:
    """Return the count of each label of a group, for that group's outputs and vectors (N, size).

    Colors and numbers have no labels: the names of a palette are not conditions.
    """
    if isinstance(group, Rgb | Scalar):
        return {}
    correct, requested = is_correct(group, outputs, vectors), is_requested(group, vectors)
    return {
        label: Count.of(correct[:, index], requested[:, index])
        for index, label in enumerate(group.labels)
    }


def confusion_matrix(
    group: ConditionGroup, outputs: Vectors, vectors: Vectors
) -> list[list[int]] | None:
    """Count how often each requested label (row) is predicted as each label (column).

    Return None for a group that is not OneHot or has more than `MAX_CONFUSION_LABELS` labels.
    """
    if not isinstance(group, OneHot) or group.size > MAX_CONFUSION_LABELS:
        return None
    pairs = vectors.argmax(axis=1) * group.size + outputs.argmax(axis=1)
    counts = np.bincount(pairs, minlength=group.size**2).reshape(group.size, group.size)
    return [[int(count) for count in row] for row in counts]


def assess(conditions: Conditions, outputs: Vectors, vectors: Vectors) -> dict[str, dict[str, Any]]:
    """Return the accuracy of outputs (N, C) against vectors (N, C), by group, as plain JSON.

    Each group has its `kind`, the fields of `Count.to_json`, those of each of its `labels`, and
    its `confusion` matrix or None.
    """
    counts = group_counts(conditions, outputs, vectors)
    report: dict[str, dict[str, Any]] = {}
    for group, part, target in _by_group(conditions, outputs, vectors):
        labels = label_counts(group, part, target)
        report[group.name] = {
            "kind": group.kind,
            **counts[group.name].to_json(),
            "labels": {label: count.to_json() for label, count in labels.items()},
            "confusion": confusion_matrix(group, part, target),
        }
    return report


def _by_group(
    conditions: Conditions, outputs: Vectors, vectors: Vectors
) -> Iterator[tuple[ConditionGroup, Vectors, Vectors]]:
    """Yield each group with its columns of the outputs and of the vectors."""
    for group in conditions.groups:
        columns = conditions.slices[group.name]
        yield group, outputs[:, columns], vectors[:, columns]


def _top_k(outputs: Vectors, counts: NDArray[np.int64]) -> Mask:
    """Return whether each output is among its row's `counts` highest; the first of equal ones."""
    order = np.argsort(-outputs, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(outputs.shape[1])[None, :], axis=1)
    return np.asarray(rank < counts[:, None])
