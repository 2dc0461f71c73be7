"""Condition groups: their base classes, one-hot and joint one-hot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions.colors import closest_color_label, is_hex
from ganport_runtime.errors import ConditionError
from ganport_runtime.strictjson import JsonObject, check_items, check_text
from ganport_runtime.values import (
    check_distinct,
    check_label,
    check_name,
    check_weights,
    condition_error,
    format_choices,
    invalid_value,
)

MAX_LABELS = 16384
Vector = NDArray[np.float32]


class ConditionGroup(ABC):
    """One named slice of the condition vector; each kind is a frozen dataclass.

    `labels` are the values that have a name, in vector order. `default` is the value of a request
    that omits the group. `docs/interface.md` specifies every kind.
    """

    kind: ClassVar[str]
    name: str
    labels: tuple[str, ...]
    default: Any

    def __post_init__(self) -> None:
        check_name("conditions", self.name)

    @property
    @abstractmethod
    def size(self) -> int:
        """The length of this group's slice of the condition vector."""

    @property
    def fields(self) -> tuple[ConditionGroup, ...]:
        """The groups that a request names: this group, or the members of a joint group."""
        return (self,)

    @abstractmethod
    def encode(self, value: object) -> Vector:
        """Return the float32 (size,) vector of a requested value; raise `ConditionError`."""

    @abstractmethod
    def decode(self, vector: Vector) -> Any:
        """Return the value, with whole labels only, whose vector is closest."""

    @abstractmethod
    def blend(self, first: Any, second: Any, fraction: float) -> Any:
        """Return the value at `fraction` (0 to 1) between two values."""

    @abstractmethod
    def describe(self, value: Any) -> str:
        """Return a valid `value` as text, such as "pink hair"."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the manifest entry without its `slice`."""

    @classmethod
    @abstractmethod
    def from_json(cls, fields: JsonObject) -> Self:
        """Return the group of a manifest entry; raise `BundleError` or `ConditionError`."""

    def phrases(self) -> dict[str, Any]:
        """Return every phrase of a text request that names a value, with the value."""
        return {}

    def from_word(self, word: str) -> Any:
        """Return the value of an open-ended word before the group's name (`#ff88cc`), or None."""
        return None


def lerp(first: float, second: float, fraction: float) -> float:
    """Return the number at `fraction` (0 to 1): exact at both ends, never outside them."""
    mixed = (1.0 - fraction) * first + fraction * second
    return float(min(max(mixed, min(first, second)), max(first, second)))


def lerp_weights(
    first: Mapping[str, float], second: Mapping[str, float], fraction: float
) -> dict[str, float]:
    """Return the label weights at `fraction` between two mappings, without weights of 0."""
    weights = {
        label: lerp(first.get(label, 0.0), second.get(label, 0.0), fraction)
        for label in (*first, *second)
    }
    return {label: weight for label, weight in weights.items() if weight > 0.0}


def format_weights(weights: Mapping[str, float]) -> list[str]:
    """Return each label with its weight in percent; a weight of 1 is not shown."""
    return [
        label if weight == 1.0 else f"{100 * weight:.3g}% {label}"
        for label, weight in weights.items()
    ]


@dataclass(frozen=True)
class LabelGroup(ConditionGroup):
    """Base of the groups whose values are labels."""

    name: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "labels", check_distinct(self.name, self.labels))

    @property
    def size(self) -> int:
        """The number of labels."""
        return len(self.labels)

    @cached_property
    def index(self) -> dict[str, int]:
        """The position of each label in the vector."""
        return {label: index for index, label in enumerate(self.labels)}

    def from_word(self, word: str) -> Any:
        """Raise `ConditionError` for a hex color, which is not a label."""
        self._check_no_color(word)

    def _check_no_color(self, value: object) -> None:
        """Raise `ConditionError`, with the closest label, if `value` is a hex color."""
        if not is_hex(value) or value in self.index:
            return
        closest = closest_color_label(str(value), self.labels) or self.labels[0]
        raise ConditionError(
            f"condition {self.name!r}",
            f"one of {format_choices(self.labels)}",
            f"the color {value}",
            f"Use a label such as {closest!r}.",
        )

    def to_json(self) -> dict[str, Any]:
        """Return the manifest entry without `slice` and `default`."""
        return {"name": self.name, "kind": self.kind, "labels": list(self.labels)}

    @staticmethod
    def read_labels(fields: JsonObject, key: str = "labels") -> tuple[str, ...]:
        """Return the labels listed under `key`; raise `BundleError`."""
        place = f"{fields.place}.{key}"
        entries = check_items(fields.value(key), place, limit=MAX_LABELS)
        return tuple(check_text(x, f"{place}[{i}]", limit=100) for i, x in enumerate(entries))


@dataclass(frozen=True)
class OneHot(LabelGroup):
    """One of K labels, or a blend of several with weights that sum to 1."""

    kind = "one_hot"
    default: Any = None  # None: the first label

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.default is None:
            object.__setattr__(self, "default", self.labels[0])
        self.encode(self.default)

    def encode(self, value: object) -> Vector:
        """Return 1 at the label, or the weight at each label."""
        vector = np.zeros(self.size, np.float32)
        if type(value) is str and value in self.index:
            vector[self.index[value]] = 1.0
            return vector
        self._check_no_color(value)
        for label, weight in check_weights(self.name, value, self.index).items():
            vector[self.index[label]] = weight
        return vector

    def decode(self, vector: Vector) -> str:
        """Return the label of the largest number."""
        return self.labels[int(vector.argmax())]

    def blend(self, first: Any, second: Any, fraction: float) -> Any:
        """Return a label, or weights between two values."""
        one, two = (check_weights(self.name, value, self.index) for value in (first, second))
        mixed = lerp_weights(one, two, fraction)
        return next(iter(mixed)) if len(mixed) == 1 else mixed

    def describe(self, value: Any) -> str:
        """Return the value as text, such as "pink hair"."""
        text = value if isinstance(value, str) else " ".join(format_weights(value))
        return f"{text} {self.name}"

    def phrases(self) -> dict[str, Any]:
        """Return a phrase for each label."""
        return {f"{label} {self.name}": label for label in self.labels}

    def to_json(self) -> dict[str, Any]:
        """Return the manifest entry without its `slice`."""
        return super().to_json() | {"default": self.default}

    @classmethod
    def from_json(cls, fields: JsonObject) -> Self:
        """Return the group of a manifest entry."""
        return cls(fields.text("name"), cls.read_labels(fields), fields.value("default"))


@dataclass(frozen=True)
class JointOneHot(ConditionGroup):
    """One value for each of two groups, encoded as one of K1 x K2 pairs in row-major order."""

    kind = "joint_one_hot"
    name: str
    of: tuple[OneHot, OneHot]
    labels: tuple[str, ...] = field(init=False, repr=False)  # the pairs, row-major
    default: dict[str, Any] = field(init=False)  # the default of each member

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.of) != 2:
            raise condition_error(
                self.name, "exactly two groups", f"{len(self.of)} groups", "Join two groups."
            )
        one, two = self.of
        pairs = [f"{a} {one.name} {b} {two.name}" for a in one.labels for b in two.labels]
        object.__setattr__(self, "labels", tuple(pairs))
        object.__setattr__(self, "default", {member.name: member.default for member in self.of})

    @property
    def size(self) -> int:
        """The number of pairs."""
        return self.of[0].size * self.of[1].size

    @property
    def fields(self) -> tuple[ConditionGroup, ...]:
        """The two members."""
        return self.of

    def encode(self, value: object) -> Vector:
        """Return the outer product of the members' vectors."""
        values = self._values(value)
        one, two = (member.encode(values[member.name]) for member in self.of)
        return np.outer(one, two).reshape(-1)

    def decode(self, vector: Vector) -> dict[str, str]:
        """Return the pair of labels of the largest number."""
        pair = divmod(int(vector.argmax()), self.of[1].size)
        return {
            member.name: member.labels[index] for member, index in zip(self.of, pair, strict=True)
        }

    def blend(self, first: Any, second: Any, fraction: float) -> dict[str, Any]:
        """Return the blend of each member."""
        # The vector is an outer product: between the ends, mixed pairs have weight too.
        one, two = self._values(first), self._values(second)
        return {
            member.name: member.blend(one[member.name], two[member.name], fraction)
            for member in self.of
        }

    def describe(self, value: Any) -> str:
        """Return the text of both members."""
        values = self._values(value)
        return " ".join(member.describe(values[member.name]) for member in self.of)

    def to_json(self) -> dict[str, Any]:
        """Return the manifest entry without its `slice`."""
        members = [member.to_json() for member in self.of]
        return {"name": self.name, "kind": self.kind, "of": members}

    @classmethod
    def from_json(cls, fields: JsonObject) -> Self:
        """Return the group of a manifest entry."""
        entries = enumerate(fields.items("of", limit=2))
        of = [OneHot.from_json(JsonObject(x, f"{fields.place}.of[{i}]")) for i, x in entries]
        return cls(fields.text("name"), tuple(of))  # type: ignore[arg-type]  # the class checks it

    def _values(self, value: object) -> dict[str, Any]:
        names = [member.name for member in self.of]
        if not isinstance(value, Mapping):
            expected = f"a value for each of {format_choices(names)}"
            fix = f"Pass a mapping such as {self.default}."
            raise invalid_value(self.name, expected, value, fix=fix)
        return self.default | {check_label(self.name, name, names): value[name] for name in value}
