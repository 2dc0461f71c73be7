"""How a vocabulary becomes a condition: its groups, pairs of two, colours, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions, JointOneHot, OneHot, Rgb
from ganport_train.config.parsing import RecipeError

RANGE = (-1.0, 1.0)
"""What the channels of a colour are mapped onto, as those of pictures are."""

Vocabulary = Mapping[str, Sequence[str]]
Palette = Mapping[str, Mapping[str, str]]


def coded(vocabulary: Vocabulary, coding: str, palette: Palette) -> Conditions | None:
    """The condition groups of a recipe's vocabulary; None for an empty one as it is.

    "labels": each group one of many; "joint": two groups as one of all pairs; "rgb": each group a
    colour, its labels named by the palette; "none": no condition. Raises RecipeError where
    vocabulary or palette do not serve that, and ConditionError for a colour that is none.
    """
    if coding == "labels":
        return Conditions.one_hots(vocabulary) if vocabulary else None
    if coding == "none":
        return Conditions()
    if coding == "joint":
        return Conditions((_joint(vocabulary),))
    return Conditions(tuple(_colour(name, vocabulary, palette) for name in _pinned(vocabulary)))


def in_labels(conditions: Conditions, vector: NDArray[np.float32]) -> dict[str, Any]:
    """The request nearest to a float32 (C,) vector, as conditions of another coding can say it: a
    pair as its two labels, and a colour as the nearest label of its palette, if it has one."""
    request: dict[str, Any] = {}
    for group in conditions.groups:
        part = vector[conditions.slices[group.name]]
        if isinstance(group, JointOneHot):
            request |= group.decode(part)
        elif isinstance(group, Rgb) and group.labels:
            apart = [np.linalg.norm(group.encode(label) - part) for label in group.labels]
            request[group.name] = group.labels[int(np.argmin(apart))]
        else:
            request[group.name] = group.decode(part)
    return request


def _joint(vocabulary: Vocabulary) -> JointOneHot:
    if len(vocabulary) != 2:
        raise _unfit("exactly two groups under [conditions]", f"{len(vocabulary)}")
    one, two = (OneHot(name, tuple(labels)) for name, labels in vocabulary.items())
    return JointOneHot(f"{one.name} and {two.name}", (one, two))


def _colour(name: str, vocabulary: Vocabulary, palette: Palette) -> Rgb:
    labels, colours = vocabulary[name], palette.get(name, {})
    missing = [label for label in labels if label not in colours]
    if missing:
        raise RecipeError(
            f"palette.{name}",
            expected=f"a colour such as #ff88cc for each of {len(labels)} labels",
            found=f"none for {', '.join(missing[:3])}",
            fix=f"Add them to the recipe's [palette.{name}].",
        )
    return Rgb(name, labels[0], RANGE, {label: colours[label] for label in labels})


def _pinned(vocabulary: Vocabulary) -> Vocabulary:
    if not vocabulary:
        raise _unfit("groups of labels under [conditions]", "none")
    return vocabulary


def _unfit(expected: str, found: str) -> RecipeError:
    return RecipeError(
        "data.condition_encoding",
        expected=expected,
        found=found,
        fix="Pin the vocabulary in the recipe, or set data.condition_encoding=labels.",
    )
