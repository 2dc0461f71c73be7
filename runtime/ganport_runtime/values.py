"""Checks of the values a person asks for: nothing is replaced silently, every refusal helps."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from numbers import Real

from ganport_runtime.errors import ConditionError

_LISTED = 40
_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = 60


def invalid_value(
    group: str, expected: str, found: object, *, allowed: Collection[str] = ()
) -> ConditionError:
    """The error for a value that `group` does not take; names the nearest of `allowed`."""
    near = closest_match(found, allowed) if isinstance(found, str) else None
    fix = f"Did you mean {near!r}?" if near else "Ask for what is allowed."
    return ConditionError(
        f"condition {group!r}", expected=expected, found=repr_short(found), fix=fix
    )


def condition_error(group: str, expected: str, found: str) -> ConditionError:
    """The error for a value that is wrong as a whole; `found` says how, in words."""
    fix = "Ask for what is allowed."
    return ConditionError(f"condition {group!r}", expected=expected, found=found, fix=fix)


def repr_short(value: object) -> str:
    """A short form of any value, safe to put in a message."""
    try:
        return _repr.repr(value)
    except ValueError:  # Python does not write out integers of thousands of digits
        return f"a huge {type(value).__name__}"


def sanitize(text: str, limit: int = 60) -> str:
    """`text` safe to show: control characters escaped, cut to `limit` characters."""
    escaped = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: limit + 1])
    return escaped if len(text) <= limit else escaped[:limit] + "…"


def closest_match(found: str, allowed: Collection[str]) -> str | None:
    """The entry of `allowed` most like `found`, whatever the case; None only if it is empty."""
    lowered = {entry.lower(): entry for entry in allowed}
    matches = get_close_matches(found[:100].lower(), lowered, n=1, cutoff=0.0)
    return lowered[matches[0]] if matches else None


def format_choices(labels: Collection[str]) -> str:
    """`labels` in one line, cut after forty."""
    first = ", ".join(list(labels)[:_LISTED])
    rest = len(labels) - _LISTED
    return first if rest <= 0 else f"{first} and {rest} more"


def check_label(group: str, value: object, labels: Collection[str]) -> str:
    """`value` if it is one of `labels`, letter for letter."""
    if isinstance(value, str) and value in labels:
        return str(value)
    raise invalid_value(group, f"one of {format_choices(labels)}", value, allowed=labels)


def check_range(group: str, value: object, low: float, high: float) -> float:
    """`value` as a float if it is a finite real number in `low` .. `high`; no bool, no text."""
    expected = f"a number from {low:g} to {high:g}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise invalid_value(group, expected, value)
    try:
        number = float(value)
    except OverflowError:
        raise invalid_value(group, expected, value) from None
    if not low <= number <= high:  # false for NaN too
        raise invalid_value(group, expected, value)
    return number


def check_labels(group: str, value: object, labels: Collection[str], most: int) -> tuple[str, ...]:
    """`value` as a tuple if it is a list of at most `most` different `labels`."""
    expected = f"a list of at most {most} of {format_choices(labels)}"
    if not isinstance(value, list | tuple | set | frozenset):
        raise invalid_value(group, expected, value)
    asked = tuple(check_label(group, entry, labels) for entry in value)
    if len(asked) > most:
        raise condition_error(group, expected, f"{len(asked)} labels")
    if len(set(asked)) != len(asked):
        raise condition_error(
            group, f"{expected}, each once", f"one of {format_choices(asked)} twice"
        )
    return asked


def check_weights(group: str, value: object, labels: Collection[str]) -> dict[str, float]:
    """The weight of each label asked for: a label alone weighs 1, a mapping blends.

    Weights are finite, in 0 .. 1, and sum to 1 within 0.001; they are not normalised.
    """
    if not isinstance(value, Mapping):
        return {check_label(group, value, labels): 1.0}
    weights = {
        check_label(group, label, labels): check_range(group, weight, 0.0, 1.0)
        for label, weight in value.items()
    }
    total = math.fsum(weights.values())
    if abs(total - 1.0) > 1e-3:
        raise condition_error(group, "weights that sum to 1", f"weights that sum to {total:g}")
    return weights


def check_distinct(group: str, labels: Iterable[str]) -> tuple[str, ...]:
    """`labels` as a tuple if there is at least one, all printable and all different."""
    given = tuple(labels)
    for label in given:
        check_name(group, label)
    if not given or len(set(given)) != len(given):
        raise condition_error(
            group, "at least one label, each once", format_choices(given) or "none"
        )
    return given


def check_name(group: str, word: object) -> None:
    """Refuse a name or label that is not printable text without space at its ends."""
    if not isinstance(word, str) or not 1 <= len(word) <= 100:
        raise invalid_value(group, "text of 1 to 100 characters", word)
    if not word.isprintable() or word != word.strip():
        raise invalid_value(group, "printable text without space at its ends", word)
