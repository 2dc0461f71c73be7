"""Requests to condition vectors, remembering those that are asked for again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions.conditions import ConditionRequest, Conditions

Vectors = NDArray[np.float32]
ConditionInput = ConditionRequest | Sequence[ConditionRequest] | None
"""One request for every picture, or a list that holds one for each."""

_MAX_KNOWN = 1024
_MAX_NUMBERS = 2**20  # in all that is remembered: 4 MiB
_MAX_TEXT = 1000


class CachedConditionEncoder:
    """Conditions that keep the vectors of requests made of plain text; any thread may ask."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions
        known = min(_MAX_KNOWN, _MAX_NUMBERS // max(1, conditions.size))
        self._known = lru_cache(known)(self._encoded)

    def encode(self, asked: ConditionInput, count: int) -> Vectors:
        """The float32 (count, C) vectors of `asked`, not to be written to.

        Raises `ConditionError`.
        """
        if isinstance(asked, (list, tuple)):
            return np.concatenate([self._one(request) for request in asked])
        vector = self._one(asked)  # type: ignore[arg-type]  # a text is a sequence too
        # A view, not a copy: one vector stands for every picture.
        return vector if count == 1 else np.broadcast_to(vector, (count, vector.shape[1]))

    def _one(self, request: ConditionRequest | None) -> Vectors:
        key = _key(request)
        if key is None:
            return self._conditions.encode(request)[None]
        return self._known(key)

    def _encoded(self, key: str | tuple[tuple[str, str], ...]) -> Vectors:
        vector = self._conditions.encode(key if isinstance(key, str) else dict(key))[None]
        vector.setflags(write=False)
        return vector


def _key(request: object) -> str | tuple[tuple[str, str], ...] | None:
    """What a request of nothing but text is known by; None for others, as 1 and True are equal
    as keys and not as values."""
    if request is None:
        return ()
    if type(request) is str:
        return request if len(request) <= _MAX_TEXT else None
    # Looked at by type first: that a dict is a Mapping, Python finds out by far more code.
    if type(request) is not dict and not isinstance(request, Mapping):
        return None
    items = tuple(request.items())
    for name, value in items:
        if type(name) is not str or type(value) is not str:
            return None
    return items
