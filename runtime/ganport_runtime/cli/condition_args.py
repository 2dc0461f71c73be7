"""Requests as they are typed: `--set hair=pink`, text lines, files of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

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
from ganport_runtime.errors import BundleError, ConditionError, RequestError
from ganport_runtime.strictjson import parse
from ganport_runtime.values import condition_error, format_choices

_MAX_LINES_BYTES = 2**20


def request_of(
    conditions: Conditions, settings: Iterable[str], text: str | None = None
) -> dict[str, Any]:
    """The request that a text and `--set GROUP=VALUE` options make together.

    A value is a label, a colour or a number; labels of a multi-hot group are parted by commas; a
    blend is a JSON object. Raises `ConditionError`, also for a group asked for twice.
    """
    request = conditions.parse(text) if text else {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ConditionError(
                "--set", expected="GROUP=VALUE", found=repr(setting)[:80], fix="Write hair=pink."
            )
        group = conditions[name]
        if name in request:
            raise condition_error(name, "one value", "a second one")
        request[name] = _value(group, value)
    conditions.encode(request)
    return request


def values_of(conditions: Conditions, name: str) -> dict[str, Any]:
    """Every named value of a group, by its label: what a row or column of a matrix runs over."""
    group = conditions[name]
    if name not in conditions.fields:
        raise _joint(group)
    if not group.labels:
        raise condition_error(
            name, "a group with labels, to make rows or columns of", f"a {group.kind}"
        )
    many = isinstance(group, MultiHot)
    return {label: [label] if many else label for label in group.labels}


def values_along(conditions: Conditions, name: str, steps: int | None = None) -> dict[str, Any]:
    """The values a group is swept through, by what they are called on a sheet.

    Labels one by one, a scalar from its min to its max, colours around the hue circle; the last
    two in `steps` (7 and 12 when None). Raises `ConditionError`.
    """
    group = conditions[name]
    if isinstance(group, Scalar):
        shares = np.linspace(0.0, 1.0, steps or 7).tolist()
        numbers = list(dict.fromkeys(group.blend(group.min, group.max, s) for s in shares))
        return dict(zip(_told_apart(numbers), numbers, strict=True))
    if isinstance(group, Rgb):
        count = steps or 12
        colours = [from_hue(360 * step / count, 0.5) for step in range(count)]
        return dict(zip(colours, colours, strict=True))
    if steps is not None:
        raise condition_error(
            name, "--steps for a scalar or a colour", f"a {group.kind}, which has labels"
        )
    return values_of(conditions, name)


def held_in_words(
    conditions: Conditions, request: ConditionRequest, changed: Collection[str]
) -> str:
    """The value of every group but those `changed`, as in "blue eyes, rosy skin"."""
    values: dict[str, Any] = {}
    for name, value in conditions.complete(request).items():
        joint = name not in conditions.fields
        values |= conditions[name].default | value if joint else {name: value}
    held = [field.describe(values[n]) for n, field in conditions.fields.items() if n not in changed]
    return ", ".join(held)


def requests_in(conditions: Conditions, file: Path) -> list[dict[str, Any]]:
    """The request on each line of a UTF-8 text file that is not empty.

    Raises `RequestError` for a file that cannot be read, and `ConditionError` naming the line.
    """
    requests = []
    for number, line in enumerate(_lines(file), 1):
        try:
            if line.strip():
                requests.append(request_of(conditions, (), line.strip()))
        except ConditionError as error:
            place = f"{file}:{number}: {error.place}"
            raise ConditionError(
                place, expected=error.expected, found=error.found, fix=error.fix
            ) from error
    return requests


def _lines(file: Path) -> list[str]:
    try:
        with file.open("rb") as stream:
            data = stream.read(_MAX_LINES_BYTES + 1)
    except OSError as error:
        fix = "Check the path."
        found = error.strerror or str(error)
        raise RequestError(str(file), expected="a text file", found=found, fix=fix) from error
    if len(data) > _MAX_LINES_BYTES:
        raise RequestError(
            str(file),
            expected="at most 1 MiB of text",
            found="more",
            fix="Give one request on each line.",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise RequestError(
            f"{file}:{line}",
            expected="text in UTF-8",
            found=f"the byte 0x{data[error.start]:02x}",
            fix="Save the file as UTF-8, with one request on each line.",
        ) from error
    # Not str.splitlines: no editor counts its other breaks as lines.
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _told_apart(numbers: Sequence[float]) -> list[str]:
    """Different numbers in as few digits as tell them apart, at least 4."""
    spelled = ([f"{number:.{digits}g}" for number in numbers] for digits in range(4, 18))
    return next(words for words in spelled if len(set(words)) == len(numbers))


def _joint(group: ConditionGroup) -> ConditionError:
    members = [field.name for field in group.fields]
    return ConditionError(
        f"condition {group.name!r}",
        expected=f"a group with labels, or one of its members {format_choices(members)}",
        found=f"a {group.kind}",
        fix=f"Ask for {members[0]!r}.",
    )


def _value(group: ConditionGroup, text: str) -> Any:
    if text[:1] in ("{", "["):
        try:
            return parse(text.encode(), f"--set {group.name}")
        except BundleError as error:
            raise condition_error(group.name, error.expected, error.found) from error
    if isinstance(group, MultiHot):
        return [label.strip() for label in text.split(",") if label.strip()]
    if isinstance(group, Scalar):
        number = group.from_word(text)
        return text if number is None else number
    return text
