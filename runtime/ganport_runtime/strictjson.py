"""Strict parsing of JSON from outside, with a check of every field that is read."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from ganport_runtime.errors import BundleError

MAX_BYTES = 16 * 2**20
MAX_DEPTH = 64
MAX_ELEMENTS = 2**20
"""Values and names of a JSON text; each takes some 60 bytes of memory when it is parsed."""
_FIX = "The file is damaged or was written by another version of ganport; export it again."


def parse(
    data: bytes, place: str, limit: int = MAX_BYTES, max_elements: int = MAX_ELEMENTS
) -> object:
    """Return the value of a UTF-8 JSON text of at most `limit` bytes.

    Raises `BundleError` for invalid JSON, for more than `max_elements` values, and for what RFC
    8259 leaves open: duplicate names, NaN and infinities, numbers beyond float64, deep nesting, a
    byte-order mark.
    """
    if len(data) > limit:
        raise BundleError(place, f"at most {limit} bytes of JSON", f"{len(data)} bytes", _FIX)
    elements = sum(data.count(sign) for sign in (b"[", b"{", b",", b":"))
    if elements > max_elements:  # also counts signs inside texts
        expected = f"at most {max_elements:,} JSON values"
        raise BundleError(place, expected, f"about {elements:,}", _FIX)
    try:
        value: object = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=unique_names,
            parse_float=_finite_float,
            parse_constant=_reject_constant,
        )
        _check_depth(value, MAX_DEPTH)
        if b"\\u" in data:  # half of a surrogate pair cannot be encoded
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise BundleError(place, "valid JSON", f"nesting deeper than {MAX_DEPTH}", _FIX) from error
    except ValueError as error:  # includes JSONDecodeError and UnicodeDecodeError
        raise BundleError(place, "valid JSON", str(error)[:200], _FIX) from error
    return value


class JsonObject:
    """A JSON object whose fields are checked when they are read.

    Every method raises `BundleError`, which names `place` and the key.
    """

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise BundleError(place, "a JSON object", _type_name(value), _FIX)
        self._values: dict[str, Any] = value
        self.place = place

    def value(self, key: str) -> object:
        """Return the unchecked value of a required key."""
        if key not in self._values:
            raise BundleError(self.place, f"the required key {key!r}", "no such key", _FIX)
        return self._values[key]

    def __contains__(self, key: str) -> bool:
        """Return whether the object has `key`."""
        return key in self._values

    def boolean(self, key: str) -> bool:
        """Return true or false."""
        value = self.value(key)
        if not isinstance(value, bool):
            raise BundleError(self._place_of(key), "true or false", _type_name(value), _FIX)
        return value

    def text(self, key: str, *, limit: int = 200) -> str:
        """Return a non-empty printable text of at most `limit` characters."""
        return check_text(self.value(key), self._place_of(key), limit=limit)

    def integer(self, key: str, low: int, high: int) -> int:
        """Return an integer from `low` to `high`."""
        return check_integer(self.value(key), self._place_of(key), low, high)

    def number(self, key: str) -> float:
        """Return a finite number."""
        return check_number(self.value(key), self._place_of(key))

    def items(self, key: str, *, limit: int) -> list[object]:
        """Return a list of at most `limit` unchecked values."""
        return check_items(self.value(key), self._place_of(key), limit=limit)

    def object(self, key: str) -> JsonObject:
        """Return a JSON object."""
        return JsonObject(self.value(key), self._place_of(key))

    def mapping(self, key: str) -> dict[str, Any]:
        """Return a JSON object as a dict of unchecked values."""
        return dict(self.object(key)._values)

    def one_of(self, key: str, allowed: Sequence[str]) -> str:
        """Return a text that is one of `allowed`."""
        value = self.text(key)
        if value not in allowed:
            expected = f"one of {', '.join(allowed)}"
            raise BundleError(self._place_of(key), expected, repr(value), _FIX)
        return value

    def _place_of(self, key: str) -> str:
        return f"{self.place}: {key}"


def check_text(value: object, place: str, *, limit: int = 200) -> str:
    """Return `value` if it is printable, stripped text of 1 to `limit` characters."""
    if not isinstance(value, str):
        raise BundleError(place, "text", _type_name(value), _FIX)
    if not 1 <= len(value) <= limit:
        expected = f"text of 1 to {limit} characters"
        raise BundleError(place, expected, f"{len(value)} characters", _FIX)
    if not value.isprintable() or value != value.strip():
        expected = "printable text without leading or trailing space"
        raise BundleError(place, expected, repr(value)[:80], _FIX)
    return value


def check_integer(value: object, place: str, low: int, high: int) -> int:
    """Return `value` if it is a JSON integer from `low` to `high`."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        expected = f"an integer from {low} to {high}"
        raise BundleError(place, expected, _repr_number(value), _FIX)
    return value


def check_number(value: object, place: str) -> float:
    """Return `value` as a float if it is a JSON number within float64."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    except OverflowError:
        pass
    raise BundleError(place, "a number", _repr_number(value), _FIX)


def check_items(value: object, place: str, *, limit: int) -> list[object]:
    """Return `value` if it is a JSON array of at most `limit` values."""
    if not isinstance(value, list):
        raise BundleError(place, "a list", _type_name(value), _FIX)
    if len(value) > limit:
        raise BundleError(place, f"at most {limit} values", f"{len(value)}", _FIX)
    return value


def _check_depth(value: object, depth_left: int) -> None:
    if isinstance(value, dict | list):
        if depth_left == 0:
            raise ValueError(f"nesting deeper than {MAX_DEPTH}")
        for child in value.values() if isinstance(value, dict) else value:
            _check_depth(child, depth_left - 1)


def unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object of JSON, for `json.loads`; raise `ValueError` for a name twice."""
    values: dict[str, object] = {}
    for name, value in pairs:
        if name in values:
            raise ValueError(f"the name {name[:80]!r} twice in one object")
        values[name] = value
    return values


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


def _reject_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


def _type_name(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")


def _repr_number(value: object) -> str:
    if isinstance(value, int) and abs(value) > 10**30:  # Python refuses to format huge integers
        return "an integer of more than 30 digits"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return repr(value) if is_number else _type_name(value)
