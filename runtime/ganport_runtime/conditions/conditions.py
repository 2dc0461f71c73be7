"""The condition groups of a bundle: requests in, condition vectors out. Their one home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import text_parser
from ganport_runtime.conditions.groups import ConditionGroup, OneHot, group_from_json
from ganport_runtime.errors import BundleError, ConditionError
from ganport_runtime.strictjson import JsonObject, check_integer, check_items
from ganport_runtime.values import (
    check_distinct,
    check_range,
    condition_error,
    format_choices,
    invalid_value,
    repr_short,
)

MAX_SIZE = 65536
MAX_GROUPS = 256
ConditionRequest = Mapping[str, Any] | str


@dataclass(frozen=True)
class Conditions:
    """Condition groups in the order in which the vector holds them; no group: unconditional."""

    groups: tuple[ConditionGroup, ...] = ()

    def __post_init__(self) -> None:
        names = [name for group in self.groups for name in _names(group)]
        if names:
            check_distinct("conditions", names)

    @cached_property
    def size(self) -> int:
        """Numbers in the condition vector; 0 when unconditional."""
        return sum(group.size for group in self.groups)

    @cached_property
    def slices(self) -> dict[str, slice]:
        """The part of the vector each group takes."""
        ends = np.cumsum([0] + [group.size for group in self.groups]).tolist()
        return {g.name: slice(*ends[i : i + 2]) for i, g in enumerate(self.groups)}

    @cached_property
    def fields(self) -> dict[str, ConditionGroup]:
        """The groups a request names, by name: a joint group stands under its two members."""
        return {field.name: field for group in self.groups for field in group.fields}

    def __getitem__(self, name: str) -> ConditionGroup:
        """The group of that name, or the member of a joint group; raises `ConditionError`."""
        found = {group.name: group for group in self.groups} | self.fields
        if name not in found:
            raise self._unknown(name)
        return found[name]

    def encode(self, request: ConditionRequest | None = None) -> NDArray[np.float32]:
        """The float32 (C,) vector of a request; a group left out takes its default.

        Raises `ConditionError` for whatever the groups do not allow, naming the group, what came,
        what is allowed and the nearest label.
        """
        values = self.complete(request)
        parts = [group.encode(values[group.name]) for group in self.groups]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def encode_many(self, requests: Sequence[ConditionRequest]) -> NDArray[np.float32]:
        """The float32 (N, C) vectors of N requests."""
        rows = [self.encode(request) for request in requests]
        return np.stack(rows) if rows else np.zeros((0, self.size), np.float32)

    def blend(
        self, first: ConditionRequest | None, second: ConditionRequest | None, share: float
    ) -> dict[str, Any]:
        """The complete request that lies `share` (0 to 1) of the way from one to another.

        Labels become fractions, colours and numbers move on a line; the blends of a joint group's
        members multiply. At 0 and 1 it asks for the same as the request at that end. Raises
        `ConditionError`.
        """
        check_range("share", share, 0.0, 1.0)
        self.encode(first)
        self.encode(second)
        one, two = self.complete(first), self.complete(second)
        return {
            group.name: group.blend(one[group.name], two[group.name], share)
            for group in self.groups
        }

    def decode(self, vector: NDArray[np.float32]) -> dict[str, Any]:
        """The request whose float32 (C,) vector lies nearest, whole labels only."""
        return {group.name: group.decode(vector[self.slices[group.name]]) for group in self.groups}

    def complete(self, request: ConditionRequest | None = None) -> dict[str, Any]:
        """The value of every group: those asked for, and the defaults of the others."""
        asked = self._asked(request)
        values: dict[str, Any] = {}
        for group in self.groups:
            members = [field.name for field in group.fields]
            if group.name in asked:
                values[group.name] = asked.pop(group.name)
            elif members == [group.name]:
                values[group.name] = group.default
            else:  # a joint group is asked for by its members' names
                values[group.name] = {name: asked.pop(name) for name in members if name in asked}
        for name in asked:
            if name in self.fields:
                raise condition_error(name, "one value", "a second one inside its joint group")
            raise self._unknown(name)
        return values

    def parse(self, text_request: str) -> dict[str, Any]:
        """The values that a text such as `pink hair black eyes` asks for."""
        if not self.groups and text_request.strip():
            raise self._unknown(text_request)
        return text_parser.parse(text_request, tuple(self.fields.values())) if self.groups else {}

    def caption(self, request: ConditionRequest | None = None) -> str:
        """The whole request in words, as in "pink hair black eyes", defaults included."""
        self.encode(request)
        values = self.complete(request)
        return " ".join(group.describe(values[group.name]) for group in self.groups)

    def to_json(self) -> list[dict[str, Any]]:
        """The manifest's `conditions`."""
        slices = self.slices
        return [
            group.to_json() | {"slice": [slices[group.name].start, slices[group.name].stop]}
            for group in self.groups
        ]

    @classmethod
    def from_json(cls, groups: object, place: str) -> Self:
        """The groups of a manifest's or checkpoint's `conditions`; raises `BundleError`."""
        entries = check_items(groups, place, limit=MAX_GROUPS)
        parsed: list[ConditionGroup] = []
        start = 0
        for index, entry in enumerate(entries):
            here = f"{place}[{index}]"
            parsed.append(_group(entry, here))
            _check_slice(JsonObject(entry, here), start, start + parsed[-1].size)
            start += parsed[-1].size
        check_integer(start, f"{place}: numbers in all", 0, MAX_SIZE)
        try:
            return cls(tuple(parsed))
        except ConditionError as error:
            raise _damaged(place, error) from error

    @classmethod
    def one_hots(cls, labels: Mapping[str, Sequence[str]]) -> Self:
        """One `one_hot` group for each name; its default is its first label."""
        return cls(tuple(OneHot(name, tuple(values)) for name, values in labels.items()))

    def _asked(self, request: ConditionRequest | None) -> dict[str, Any]:
        if request is None:
            return {}
        if isinstance(request, str):
            return self.parse(request)
        if isinstance(request, Mapping):
            return dict(request)
        raise invalid_value("request", "a mapping of group to value, or a text", request)

    def _unknown(self, name: object) -> ConditionError:
        if not self.groups:
            return ConditionError(
                "condition",
                expected="none: this generator is unconditional",
                found=repr_short(name),
                fix="Leave the condition out.",
            )
        return invalid_value(
            str(name)[:100],
            f"one of the groups {format_choices(self.fields)}",
            name,
            allowed=self.fields,
        )


def _names(group: ConditionGroup) -> list[str]:
    members = [field.name for field in group.fields]
    return members if members == [group.name] else [group.name, *members]


def _group(entry: object, place: str) -> ConditionGroup:
    try:
        return group_from_json(entry, place)
    except ConditionError as error:
        raise _damaged(place, error) from error


def _check_slice(fields: JsonObject, start: int, stop: int) -> None:
    if fields.items("slice", limit=2) != [start, stop]:
        raise BundleError(
            f"{fields.place}.slice",
            expected=f"[{start}, {stop}], the groups lying end to end",
            found=repr_short(fields.value("slice")),
            fix="Export the bundle again.",
        )


def _damaged(place: str, error: ConditionError) -> BundleError:
    return BundleError(
        f"{place}: {error.place}",
        expected=error.expected,
        found=error.found,
        fix="Export the bundle again.",
    )
