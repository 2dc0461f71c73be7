"""Warnings about the labels of a dataset: few images, rare or single labels, near-equal labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ganport_runtime.conditions import Conditions
from ganport_runtime.conditions.groups import LabelGroup
from ganport_train.data.issues import Issue, quote

FEW_IMAGES = 200
"""Training images below which networks memorize them."""
MAX_IMBALANCE = 100
"""Ratio of the images of two labels of a group from which training warns."""

_BETWEEN_WORDS = re.compile(r"[\s_-]+")


def balance_warnings(images: int, counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return a warning for few training images, and for each group with a rare or single label.

    `counts` holds the number of training images of each label, by group.
    """
    warnings = []
    if images < FEW_IMAGES:
        warnings.append(
            f"only {images} training images, which the networks will memorize; trained networks "
            "need fewer: see --from"
        )
    return [*warnings, *(w for group, of in counts.items() for w in _group_warnings(group, of))]


def similar_labels(conditions: Conditions) -> list[Issue]:
    """Return a warning for each set of labels that differ in case, hyphens or spaces only."""
    issues: list[Issue] = []
    for group in conditions.fields.values():
        if not isinstance(group, LabelGroup):
            continue
        spellings: dict[str, list[str]] = {}
        for label in group.labels:
            spellings.setdefault(_BETWEEN_WORDS.sub(" ", label.casefold()), []).append(label)
        for labels in spellings.values():
            if len(labels) > 1:
                found = f"{' and '.join(map(quote, labels))} as labels of {quote(group.name)}"
                fix = "If they mean the same, write one of them throughout."
                expected = "labels that differ in more than case, hyphens or spaces"
                issues.append(Issue("vocabulary", "", expected, found, fix, level="warning"))
    return issues


def _group_warnings(group: str, counts: Mapping[str, int]) -> Iterator[str]:
    found = sorted((count, label) for label, count in counts.items() if count)
    if not found:
        return
    (few, rare), (many, frequent) = found[0], found[-1]
    if len(counts) == 1:
        yield (
            f"{group}: {rare} is the only label, so there is nothing to choose; add images of "
            "other labels, or train a recipe without conditions, such as anime-dcgan"
        )
    elif many >= MAX_IMBALANCE * few:
        yield (
            f"{group}: {many:,} training images of {frequent}, {few:,} of {rare}, "
            f"{many / few:,.0f} : 1; the rare label will be learned last or not at all"
        )
