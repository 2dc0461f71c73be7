"""Counts of the conditions of a dataset: labels, numbers and combinations."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from ganport_runtime.conditions import Conditions, MultiHot, Rgb
from ganport_runtime.conditions.groups import ConditionGroup
from ganport_train.data.formats.base import Example, Labels

_RARE_SHOWN = 5
_MAX_COMBINATIONS = 10_000


@dataclass(frozen=True)
class ConditionStats:
    """Counts of conditions.

    labels: images of each label, by group, in the order of the condition vector.
    numbers: minimum, mean and maximum of each numeric group.
    possible: combinations of labels; None if a group allows several labels at once.
    seen: combinations that have an image.
    rarest: combinations with the fewest images, and their counts.
    missing: some combinations without an image.
    """

    labels: dict[str, dict[str, int]]
    numbers: dict[str, tuple[float, float, float]]
    possible: int | None
    seen: int
    rarest: dict[str, int]
    missing: list[str]


def describe_groups(conditions: Conditions) -> dict[str, str]:
    """Return what each condition group takes, as text."""
    return {group.name: _describe(group) for group in conditions.groups}


def condition_stats(examples: Sequence[Example], conditions: Conditions) -> ConditionStats:
    """Count the labels, numbers and combinations of `examples`."""
    labels = _count_labels(examples, conditions)
    captions = (_caption(example.labels, conditions) for example in examples)
    counts = Counter(caption for caption in captions if caption)
    possible = _count_possible(examples, labels)
    countable = (possible or math.inf) <= _MAX_COMBINATIONS
    return ConditionStats(
        labels=labels,
        numbers=_number_ranges(examples),
        possible=possible,
        seen=len(counts),
        rarest=dict(sorted(counts.items(), key=lambda item: (item[1], item[0]))[:_RARE_SHOWN]),
        missing=_missing_captions(conditions, counts) if countable else [],
    )


def _count_labels(examples: Sequence[Example], conditions: Conditions) -> dict[str, dict[str, int]]:
    counts = {g.name: dict.fromkeys(g.labels, 0) for g in conditions.groups if g.labels}
    for example in examples:
        for group in counts:
            value = example.labels[group]
            labels = [value] if isinstance(value, str) else value
            for label in labels if isinstance(labels, list) else []:
                counts[group][label] += 1
    return {group: found for group, found in counts.items() if found}


def _number_ranges(examples: Sequence[Example]) -> dict[str, tuple[float, float, float]]:
    values: dict[str, list[float]] = {}
    for example in examples:
        for group, value in example.labels.items():
            if isinstance(value, float):
                values.setdefault(group, []).append(value)
    return {group: (min(of), sum(of) / len(of), max(of)) for group, of in values.items()}


def _count_possible(examples: Sequence[Example], labels: dict[str, dict[str, int]]) -> int | None:
    if not all(isinstance(v, str) for example in examples for v in example.labels.values()):
        return None
    return math.prod(len(found) for found in labels.values()) if labels else 0


def _missing_captions(conditions: Conditions, counts: Counter[str]) -> list[str]:
    names = [group.name for group in conditions.groups]
    combinations = product(*(group.labels for group in conditions.groups))
    captions = (_caption(dict(zip(names, c, strict=True)), conditions) for c in combinations)
    return [caption for caption in captions if caption not in counts][:_RARE_SHOWN]


def _caption(labels: Labels, conditions: Conditions) -> str:
    groups = (group for group in conditions.groups if group.labels)
    return " ".join(group.describe(labels[group.name]) for group in groups)


def _describe(group: ConditionGroup) -> str:
    if isinstance(group, Rgb):
        return "a color"
    if isinstance(group, MultiHot):
        return f"any of {len(group.labels):,} labels, at most {group.max_active:,} at once"
    if len(group.labels) == 1:
        return f"only one label, {group.labels[0]}"
    return f"one of {len(group.labels):,} labels" if group.labels else "a number"
