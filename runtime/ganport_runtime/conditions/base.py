"""What the six kinds of condition group have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.strictjson import JsonObject
from ganport_runtime.values import check_name


class ConditionGroup(ABC):
    """One named slice of the condition vector.

    `labels` are the values that have a name, in the order of the vector; `default` is the value
    of a request that leaves the group out. The kinds are frozen dataclasses.
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
        """Numbers this group takes in the condition vector."""

    @property
    def fields(self) -> tuple[ConditionGroup, ...]:
        """The groups a request names: this one, or the members of a joint group."""
        return (self,)

    @abstractmethod
    def encode(self, value: object) -> NDArray[np.float32]:
        """The float32 (size,) vector of a value asked for; raises `ConditionError`."""

    @abstractmethod
    def decode(self, vector: NDArray[np.float32]) -> Any:
        """The value whose vector lies nearest, whole labels only: the reverse of `encode`."""

    @abstractmethod
    def blend(self, first: Any, second: Any, share: float) -> Any:
        """The value that lies `share` (0 to 1) of the way from one to another."""

    @abstractmethod
    def describe(self, value: Any) -> str:
        """A valid `value` in words, as in "pink hair"."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The manifest's entry, without its `slice`."""

    @classmethod
    @abstractmethod
    def from_json(cls, fields: JsonObject) -> Self:
        """The group of a manifest's entry; raises `BundleError` or `ConditionError`."""

    def phrases(self) -> dict[str, Any]:
        """Every phrase of a text request that names a value of this group."""
        return {}

    def from_word(self, word: str) -> Any:
        """The value of an open-ended word before the group's name (`#ff88cc`), or None."""
        return None


def lerp(first: float, second: float, share: float) -> float:
    """The number `share` (0 to 1) of the way: exact at both ends, never outside them."""
    mixed = (1.0 - share) * first + share * second
    return float(min(max(mixed, min(first, second)), max(first, second)))
