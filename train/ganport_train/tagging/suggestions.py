"""The suggestions for one group: its likely labels, how sure they are, and how often right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_train.tagging.classifier import (
    MAX_IMAGES,
    MIN_IMAGES,
    Features,
    FeatureSpace,
    Floats,
    LabelClassifier,
)
from ganport_train.tagging.label_sets import Bools, LabelSetClassifier
from ganport_train.tagging.state import ImageTags

_SUREST = 0.99
"""Largest confidence: a few left-out images do not show that an answer is certain."""
_SURE = 0.5
"""Smallest probability of a label that an image of several labels likely has."""
_DOUBTFUL = 0.25
"""Smallest probability of a label that is likely off, but not clearly."""

Json = dict[str, Any]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GroupTags:
    """The tags of N images in one group of L labels.

    `has` (N, L) tells which labels an image has, `tagged` (N,) whether it has a choice of the
    group, and `is_open` (N,) whether it needs one. An image that is left out is neither.
    """

    names: tuple[str, ...]
    multiple: bool
    has: Bools
    tagged: Bools
    is_open: Bools

    @classmethod
    def of(
        cls, group: str, names: tuple[str, ...], tags: Sequence[ImageTags], *, multiple: bool
    ) -> GroupTags:
        """Return the tags of a group from those of all images."""
        numbers = {name: number for number, name in enumerate(names)}
        has = np.zeros((len(tags), len(names)), bool)
        choices = [entry.labels.get(group) for entry in tags]
        for row, choice in enumerate(choices):
            labels = [choice] if isinstance(choice, str) else choice or ()
            has[row, [numbers[label] for label in labels]] = True
        kept = np.array([not entry.left_out for entry in tags], bool)
        given = np.array([choice is not None for choice in choices], bool)
        return cls(names, multiple, has, kept & given, kept & ~given)


def suggest(space: FeatureSpace, features: Features, usable: Bools, tags: GroupTags) -> Json | None:
    """Return the suggestions for a group; None before there is enough to learn from.

    `labels` holds pairs of a label and its confidence by image, `none` the confidence that an image
    has no label of the group, and `unknown` the labels that the classifier does not recognize.
    Labels are indices of `names`: the group may change while the classifier learns.
    """
    rows = np.flatnonzero(usable & tags.tagged)
    if len(rows) < MIN_IMAGES or (tags.has[rows] == tags.has[rows[0]]).all():
        return None
    if len(rows) > MAX_IMAGES:
        rows = np.random.default_rng(0).choice(rows, MAX_IMAGES, replace=False)
    open_rows = np.flatnonzero(usable & tags.is_open)
    find = _find_sets if tags.multiple else _find_labels
    found = find(space, features, tags.has, rows, open_rows)
    return {"names": tags.names, "learned": len(rows), **found}


def _find_labels(
    space: FeatureSpace, features: Features, has: Bools, rows: Rows, open_rows: Rows
) -> Json:
    """Return the likely label of each open image."""
    labels = has[rows].argmax(axis=1)
    classifier = LabelClassifier.train(space, features[rows], labels, has.shape[1])
    useful = classifier.is_useful
    open_rows = open_rows if useful else open_rows[:0]
    found, confidence = classifier.predict(features[open_rows])
    answers = zip(open_rows.tolist(), found.tolist(), confidence.tolist(), strict=True)
    return {
        "accuracy": round(classifier.accuracy, 3),
        "useful": useful,
        "labels": {row: [_pair(label, sure)] for row, label, sure in answers},
        "none": {},
        "unknown": [],
    }


def _find_sets(
    space: FeatureSpace, features: Features, has: Bools, rows: Rows, open_rows: Rows
) -> Json:
    """Return the labels of each open image that are likely, or nearly."""
    classifier = LabelSetClassifier.train(space, features[rows], has[rows])
    known, used = classifier.known, has[rows].any(axis=0)
    open_rows = open_rows if known.any() else open_rows[:0]
    found = dict(zip(open_rows.tolist(), classifier.predict(features[open_rows]), strict=True))
    return {
        "accuracy": round(classifier.accuracy, 3),
        "useful": bool(known.any()),
        "labels": {row: _likely_labels(found[row], known) for row in found},
        # No label is likely; a label that no image has so far says nothing about that.
        "none": {
            row: _round(float(np.prod(1 - chances[used])))
            for row, chances in found.items()
            if not (known & (chances >= _SURE)).any()
        },
        "unknown": np.flatnonzero(~known).tolist(),
    }


def _likely_labels(chances: Floats, known: Bools) -> list[list[float]]:
    shown = np.flatnonzero(known & (chances >= _DOUBTFUL))
    return [_pair(label, float(chances[label])) for label in shown.tolist()]


def _pair(label: int, confidence: float) -> list[float]:
    return [label, _round(confidence)]


def _round(confidence: float) -> float:
    return round(min(confidence, _SUREST), 2)
