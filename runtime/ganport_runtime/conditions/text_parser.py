"""Requests written as text: `pink hair black eyes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganport_runtime.conditions.groups import ConditionGroup
from ganport_runtime.errors import ConditionError
from ganport_runtime.values import (
    condition_error,
    format_choices,
    invalid_value,
    repr_short,
    suggestion,
)

_MAX_LENGTH = 10_000
_PLACE = "condition text"
_USE_VALUES = "Give one value for each group instead of a text."
Words = tuple[str, ...]


@dataclass(frozen=True)
class _Match:
    """A phrase of `length` words that requests `value` of `group`."""

    length: int
    group: ConditionGroup
    value: Any


def parse(text: str, groups: Sequence[ConditionGroup]) -> dict[str, Any]:
    """Return the request that `text` stands for: phrases of `groups` in any order.

    Commas are optional. Labels and group names may have several words, since every phrase is known
    in advance. Raises `ConditionError` for a word that belongs to no phrase, a text with two
    readings and a group that is named twice.
    """
    if len(text) > _MAX_LENGTH:
        expected = f"at most {_MAX_LENGTH} characters"
        raise ConditionError(_PLACE, expected, f"{len(text)}", "Shorten the text.")
    return _merge(_match_phrases(_split(text), groups))


def _split(text: str) -> Words:
    return tuple(text.replace(",", " ").split())


def _match_phrases(words: Words, groups: Sequence[ConditionGroup]) -> list[_Match]:
    """Return the phrases that `words` consist of."""
    phrases: dict[Words, list[tuple[ConditionGroup, Any]]] = {}
    for group in groups:
        for phrase, value in group.phrases().items():
            phrases.setdefault(_split(phrase), []).append((group, value))
    names: dict[Words, list[ConditionGroup]] = {}
    for group in groups:
        names.setdefault(_split(group.name), []).append(group)
    longest = max([len(phrase) for phrase in phrases] + [1 + len(name) for name in names])
    # readings[i] counts the readings of the first i words, at most 2; last[i] ends one of them.
    readings = [1] + [0] * len(words)
    last: list[_Match | None] = [None] * (len(words) + 1)
    for start in range(len(words)):
        for length in range(1, min(longest, len(words) - start) + 1 if readings[start] else 0):
            part = words[start : start + length]
            for group, value in phrases.get(part, []) + _open_ended(part, names):
                readings[start + length] = min(2, readings[start + length] + readings[start])
                last[start + length] = _Match(length, group, value)
    if not readings[-1]:
        matched = max(position for position, count in enumerate(readings) if count)
        raise _unknown_phrase(words[matched:], groups, phrases)
    if readings[-1] > 1:
        raise ConditionError(
            _PLACE, "a text with one reading", repr_short(" ".join(words)), _USE_VALUES
        )
    return _trace_back(last)


def _open_ended(
    phrase: Words, names: Mapping[Words, Sequence[ConditionGroup]]
) -> list[tuple[ConditionGroup, Any]]:
    """Return the groups, with the value, for which `phrase` is an open word and their name."""
    named = [(group, group.from_word(phrase[0])) for group in names.get(phrase[1:], ())]
    return [(group, value) for group, value in named if value is not None]


def _trace_back(last: Sequence[_Match | None]) -> list[_Match]:
    matches: list[_Match] = []
    position = len(last) - 1
    while match := last[position]:
        matches.append(match)
        position -= match.length
    return matches[::-1]


def _merge(matches: Sequence[_Match]) -> dict[str, Any]:
    request: dict[str, Any] = {}
    for match in matches:
        name, value = match.group.name, match.value
        if name not in request:
            request[name] = value
        elif isinstance(value, tuple) and value and request[name]:
            request[name] += value  # each label of a multi-hot group is a phrase
        else:
            found = f"{repr_short(request[name])} and {repr_short(value)}"
            raise condition_error(name, "one value", found, "Name the group once.")
    return request


def _unknown_phrase(
    rest: Words,
    groups: Sequence[ConditionGroup],
    phrases: dict[Words, list[tuple[ConditionGroup, Any]]],
) -> ConditionError:
    """Return the error for words that start with no phrase."""
    for end in range(len(rest)):
        for group in groups:
            name = _split(group.name)
            if rest[end : end + len(name)] == name:
                labels = group.labels
                expected = f"one of {format_choices(labels)}" if labels else "a value it takes"
                value = " ".join(rest[:end])
                fix = f"Write for example {group.describe(group.default)!r}."
                return invalid_value(group.name, expected, value, allowed=labels, fix=fix)
    known = [" ".join(phrase) for phrase in phrases]
    return ConditionError(
        _PLACE,
        f"phrases such as {format_choices(known[:3])}",
        repr_short(" ".join(rest)),
        suggestion(" ".join(rest), known, _USE_VALUES),
    )
