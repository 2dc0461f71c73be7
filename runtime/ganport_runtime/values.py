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


def refuse(
    group: str, expected: str, found: object, *, allowed: Collection[str] = ()
) -> ConditionError:
    """The error for a value that `group` does not take; names the nearest of `allowed`."""
    near = nearest(found, allowed) if isinstance(found, str) else None
    fix = f"Did you mean {near!r}?" if near else "Ask for what is allowed."
    return ConditionError(f"condition {group!r}", expected=expected, found=shown(found), fix=fix)


def fault(group: str, expected: str, found: str) -> ConditionError:
    """The error for a value that is wrong as a whole; `found` says how, in words."""
    fix = "Ask for what is allowed."
    return ConditionError(f"condition {group!r}", expected=expected, found=found, fix=fix)


def shown(value: object) -> str:
    """A short form of any value, safe to put in a message."""
    try:
        return _repr.repr(value)
    except ValueError:  # Python does not write out integers of thousands of digits
        return f"a huge {type(value).__name__}"


def printable(text: str, limit: int = 60) -> str:
    """`text` safe to show: control characters escaped, cut to `limit` characters."""
    escaped = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: limit + 1])
    return escaped if len(text) <= limit else escaped[:limit] + "…"


def nearest(found: str, allowed: Collection[str]) -> str | None:
    """The entry of `allowed` most like `found`, whatever the case; None only if it is empty."""
    lowered = {entry.lower(): entry for entry in allowed}
    matches = get_close_matches(found[:100].lower(), lowered, n=1, cutoff=0.0)
    return lowered[matches[0]] if matches else None


def listed(labels: Collection[str]) -> str:
    """`labels` in one line, cut after forty."""
    first = ", ".join(list(labels)[:_LISTED])
    rest = len(labels) - _LISTED
    return first if rest <= 0 else f"{first} and {rest} more"


def label_in(group: str, value: object, labels: Collection[str]) -> str:
    """`value` if it is one of `labels`, letter for letter."""
    if isinstance(value, str) and value in labels:
        return str(value)
    raise refuse(group, f"one of {listed(labels)}", value, allowed=labels)


def number_in(group: str, value: object, low: float, high: float) -> float:
    """`value` as a float if it is a finite real number in `low` .. `high`; no bool, no text."""
    expected = f"a number from {low:g} to {high:g}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise refuse(group, expected, value)
    try:
        number = float(value)
    except OverflowError:
        raise refuse(group, expected, value) from None
    if not low <= number <= high:  # false for NaN too
        raise refuse(group, expected, value)
    return number


def labels_in(group: str, value: object, labels: Collection[str], most: int) -> tuple[str, ...]:
    """`value` as a tuple if it is a list of at most `most` different `labels`."""
    expected = f"a list of at most {most} of {listed(labels)}"
    if not isinstance(value, list | tuple | set | frozenset):
        raise refuse(group, expected, value)
    asked = tuple(label_in(group, entry, labels) for entry in value)
    if len(asked) > most:
        raise fault(group, expected, f"{len(asked)} labels")
    if len(set(asked)) != len(asked):
        raise fault(group, f"{expected}, each once", f"one of {listed(asked)} twice")
    return asked


def weights_in(group: str, value: object, labels: Collection[str]) -> dict[str, float]:
    """The weight of each label asked for: a label alone weighs 1, a mapping blends.

    Weights are finite, in 0 .. 1, and sum to 1 within 0.001; they are not normalised.
    """
    if not isinstance(value, Mapping):
        return {label_in(group, value, labels): 1.0}
    weights = {
        label_in(group, label, labels): number_in(group, weight, 0.0, 1.0)
        for label, weight in value.items()
    }
    total = math.fsum(weights.values())
    if abs(total - 1.0) > 1e-3:
        raise fault(group, "weights that sum to 1", f"weights that sum to {total:g}")
    return weights


def distinct(group: str, labels: Iterable[str]) -> tuple[str, ...]:
    """`labels` as a tuple if there is at least one, all printable and all different."""
    given = tuple(labels)
    for label in given:
        check_word(group, label)
    if not given or len(set(given)) != len(given):
        raise fault(group, "at least one label, each once", listed(given) or "none")
    return given


def check_word(group: str, word: object) -> None:
    """Refuse a name or label that is not printable text without space at its ends."""
    if not isinstance(word, str) or not 1 <= len(word) <= 100:
        raise refuse(group, "text of 1 to 100 characters", word)
    if not word.isprintable() or word != word.strip():
        raise refuse(group, "printable text without space at its ends", word)
