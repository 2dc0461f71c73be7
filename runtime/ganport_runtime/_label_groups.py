"""Condition groups whose values are labels: one-hot, joint, multi-hot, signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ganport_runtime._group import Group
from ganport_runtime.strictjson import Fields, check_items, check_text
from ganport_runtime.values import (
    distinct,
    fault,
    label_in,
    labels_in,
    listed,
    number_in,
    refuse,
    weights_in,
)

MAX_LABELS = 16384
Vector = NDArray[np.float32]


@dataclass(frozen=True)
class _Labelled(Group):
    name: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "labels", distinct(self.name, self.labels))

    @property
    def size(self) -> int:
        return len(self.labels)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {label: index for index, label in enumerate(self.labels)}

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "kind": self.kind, "labels": list(self.labels)}


@dataclass(frozen=True)
class OneHot(_Labelled):
    """One of K labels, or a blend of several whose weights sum to 1."""

    kind = "one_hot"
    default: Any = None  # None takes the first label

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.default is None:
            object.__setattr__(self, "default", self.labels[0])
        self.encode(self.default)

    def encode(self, value: object) -> Vector:
        vector = np.zeros(self.size, np.float32)
        for label, weight in weights_in(self.name, value, self._index).items():
            vector[self._index[label]] = weight
        return vector

    def decode(self, vector: Vector) -> str:
        return self.labels[int(vector.argmax())]

    def describe(self, value: Any) -> str:
        if isinstance(value, str):
            return f"{value} {self.name}"
        parts = [f"{100 * weight:g}% {label}" for label, weight in value.items()]
        return f"{' '.join(parts)} {self.name}"

    def phrases(self) -> dict[str, Any]:
        return {f"{label} {self.name}": label for label in self.labels}

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {"default": self.default}

    @classmethod
    def from_json(cls, fields: Fields) -> Self:
        return cls(fields.text("name"), _labels(fields), fields.value("default"))


@dataclass(frozen=True)
class JointOneHot(Group):
    """One value for each of two groups, coded as one of K1 x K2 pairs in row-major order."""

    kind = "joint_one_hot"
    name: str
    of: tuple[OneHot, OneHot]
    labels: tuple[str, ...] = field(init=False, repr=False)  # the pairs, row-major
    default: dict[str, Any] = field(init=False)  # that of each member

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.of) != 2:
            raise fault(self.name, "exactly two groups", f"{len(self.of)} groups")
        one, two = self.of
        pairs = [f"{a} {one.name} {b} {two.name}" for a in one.labels for b in two.labels]
        object.__setattr__(self, "labels", tuple(pairs))
        object.__setattr__(self, "default", {member.name: member.default for member in self.of})

    @property
    def size(self) -> int:
        return self.of[0].size * self.of[1].size

    @property
    def fields(self) -> tuple[Group, ...]:
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

    def describe(self, value: Any) -> str:
        values = self._values(value)
        return " ".join(member.describe(values[member.name]) for member in self.of)

    def to_json(self) -> dict[str, Any]:
        members = [member.to_json() for member in self.of]
        return {"name": self.name, "kind": self.kind, "of": members}

    @classmethod
    def from_json(cls, fields: Fields) -> Self:
        members = fields.items("of", limit=2)
        of = [OneHot.from_json(Fields(m, f"{fields.place}.of[{i}]")) for i, m in enumerate(members)]
        return cls(fields.text("name"), tuple(of))  # type: ignore[arg-type]  # the class counts them

    def _values(self, value: object) -> dict[str, Any]:
        names = [member.name for member in self.of]
        if not isinstance(value, Mapping):
            raise refuse(self.name, f"a value for each of {listed(names)}", value)
        return self.default | {label_in(self.name, name, names): value[name] for name in value}


@dataclass(frozen=True)
class MultiHot(_Labelled):
    """A list of at most `max_on` labels: 1 for each of them, 0 for the rest."""

    kind = "multi_hot"
    off: ClassVar[float] = 0.0
    default: tuple[str, ...] = ()
    max_on: int = 0  # 0 takes the number of labels

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "max_on", self.max_on or self.size)
        number_in(self.name, self.max_on, 1, self.size)
        object.__setattr__(self, "default", self._on(self.default))

    def encode(self, value: object) -> Vector:
        vector = np.full(self.size, self.off, np.float32)
        vector[[self._index[label] for label in self._on(value)]] = 1.0
        return vector

    def decode(self, vector: Vector) -> list[str]:
        middle = (1.0 + self.off) / 2
        return [label for label, on in zip(self.labels, vector > middle, strict=True) if on]

    def describe(self, value: Any) -> str:
        return ", ".join(value) if value else f"no {self.name}"

    def phrases(self) -> dict[str, Any]:
        return {label: (label,) for label in self.labels} | {f"no {self.name}": ()}

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {"default": list(self.default), "max_on": self.max_on}

    @classmethod
    def from_json(cls, fields: Fields) -> Self:
        labels = _labels(fields)
        max_on = fields.integer("max_on", 1, max(1, len(labels)))
        return cls(fields.text("name"), labels, _default_on(fields), max_on)

    def _on(self, value: object) -> tuple[str, ...]:
        return labels_in(self.name, value, self._index, self.max_on)


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
    def from_json(cls, fields: Fields) -> Self:
        return cls(fields.text("name"), _labels(fields), _default_on(fields))


def _labels(fields: Fields) -> tuple[str, ...]:
    entries = enumerate(fields.items("labels", limit=MAX_LABELS))
    return tuple(
        check_text(label, f"{fields.place}.labels[{i}]", limit=100) for i, label in entries
    )


def _default_on(fields: Fields) -> tuple[str, ...]:
    entries = check_items(fields.value("default"), f"{fields.place}.default", limit=MAX_LABELS)
    return tuple(check_text(label, f"{fields.place}.default", limit=100) for label in entries)
