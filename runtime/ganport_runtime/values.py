"""Requested values: checks, and text forms for messages."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from numbers import Real

from ganport_runtime.errors import ConditionError

_MAX_CHOICES = 40
_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = 60


def invalid_value(
    group: str, expected: str, value: object, *, allowed: Collection[str] = (), fix: str = ""
) -> ConditionError:
    """Return the error for a value that `group` does not take; a similar one of `allowed` fixes it.

    `fix` is for a value that is similar to none.
    """
    fix = suggestion(value, allowed, fix)
    return ConditionError(f"condition {group!r}", expected, repr_short(value), fix)


def condition_error(group: str, expected: str, found: str, fix: str) -> ConditionError:
    """Return the error for a value of `group`; `found` describes the value."""
    return ConditionError(f"condition {group!r}", expected, found, fix)


def repr_short(value: object) -> str:
    """Return a short repr of any value, safe to put in a message."""
    try:
        return _repr.repr(value)
    except ValueError:  # Python refuses to format integers of thousands of digits
        return f"a huge {type(value).__name__}"


def sanitize(text: str, limit: int = 60) -> str:
    """Return `text` with control characters escaped, cut to `limit` characters."""
    escaped = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: limit + 1])
    return escaped if len(text) <= limit else escaped[:limit] + "…"


def closest_match(text: str, choices: Collection[str]) -> str | None:
    """Return the entry of `choices` most similar to `text`, ignoring case; None if none is."""
    lowered = {choice.lower(): choice for choice in choices}
    matches = get_close_matches(text[:100].lower(), lowered, n=1)
    return lowered[matches[0]] if matches else None


def suggestion(value: object, choices: Collection[str], fix: str = "") -> str:
    """Return the question whether a similar choice was meant, or else `fix`."""
    closest = closest_match(value, choices) if isinstance(value, str) else None
    if closest is not None:
        return f"Did you mean {closest!r}?"
    first = next(iter(choices), None)
    return fix if fix or first is None else f"Write one of them exactly, for example {first!r}."


def format_choices(choices: Collection[str]) -> str:
    """Return `choices` in one line, at most forty of them."""
    first = ", ".join(list(choices)[:_MAX_CHOICES])
    rest = len(choices) - _MAX_CHOICES
    return first if rest <= 0 else f"{first} and {rest} more"


def check_label(group: str, value: object, labels: Collection[str]) -> str:
    """Return `value` if it is one of `labels`, case-sensitive; raise `ConditionError`."""
    if isinstance(value, str) and value in labels:
        return str(value)
    raise invalid_value(group, f"one of {format_choices(labels)}", value, allowed=labels)


def check_range(group: str, value: object, low: float, high: float) -> float:
    """Return `value` as a float if it is a real number from `low` to `high`.

    Raises `ConditionError` for other values, bool and text included.
    """
    number = to_number(value)
    if not low <= number <= high:  # true for NaN
        fix = "Pass a number, not a text." if isinstance(value, str) else ""
        if math.isfinite(number):
            fix = f"The closest allowed number is {min(max(number, low), high):g}."
        fix = fix or "Pass a finite number."
        raise invalid_value(group, f"a number from {low:g} to {high:g}", value, fix=fix)
    return number


def to_number(value: object) -> float:
    """Return a real number as a float; NaN for other values and for numbers beyond float64."""
    try:
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        return float(value) if is_number else math.nan  # type: ignore[arg-type]
    except OverflowError:
        return math.nan


def check_labels(
    group: str, value: object, labels: Collection[str], max_count: int
) -> tuple[str, ...]:
    """Return `value` as a tuple if it is a list of at most `max_count` different `labels`.

    Raises `ConditionError`.
    """
    expected = f"a list of at most {max_count} of {format_choices(labels)}"
    if not isinstance(value, list | tuple | set | frozenset):
        fix = f"Pass a list, for example [{next(iter(labels), '')!r}]."
        raise invalid_value(group, expected, value, fix=fix)
    requested = tuple(check_label(group, entry, labels) for entry in value)
    if len(requested) > max_count:
        fix = f"Leave out {len(requested) - max_count}."
        raise condition_error(group, expected, f"{len(requested)} labels", fix)
    if len(set(requested)) != len(requested):
        found = f"one of {format_choices(requested)} twice"
        raise condition_error(group, f"{expected}, each once", found, "Name each label once.")
    return requested


def check_weights(group: str, value: object, labels: Collection[str]) -> dict[str, float]:
    """Return the weight of each requested label: a single label has 1, a mapping blends.

    Raises `ConditionError` unless weights are from 0 to 1 and sum to 1 within 0.001; they are not
    normalized.
    """
    if not isinstance(value, Mapping):
        return {check_label(group, value, labels): 1.0}
    weights = {
        check_label(group, label, labels): check_range(group, weight, 0.0, 1.0)
        for label, weight in value.items()
    }
    total = math.fsum(weights.values())
    if abs(total - 1.0) > 1e-3:
        fix = f"Divide each weight by {total:g}." if total else "Give a label a weight above 0."
        found = f"weights that sum to {total:g}"
        raise condition_error(group, "weights that sum to 1", found, fix)
    return weights


def check_distinct(group: str, labels: Iterable[str]) -> tuple[str, ...]:
    """Return `labels` as a tuple if there is at least one and all are different printable names.

    Raises `ConditionError`.
    """
    names = tuple(labels)
    for name in names:
        check_name(group, name)
    if not names or len(set(names)) != len(names):
        expected = "at least one label, each once"
        raise condition_error(group, expected, format_choices(names) or "none", "Correct the list.")
    return names


def check_name(group: str, name: object) -> None:
    """Raise `ConditionError` unless `name` is printable, stripped text of 1 to 100 characters."""
    if not isinstance(name, str) or not 1 <= len(name) <= 100:
        raise invalid_value(group, "text of 1 to 100 characters", name, fix="Choose another name.")
    if not name.isprintable() or name != name.strip():
        expected = "printable text without leading or trailing space"
        raise invalid_value(group, expected, name, fix="Choose another name.")
