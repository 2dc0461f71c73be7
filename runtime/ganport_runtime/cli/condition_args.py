"""Condition requests from the command line: `--set hair=pink`, text, and files of text lines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from ganport_runtime.conditions import (
    ConditionGroup,
    ConditionRequest,
    Conditions,
    MultiHot,
    Rgb,
    Scalar,
)
from ganport_runtime.conditions.colors import from_hue
from ganport_runtime.errors import BundleError, ConditionError
from ganport_runtime.files import read_lines
from ganport_runtime.strictjson import parse
from ganport_runtime.values import condition_error, format_choices

_SCALAR_STEPS, _COLOR_STEPS = 7, 12


class GreedyCommand(click.Command):
    """A command whose options `--images` and `--set` take several words.

    `--images a.png b.png` takes all words up to the next option, `--set a=1 b=2` those with "=".
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words, with `--images a b` expanded to `--images a --images b`."""
        words = repeat_option(args, "--images", lambda word: True)
        return super().parse_args(
            ctx, list(repeat_option(words, "--set", lambda word: "=" in word))
        )


def repeat_option(
    words: Iterable[str], option: str, is_value: Callable[[str], bool]
) -> Iterator[str]:
    """Yield the words, with `option` before each of the values that follow it."""
    count = 0  # words since the option, including the option
    for word in words:
        if word == option:
            count = 1
        elif count and not word.startswith("-") and (count == 1 or is_value(word)):
            if count > 1:
                yield option
            count += 1
        else:
            count = 0
        yield word


def parse_request(
    conditions: Conditions, settings: Iterable[str], text: str | None = None
) -> dict[str, Any]:
    """Return the request from a text and from `--set GROUP=VALUE` options.

    A value is a label, a color or a number. Labels of a multi-hot group are separated by commas; a
    blend is a JSON object. Raises `ConditionError`, also for a group that is set twice.
    """
    request = conditions.parse(text) if text else {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ConditionError("--set", "GROUP=VALUE", repr(setting)[:80], "Write hair=pink.")
        group = conditions[name]
        if name in request:
            raise condition_error(name, "one value", "a second one", "Set each group once.")
        request[name] = _parse_value(group, value)
    conditions.encode(request)
    return request


def read_requests(conditions: Conditions, file: Path) -> list[dict[str, Any]]:
    """Return the request on each non-empty line of a UTF-8 text file.

    Raises `RequestError` for a file that cannot be read, and `ConditionError` with the line number.
    """
    requests = []
    for number, line in enumerate(read_lines(file, "request"), 1):
        try:
            if line.strip():
                requests.append(parse_request(conditions, (), line.strip()))
        except ConditionError as error:
            place = f"{file}:{number}: {error.place}"
            raise ConditionError(place, error.expected, error.found, error.fix) from error
    return requests


def label_values(conditions: Conditions, name: str) -> dict[str, Any]:
    """Return every named value of a group by its label; raises `ConditionError` without labels."""
    group = conditions[name]
    if name not in conditions.fields:
        members = [field.name for field in group.fields]
        raise ConditionError(
            f"condition {name!r}",
            f"a group with labels, or one of its members {format_choices(members)}",
            f"a {group.kind}",
            f"Name {members[0]!r}.",
        )
    if not group.labels:
        fix = f"Run: sample-gan sweep BUNDLE --group {name}"
        raise condition_error(name, "a group with labels", f"a {group.kind}", fix)
    is_list = isinstance(group, MultiHot)
    return {label: [label] if is_list else label for label in group.labels}


def sweep_values(conditions: Conditions, name: str, steps: int | None = None) -> dict[str, Any]:
    """Return the values of a sweep through a group, by their label on a sheet.

    A sweep goes through the labels, from the minimum of a scalar to its maximum (in 7 steps by
    default), or through colors around the hue circle (12). Raises `ConditionError`.
    """
    group = conditions[name]
    if isinstance(group, Scalar):
        fractions = np.linspace(0.0, 1.0, steps or _SCALAR_STEPS).tolist()
        numbers = list(dict.fromkeys(group.blend(group.min, group.max, t) for t in fractions))
        return dict(zip(_format_distinct(numbers), numbers, strict=True))
    if isinstance(group, Rgb):
        count = steps or _COLOR_STEPS
        colors = [from_hue(360 * step / count, 0.5) for step in range(count)]
        return dict(zip(colors, colors, strict=True))
    if steps is not None:
        found, fix = f"a {group.kind} group", "Leave --steps out: each label has a column."
        raise condition_error(name, "--steps for a scalar or a color", found, fix)
    return label_values(conditions, name)


def describe_fixed(
    conditions: Conditions, request: ConditionRequest, changed: Collection[str]
) -> str:
    """Return the value of every group but those `changed`, as in "blue eyes, rosy skin"."""
    values: dict[str, Any] = {}
    for name, value in conditions.complete(request).items():
        is_joint = name not in conditions.fields
        values |= conditions[name].default | value if is_joint else {name: value}
    fields = conditions.fields.items()
    return ", ".join(field.describe(values[n]) for n, field in fields if n not in changed)


def _parse_value(group: ConditionGroup, text: str) -> Any:
    if text[:1] in ("{", "["):
        try:
            return parse(text.encode(), f"--set {group.name}")
        except BundleError as error:
            fix = """Write JSON in quotation marks, for example '{"pink": 0.5, "red": 0.5}'."""
            raise condition_error(group.name, error.expected, error.found, fix) from error
    if isinstance(group, MultiHot):
        return [label.strip() for label in text.split(",") if label.strip()]
    if isinstance(group, Scalar):
        number = group.from_word(text)
        return text if number is None else number
    return text


def _format_distinct(numbers: Sequence[float]) -> list[str]:
    """Format different numbers with at least 4 digits, and as many as make the texts differ."""
    candidates = ([f"{number:.{digits}g}" for number in numbers] for digits in range(4, 18))
    return next(texts for texts in candidates if len(set(texts)) == len(numbers))
