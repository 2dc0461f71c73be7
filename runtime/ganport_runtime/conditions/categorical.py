"""Condition groups whose value is one label: one-hot, and joint of two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions.base import ConditionGroup
from ganport_runtime.conditions.label_group import (
    LabelGroup,
    format_weights,
    lerp_weights,
    read_labels,
)
from ganport_runtime.strictjson import JsonObject
from ganport_runtime.values import (
    check_label,
    check_weights,
    condition_error,
    format_choices,
    invalid_value,
)

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class OneHot(LabelGroup):
    """One of K labels, or a blend of several whose weights sum to 1."""

    kind = "one_hot"
    default: Any = None  # None takes the first label

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.default is None:
            object.__setattr__(self, "default", self.labels[0])
        self.encode(self.default)

    def encode(self, value: object) -> Vector:
        self._refuse_colour(value)
        vector = np.zeros(self.size, np.float32)
        for label, weight in check_weights(self.name, value, self._index).items():
            vector[self._index[label]] = weight
        return vector

    def decode(self, vector: Vector) -> str:
        return self.labels[int(vector.argmax())]

    def blend(self, first: Any, second: Any, share: float) -> Any:
        one, two = (check_weights(self.name, value, self._index) for value in (first, second))
        mixed = lerp_weights(one, two, share)
        return next(iter(mixed)) if len(mixed) == 1 else mixed

    def describe(self, value: Any) -> str:
        words = value if isinstance(value, str) else " ".join(format_weights(value))
        return f"{words} {self.name}"

    def phrases(self) -> dict[str, Any]:
        return {f"{label} {self.name}": label for label in self.labels}

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {"default": self.default}

    @classmethod
    def from_json(cls, fields: JsonObject) -> Self:
        return cls(fields.text("name"), read_labels(fields), fields.value("default"))


@dataclass(frozen=True)
class JointOneHot(ConditionGroup):
    """One value for each of two groups, coded as one of K1 x K2 pairs in row-major order."""

    kind = "joint_one_hot"
    name: str
    of: tuple[OneHot, OneHot]
    labels: tuple[str, ...] = field(init=False, repr=False)  # the pairs, row-major
    default: dict[str, Any] = field(init=False)  # that of each member

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.of) != 2:
            raise condition_error(self.name, "exactly two groups", f"{len(self.of)} groups")
        one, two = self.of
        pairs = [f"{a} {one.name} {b} {two.name}" for a in one.labels for b in two.labels]
        object.__setattr__(self, "labels", tuple(pairs))
        object.__setattr__(self, "default", {member.name: member.default for member in self.of})

    @property
    def size(self) -> int:
        return self.of[0].size * self.of[1].size

    @property
    def fields(self) -> tuple[ConditionGroup, ...]:
        return self.of

    def encode(self, value: object) -> Vector:
        values = self._values(value)
        one, two = (member.encode(values[member.name]) for member in self.of)
        return np.outer(one, two).reshape(-1)

    def decode(self, vector: Vector) -> dict[str, str]:
        pair = divmod(int(vector.argmax()), self.of[1].size)
        return {
            member.name: member.labels[index] for member, index in zip(self.of, pair, strict=True)
        }

    def blend(self, first: Any, second: Any, share: float) -> dict[str, Any]:
        # Their product is the vector, so half way the mixed pairs are asked for as well.
        one, two = self._values(first), self._values(second)
        return {
            member.name: member.blend(one[member.name], two[member.name], share)
            for member in self.of
        }

    def describe(self, value: Any) -> str:
        values = self._values(value)
        return " ".join(member.describe(values[member.name]) for member in self.of)

    def to_json(self) -> dict[str, Any]:
        members = [member.to_json() for member in self.of]
        return {"name": self.name, "kind": self.kind, "of": members}

    @classmethod
    def from_json(cls, fields: JsonObject) -> Self:
        members = fields.items("of", limit=2)
        of = [
            OneHot.from_json(JsonObject(m, f"{fields.place}.of[{i}]"))
            for i, m in enumerate(members)
        ]
        return cls(fields.text("name"), tuple(of))  # type: ignore[arg-type]  # the class counts them

    def _values(self, value: object) -> dict[str, Any]:
        names = [member.name for member in self.of]
        if not isinstance(value, Mapping):
            raise invalid_value(self.name, f"a value for each of {format_choices(names)}", value)
        return self.default | {check_label(self.name, name, names): value[name] for name in value}
