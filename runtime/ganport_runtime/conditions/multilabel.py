"""Condition groups whose value is a list of labels: multi-hot and signed multi-hot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ganport_runtime.conditions.groups import LabelGroup, Vector, format_weights, lerp_weights
from ganport_runtime.strictjson import JsonObject
from ganport_runtime.values import check_label, check_labels, check_range, condition_error


@dataclass(frozen=True)
class MultiHot(LabelGroup):
    """A list of at most `max_active` labels: 1 for each of them, 0 for the others.

    A mapping of label to weight requests fractions, which sum to at most `max_active`.
    """

    kind = "multi_hot"
    inactive_value: ClassVar[float] = 0.0
    default: tuple[str, ...] = ()
    max_active: int = 0  # 0: the number of labels

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "max_active", self.max_active or self.size)
        check_range(self.name, self.max_active, 1, self.size)
        object.__setattr__(self, "default", self._active_labels(self.default))

    def encode(self, value: object) -> Vector:
        """Return 1 at each active label, or its weight."""
        vector = np.full(self.size, self.inactive_value, np.float32)
        for label, weight in self._weights(value).items():
            vector[self.index[label]] = self.inactive_value + (1.0 - self.inactive_value) * weight
        return vector

    def decode(self, vector: Vector) -> list[str]:
        """Return the labels closer to active than to inactive."""
        active = vector > (1.0 + self.inactive_value) / 2
        return [label for label, is_on in zip(self.labels, active, strict=True) if is_on]

    def blend(self, first: Any, second: Any, fraction: float) -> Any:
        """Return a list of labels, or weights between two values."""
        mixed = lerp_weights(self._weights(first), self._weights(second), fraction)
        is_list = all(weight == 1.0 for weight in mixed.values())
        return list(mixed) if is_list else mixed

    def describe(self, value: Any) -> str:
        """Return the labels as text, or "no" and the name."""
        labels = format_weights(value) if isinstance(value, Mapping) else value
        return ", ".join(labels) if value else f"no {self.name}"

    def phrases(self) -> dict[str, Any]:
        """Return a phrase for each label and one for the empty list."""
        return {label: (label,) for label in self.labels} | {f"no {self.name}": ()}

    def to_json(self) -> dict[str, Any]:
        """Return the manifest entry without its `slice`."""
        return super().to_json() | {"default": list(self.default), "max_on": self.max_active}

    @classmethod
    def from_json(cls, fields: JsonObject) -> Self:
        """Return the group of a manifest entry."""
        labels, default = cls.read_labels(fields), cls.read_labels(fields, "default")
        max_active = fields.integer("max_on", 1, max(1, len(labels)))
        return cls(fields.text("name"), labels, default, max_active)

    def _active_labels(self, value: object) -> tuple[str, ...]:
        return check_labels(self.name, value, self.index, self.max_active)

    def _weights(self, value: object) -> dict[str, float]:
        if not isinstance(value, Mapping):
            return dict.fromkeys(self._active_labels(value), 1.0)
        weights = {
            check_label(self.name, label, self.index): check_range(self.name, weight, 0.0, 1.0)
            for label, weight in value.items()
        }
        total = math.fsum(weights.values())
        if total > self.max_active + 1e-3:
            expected = f"weights that sum to at most {self.max_active}"
            fix = f"Multiply each weight by {self.max_active / total:.3g}."
            raise condition_error(self.name, expected, f"{total:g}", fix)
        return weights


@dataclass(frozen=True)
class SignedMultiHot(MultiHot):
    """A list of any number of labels: +1 for each of them, -1 for the others."""

    kind = "signed_multi_hot"
    inactive_value: ClassVar[float] = -1.0

    def to_json(self) -> dict[str, Any]:
        """Return the manifest entry without its `slice`."""
        entry = super().to_json()
        del entry["max_on"]
        return entry

    @classmethod
    def from_json(cls, fields: JsonObject) -> Self:
        """Return the group of a manifest entry."""
        return cls(fields.text("name"), cls.read_labels(fields), cls.read_labels(fields, "default"))
