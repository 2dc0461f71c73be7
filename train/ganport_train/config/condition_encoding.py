"""Conditions of a recipe: label groups, pairs of two groups, RGB colors, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions, JointOneHot, OneHot, Rgb
from ganport_train.config.parsing import RecipeError

RGB_RANGE = (-1.0, 1.0)
"""Range of the channels of a color, as of image channels."""
_OPTION = "data.condition_encoding"
_FIX = "Set the labels in the recipe, or set data.condition_encoding=labels."

Vocabulary = Mapping[str, Sequence[str]]
Palette = Mapping[str, Mapping[str, str]]


def build_conditions(vocabulary: Vocabulary, encoding: str, palette: Palette) -> Conditions | None:
    """Return the condition groups of a vocabulary; None for an empty one with "labels".

    "labels": a one-hot group per label group. "joint": one group of all pairs of two groups.
    "rgb": a color per group, with the labels as palette names. "none": no condition. Raise
    RecipeError if vocabulary or palette do not allow the encoding, and ConditionError for an
    invalid color.
    """
    if encoding == "labels":
        return Conditions.one_hots(vocabulary) if vocabulary else None
    if encoding == "none":
        return Conditions()
    if encoding == "joint":
        return Conditions((_build_joint(vocabulary),))
    if not vocabulary:
        raise RecipeError(_OPTION, "groups of labels under [conditions]", "none", _FIX)
    return Conditions(tuple(_build_rgb(name, vocabulary, palette) for name in vocabulary))


def decode_labels(conditions: Conditions, vector: NDArray[np.float32]) -> dict[str, Any]:
    """Return the request of a float32 (K,) vector in labels, which any encoding accepts.

    A pair becomes its two labels, and a color becomes the nearest label of its palette.
    """
    request: dict[str, Any] = {}
    for group in conditions.groups:
        values = vector[conditions.slices[group.name]]
        if isinstance(group, JointOneHot):
            request |= group.decode(values)
        elif isinstance(group, Rgb) and group.labels:
            distances = [np.linalg.norm(group.encode(label) - values) for label in group.labels]
            request[group.name] = group.labels[int(np.argmin(distances))]
        else:
            request[group.name] = group.decode(values)
    return request


def _build_joint(vocabulary: Vocabulary) -> JointOneHot:
    if len(vocabulary) != 2:
        expected = "exactly two groups under [conditions]"
        raise RecipeError(_OPTION, expected, str(len(vocabulary)), _FIX)
    first, second = (OneHot(name, tuple(labels)) for name, labels in vocabulary.items())
    return JointOneHot(f"{first.name} and {second.name}", (first, second))


def _build_rgb(name: str, vocabulary: Vocabulary, palette: Palette) -> Rgb:
    labels, colors = vocabulary[name], palette.get(name, {})
    missing = [label for label in labels if label not in colors]
    if missing:
        raise RecipeError(
            f"palette.{name}",
            expected=f"a color such as #ff88cc for each of {len(labels)} labels",
            found=f"none for {', '.join(missing[:3])}",
            fix=f"Add them to [palette.{name}] of the recipe.",
        )
    return Rgb(name, labels[0], RGB_RANGE, {label: colors[label] for label in labels})
