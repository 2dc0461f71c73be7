"""The condition groups of a bundle: requests in, condition vectors out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Self

import numpy as np

from ganport_runtime.conditions import text_parser
from ganport_runtime.conditions.groups import ConditionGroup, JointOneHot, OneHot, Vector
from ganport_runtime.conditions.multilabel import MultiHot, SignedMultiHot
from ganport_runtime.conditions.numeric import Rgb, Scalar
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

KINDS: dict[str, type[ConditionGroup]] = {
    group.kind: group for group in (OneHot, JointOneHot, MultiHot, SignedMultiHot, Rgb, Scalar)
}
MAX_SIZE = 65536
MAX_GROUPS = 256
ConditionRequest = Mapping[str, Any] | str
"""Values by group name, or a text such as `pink hair`."""
ConditionInput = ConditionRequest | Sequence[ConditionRequest] | None
"""One request for all images, or a list with one for each; None takes the defaults."""

_CACHE_ENTRIES = 1024
_CACHE_NUMBERS = 2**20  # in all cached vectors: 4 MiB
_MAX_CACHED_TEXT = 1000  # characters
_MAX_CACHED_GROUPS = 256
_CacheKey = str | tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Conditions:
    """Condition groups in vector order; a bundle without groups is unconditional."""

    groups: tuple[ConditionGroup, ...] = ()

    def __post_init__(self) -> None:
        fields = [field for group in self.groups for field in group.fields if field is not group]
        names = [group.name for group in (*self.groups, *fields)]
        if names:
            check_distinct("conditions", names)

    @cached_property
    def size(self) -> int:
        """The length of the condition vector; 0 for an unconditional bundle."""
        return sum(group.size for group in self.groups)

    @cached_property
    def slices(self) -> dict[str, slice]:
        """The slice of the vector of each group."""
        ends = np.cumsum([0] + [group.size for group in self.groups]).tolist()
        return {g.name: slice(*ends[i : i + 2]) for i, g in enumerate(self.groups)}

    @cached_property
    def fields(self) -> dict[str, ConditionGroup]:
        """The groups that a request names; a joint group is replaced by its two members."""
        return {field.name: field for group in self.groups for field in group.fields}

    def __getitem__(self, name: str) -> ConditionGroup:
        """Return the group or member of a joint group called `name`; raise `ConditionError`."""
        found = {group.name: group for group in self.groups} | self.fields
        if name not in found:
            raise self._unknown_group(name)
        return found[name]

    def encode(self, request: ConditionRequest | None = None) -> Vector:
        """Return the float32 (C,) vector of a request; omitted groups take their default.

        Raises `ConditionError`, with the group, the value, the allowed values and the similar
        labels, for a value that a group does not allow.
        """
        values = self.complete(request)
        parts = [group.encode(values[group.name]) for group in self.groups]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def encode_many(self, requests: Sequence[ConditionRequest]) -> Vector:
        """Return the float32 (N, C) vectors of N requests."""
        rows = [self.encode(request) for request in requests]
        return np.stack(rows) if rows else np.zeros((0, self.size), np.float32)

    def decode(self, vector: Vector) -> dict[str, Any]:
        """Return the request, with whole labels only, whose float32 (C,) vector is closest."""
        return {group.name: group.decode(vector[self.slices[group.name]]) for group in self.groups}

    def blend(
        self, first: ConditionRequest | None, second: ConditionRequest | None, fraction: float
    ) -> dict[str, Any]:
        """Return the complete request at `fraction` (0 to 1) between two requests.

        Labels become fractions; colors and numbers move linearly; the blends of a joint group's
        members multiply. At 0 and 1 it encodes as the request at that end. Raises
        `ConditionError`.
        """
        check_range("fraction", fraction, 0.0, 1.0)
        self.encode(first)
        self.encode(second)
        one, two = self.complete(first), self.complete(second)
        return {
            group.name: group.blend(one[group.name], two[group.name], fraction)
            for group in self.groups
        }

    def complete(self, request: ConditionRequest | None = None) -> dict[str, Any]:
        """Return the value of every group: the requested ones, and defaults for the others."""
        requested = self._requested_values(request)
        values: dict[str, Any] = {}
        used: set[str] = set()
        for group in self.groups:
            members = [field.name for field in group.fields]
            if group.name in requested:
                values[group.name] = requested[group.name]
                used.add(group.name)
            elif members == [group.name]:
                values[group.name] = group.default
            else:  # the members of a joint group, by their own names
                values[group.name] = {m: requested[m] for m in members if m in requested}
                used.update(values[group.name])
        # No copy of the request: the service may get one with thousands of unknown names.
        for name in requested:
            if name in used:
                continue
            if name in self.fields:
                found, fix = "a second one inside its joint group", f"Leave out {name!r}."
                raise condition_error(name, "one value", found, fix)
            raise self._unknown_group(name)
        return values

    def parse(self, text_request: str) -> dict[str, Any]:
        """Return the values that a text such as `pink hair black eyes` requests."""
        if not self.groups and text_request.strip():
            raise self._unknown_group(text_request)
        return text_parser.parse(text_request, tuple(self.fields.values())) if self.groups else {}

    def caption(self, request: ConditionRequest | None = None) -> str:
        """Return the complete request as text, such as "pink hair black eyes"."""
        self.encode(request)
        values = self.complete(request)
        return " ".join(group.describe(values[group.name]) for group in self.groups)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the manifest's `conditions`."""
        parts = [self.slices[group.name] for group in self.groups]
        return [
            group.to_json() | {"slice": [part.start, part.stop]}
            for group, part in zip(self.groups, parts, strict=True)
        ]

    @classmethod
    def from_json(cls, groups: object, place: str) -> Self:
        """Return the groups of a manifest's or checkpoint's `conditions`; raise `BundleError`."""
        parsed: list[ConditionGroup] = []
        start = 0
        try:
            for index, entry in enumerate(check_items(groups, place, limit=MAX_GROUPS)):
                here = f"{place}[{index}]"
                fields = JsonObject(entry, here)
                parsed.append(KINDS[fields.one_of("kind", tuple(KINDS))].from_json(fields))
                stop = start + parsed[-1].size
                bounds = fields.items("slice", limit=2)
                if bounds != [start, stop] or bool in map(type, bounds):  # False == 0
                    expected = f"[{start}, {stop}], groups without gaps"
                    found = repr_short(fields.value("slice"))
                    raise BundleError(f"{here}.slice", expected, found)
                start = stop
            here = place
            check_integer(start, f"{place}: length of the vector", 0, MAX_SIZE)
            return cls(tuple(parsed))
        except ConditionError as error:
            raise BundleError(f"{here}: {error.place}", error.expected, error.found) from error

    @classmethod
    def one_hots(cls, labels: Mapping[str, Sequence[str]]) -> Self:
        """Return one `one_hot` group for each name; its default is its first label."""
        return cls(tuple(OneHot(name, tuple(values)) for name, values in labels.items()))

    def _requested_values(self, request: ConditionRequest | None) -> Mapping[str, Any]:
        if request is None:
            return {}
        if isinstance(request, str):
            return self.parse(request)
        if isinstance(request, Mapping):
            return request
        raise invalid_value(
            "request",
            "a mapping of group to value, or a text",
            request,
            fix=f"Pass a text such as {self.caption()!r}." if self.groups else "Pass nothing.",
        )

    def _unknown_group(self, name: object) -> ConditionError:
        if not self.groups:
            return ConditionError(
                "condition",
                "none: this generator is unconditional",
                repr_short(name),
                "Omit the condition.",
            )
        expected = f"one of the groups {format_choices(self.fields)}"
        shown = str(name)[:100] if isinstance(name, str) else repr_short(name)
        return invalid_value(shown, expected, name, allowed=self.fields)


class CachedConditionEncoder:
    """Encodes requests and caches the vectors of those made of text alone; thread-safe."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions
        entries = min(_CACHE_ENTRIES, _CACHE_NUMBERS // max(1, conditions.size))
        self._cache = lru_cache(entries)(self._encode_key)

    def encode(self, conditions: ConditionInput, count: int) -> Vector:
        """Return the float32 (count, C) vectors of `conditions`, read-only.

        Raises `ConditionError`.
        """
        if isinstance(conditions, (list, tuple)):
            return np.concatenate([self._encode(request) for request in conditions])
        vector = self._encode(conditions)  # type: ignore[arg-type]  # a text is a Sequence too
        return vector if count == 1 else np.broadcast_to(vector, (count, vector.shape[1]))

    def cache_info(self) -> Any:
        """Return the hits, misses and size of the cache, as `functools.lru_cache` counts them."""
        return self._cache.cache_info()

    def _encode(self, request: ConditionRequest | None) -> Vector:
        key = _cache_key(request)
        return self._conditions.encode(request)[None] if key is None else self._cache(key)

    def _encode_key(self, key: _CacheKey) -> Vector:
        vector = self._conditions.encode(key if isinstance(key, str) else dict(key))[None]
        vector.setflags(write=False)
        return vector


def _cache_key(request: object) -> _CacheKey | None:
    """Return the cache key of an all-text request; None for others.

    Other values are not keys: 1 and True are equal as keys and different as values.
    """
    if request is None:
        return ()
    if type(request) is str:
        return request if len(request) <= _MAX_CACHED_TEXT else None
    # The exact type check avoids a slow ABC lookup.
    if type(request) is not dict and not isinstance(request, Mapping):
        return None
    if len(request) > _MAX_CACHED_GROUPS:
        return None
    items = tuple(request.items())
    for name, value in items:
        if type(name) is not str or type(value) is not str:
            return None
    return items
