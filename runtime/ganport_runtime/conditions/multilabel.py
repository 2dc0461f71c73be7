"""Condition groups whose value is a list of labels: multi-hot and signed multi-hot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions.label_group import (
    MAX_LABELS,
    LabelGroup,
    format_weights,
    lerp_weights,
    read_labels,
)
from ganport_runtime.strictjson import JsonObject, check_items, check_text
from ganport_runtime.values import check_label, check_labels, check_range, condition_error

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class MultiHot(LabelGroup):
    """A list of at most `max_active` labels: 1 for each of them, 0 for the rest.

    A mapping of label to share asks for fractions, which sum to `max_active` at most.
    """

    kind = "multi_hot"
    off: ClassVar[float] = 0.0
    default: tuple[str, ...] = ()
    max_active: int = 0  # 0 takes the number of labels

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "max_active", self.max_active or self.size)
        check_range(self.name, self.max_active, 1, self.size)
        object.__setattr__(self, "default", self._on(self.default))

    def encode(self, value: object) -> Vector:
        vector = np.full(self.size, self.off, np.float32)
        for label, share in self._shares(value).items():
            vector[self._index[label]] = self.off + (1.0 - self.off) * share
        return vector

    def decode(self, vector: Vector) -> list[str]:
        middle = (1.0 + self.off) / 2
        return [label for label, on in zip(self.labels, vector > middle, strict=True) if on]

    def blend(self, first: Any, second: Any, share: float) -> Any:
        mixed = lerp_weights(self._shares(first), self._shares(second), share)
        whole = all(part == 1.0 for part in mixed.values())
        return list(mixed) if whole else mixed

    def describe(self, value: Any) -> str:
        words = format_weights(value) if isinstance(value, Mapping) else value
        return ", ".join(words) if value else f"no {self.name}"

    def phrases(self) -> dict[str, Any]:
        return {label: (label,) for label in self.labels} | {f"no {self.name}": ()}

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {"default": list(self.default), "max_on": self.max_active}

    @classmethod
    def from_json(cls, fields: JsonObject) -> Self:
        labels = read_labels(fields)
        max_active = fields.integer("max_on", 1, max(1, len(labels)))
        return cls(fields.text("name"), labels, _default_on(fields), max_active)

    def _on(self, value: object) -> tuple[str, ...]:
        return check_labels(self.name, value, self._index, self.max_active)

    def _shares(self, value: object) -> dict[str, float]:
        if not isinstance(value, Mapping):
            return dict.fromkeys(self._on(value), 1.0)
        shares = {
            check_label(self.name, label, self._index): check_range(self.name, share, 0.0, 1.0)
            for label, share in value.items()
        }
        total = math.fsum(shares.values())
        if total > self.max_active + 1e-3:
            raise condition_error(
                self.name, f"shares that sum to at most {self.max_active}", f"{total:g}"
            )
        return shares


@dataclass(frozen=True)
class SignedMultiHot(MultiHot):
    """A list of labels: +1 for each of them, -1 for the rest."""

    kind = "signed_multi_hot"
    off: ClassVar[float] = -1.0

    def to_json(self) -> dict[str, Any]:
        entry = super().to_json()
        del entry["max_on"]  # any number of attributes may be on
        return entry

    @classmethod
    def from_json(cls, fields: JsonObject) -> Self:
        return cls(fields.text("name"), read_labels(fields), _default_on(fields))


def _default_on(fields: JsonObject) -> tuple[str, ...]:
    entries = check_items(fields.value("default"), f"{fields.place}.default", limit=MAX_LABELS)
    return tuple(check_text(label, f"{fields.place}.default", limit=100) for label in entries)
