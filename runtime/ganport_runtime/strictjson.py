"""JSON from outside: read strictly, and every field checked where it is taken out."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from ganport_runtime.errors import BundleError

MAX_BYTES = 16 * 2**20
MAX_DEPTH = 64


def parse(data: bytes, place: str, limit: int = MAX_BYTES) -> object:
    """The value of a UTF-8 JSON text of at most `limit` bytes.

    Raises `BundleError` for anything RFC 8259 leaves open or forbids: duplicate names, NaN and
    infinities, numbers a float64 cannot hold, deep nesting, a byte-order mark.
    """
    if len(data) > limit:
        raise _bad(place, f"at most {limit} bytes of JSON", f"{len(data)} bytes")
    try:
        value: object = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_float=_finite,
            parse_constant=_constant,
        )
        _check_depth(value, MAX_DEPTH)
        if b"\\u" in data:  # an escaped half of a surrogate pair is a text that cannot be printed
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise _bad(place, "valid JSON", f"nesting deeper than {MAX_DEPTH}") from error
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are both of this kind
        raise _bad(place, "valid JSON", str(error)[:200]) from error
    return value


class JsonObject:
    """The fields of one JSON object: each taken out by name and checked as it is taken.

    Every method raises `BundleError` naming `place` and the key.
    """

    def __init__(self, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise _bad(place, "a JSON object", _kind(value))
        self._values: dict[str, Any] = value
        self.place = place

    def value(self, key: str) -> object:
        """Whatever stands under a required key."""
        if key not in self._values:
            raise _bad(self.place, f"the required key {key!r}", "no such key")
        return self._values[key]

    def text(self, key: str, *, limit: int = 200) -> str:
        """A non-empty printable text of at most `limit` characters."""
        return check_text(self.value(key), self._at(key), limit=limit)

    def integer(self, key: str, low: int, high: int) -> int:
        """A whole number in `low` .. `high`."""
        return check_integer(self.value(key), self._at(key), low, high)

    def number(self, key: str) -> float:
        """A finite number."""
        return check_number(self.value(key), self._at(key))

    def items(self, key: str, *, limit: int) -> list[object]:
        """A list of at most `limit` values."""
        return check_items(self.value(key), self._at(key), limit=limit)

    def object(self, key: str) -> JsonObject:
        """A JSON object."""
        return JsonObject(self.value(key), self._at(key))

    def mapping(self, key: str) -> dict[str, Any]:
        """A JSON object, as it stands."""
        return dict(self.object(key)._values)

    def one_of(self, key: str, allowed: Sequence[str]) -> str:
        """A text among `allowed`."""
        value = self.text(key)
        if value not in allowed:
            raise _bad(self._at(key), f"one of {', '.join(allowed)}", repr(value))
        return value

    def _at(self, key: str) -> str:
        return f"{self.place}: {key}"


def check_text(value: object, place: str, *, limit: int = 200) -> str:
    """`value` if it is printable text of 1 .. `limit` characters without space at its ends."""
    if not isinstance(value, str):
        raise _bad(place, "text", _kind(value))
    if not 1 <= len(value) <= limit:
        raise _bad(place, f"text of 1 to {limit} characters", f"{len(value)} characters")
    if not value.isprintable() or value != value.strip():
        raise _bad(place, "printable text without space at its ends", repr(value)[:80])
    return value


def check_integer(value: object, place: str, low: int, high: int) -> int:
    """`value` if it is a JSON integer in `low` .. `high`."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _bad(place, f"an integer from {low} to {high}", _short(value))
    return value


def check_number(value: object, place: str) -> float:
    """`value` as a float if it is a JSON number that float64 holds."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    except OverflowError:
        pass
    raise _bad(place, "a number", _short(value))


def check_items(value: object, place: str, *, limit: int) -> list[object]:
    """`value` if it is a JSON array of at most `limit` values."""
    if not isinstance(value, list):
        raise _bad(place, "a list", _kind(value))
    if len(value) > limit:
        raise _bad(place, f"at most {limit} values", f"{len(value)}")
    return value


def _check_depth(value: object, left: int) -> None:
    if isinstance(value, dict | list):
        if left == 0:
            raise ValueError(f"nesting deeper than {MAX_DEPTH}")
        for inner in value.values() if isinstance(value, dict) else value:
            _check_depth(inner, left - 1)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, value in pairs:
        if name in values:
            raise ValueError(f"the name {name[:80]!r} stands twice in one object")
        values[name] = value
    return values


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


def _constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON number")


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "null" if value is None else kinds.get(type(value), "a number")


def _short(value: object) -> str:
    simple = isinstance(value, int | float) and not isinstance(value, bool)
    # An integer of 4000 digits has no repr worth showing, and Python refuses to make it.
    if isinstance(value, int) and abs(value) > 10**30:
        return "an integer of more than 30 digits"
    return repr(value) if simple else _kind(value)


def _bad(place: str, expected: str, found: str) -> BundleError:
    fix = "The file is damaged or was not written by this version of ganport; export it again."
    return BundleError(place, expected=expected, found=found, fix=fix)
