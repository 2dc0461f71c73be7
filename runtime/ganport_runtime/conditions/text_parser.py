"""Requests written as text: `pink hair black eyes`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ganport_runtime.conditions.base import ConditionGroup
from ganport_runtime.errors import ConditionError
from ganport_runtime.values import (
    closest_match,
    condition_error,
    format_choices,
    invalid_value,
    repr_short,
)

_LONGEST = 10_000
Words = tuple[str, ...]


@dataclass(frozen=True)
class _Step:
    """A phrase that ends here: `length` words that ask `group` for `value`."""

    length: int
    group: ConditionGroup
    value: Any


def parse(text: str, groups: Sequence[ConditionGroup]) -> dict[str, Any]:
    """The request that `text` stands for: phrases of `groups` side by side, commas optional.

    Labels and group names may be several words, since every phrase is known beforehand. Raises
    `ConditionError` for a word that belongs to no phrase, a text that can be read in two ways and
    a group asked for twice.
    """
    if len(text) > _LONGEST:
        raise _bad(f"at most {_LONGEST} characters", f"{len(text)}", "Shorten it.")
    return _collect(_steps(_words(text), groups))


def _words(text: str) -> Words:
    return tuple(text.replace(",", " ").split())


def _steps(words: Words, groups: Sequence[ConditionGroup]) -> list[_Step]:
    phrases: dict[Words, list[tuple[ConditionGroup, Any]]] = {}
    for group in groups:
        for phrase, value in group.phrases().items():
            phrases.setdefault(_words(phrase), []).append((group, value))
    longest = max([len(phrase) for phrase in phrases] + [1 + len(_words(g.name)) for g in groups])
    # ways[i] counts the readings of the first i words (2 stands for more); last[i] ends one.
    ways = [1] + [0] * len(words)
    last: list[_Step | None] = [None] * (len(words) + 1)
    for start in range(len(words)):
        for length in range(1, min(longest, len(words) - start) + 1 if ways[start] else 0):
            here = words[start : start + length]
            for group, value in phrases.get(here, []) + _open_ended(here, groups):
                ways[start + length] = min(2, ways[start + length] + ways[start])
                last[start + length] = _Step(length, group, value)
    if not ways[-1]:
        known = max(position for position, count in enumerate(ways) if count)
        raise _unreadable(words[known:], groups, phrases)
    if ways[-1] > 1:
        fix = "Ask with one value for each group instead of a text."
        raise _bad("a text that reads one way", repr(" ".join(words)), fix)
    return _back(last)


def _open_ended(words: Words, groups: Sequence[ConditionGroup]) -> list[tuple[ConditionGroup, Any]]:
    named = [(g, g.from_word(words[0])) for g in groups if words[1:] == _words(g.name)]
    return [(group, value) for group, value in named if value is not None]


def _back(last: Sequence[_Step | None]) -> list[_Step]:
    steps: list[_Step] = []
    position = len(last) - 1
    while step := last[position]:
        steps.append(step)
        position -= step.length
    return steps[::-1]


def _collect(steps: Sequence[_Step]) -> dict[str, Any]:
    request: dict[str, Any] = {}
    for _, group, value in ((step.length, step.group, step.value) for step in steps):
        if group.name not in request:
            request[group.name] = value
        elif isinstance(value, tuple) and value and request[group.name]:
            request[group.name] += value  # labels of a multi-hot group are named one by one
        else:
            found = f"{repr_short(request[group.name])} and {repr_short(value)}"
            raise condition_error(group.name, "one value", found)
    return request


def _unreadable(
    rest: Words,
    groups: Sequence[ConditionGroup],
    phrases: dict[Words, list[tuple[ConditionGroup, Any]]],
) -> ConditionError:
    for end in range(len(rest)):
        for group in groups:
            name = _words(group.name)
            if rest[end : end + len(name)] == name:
                asked = " ".join(rest[:end])
                return invalid_value(group.name, _allowed(group), asked, allowed=group.labels)
    known = [" ".join(phrase) for phrase in phrases]
    near = closest_match(" ".join(rest), known)
    fix = f"Did you mean {near!r}?" if near else "Ask with one value for each group."
    return _bad(f"phrases such as {format_choices(known[:3])}", repr_short(" ".join(rest)), fix)


def _allowed(group: ConditionGroup) -> str:
    return f"one of {format_choices(group.labels)}" if group.labels else "a value it takes"


def _bad(expected: str, found: str, fix: str) -> ConditionError:
    return ConditionError("condition text", expected=expected, found=found, fix=fix)
