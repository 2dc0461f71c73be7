"""Every option of a recipe in lines to read: name, default, what it does, what it may be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, get_type_hints

from ganport_train.config.parsing import Rule


def describe(kind: type) -> list[str]:
    """One line for each option of the dataclass `kind` and its sections, in columns.

    A line holds `section.option`, the default as TOML writes it, the documentation, and the
    range or the choices: `data.resolution  64  height and width in pixels; a power of two ...`.
    """
    rows = list(_rows(kind, ""))
    wide, wider = (max(len(row[column]) for row in rows) for column in (0, 1))
    return [f"{name:<{wide}}  {default:<{wider}}  {doc}" for name, default, doc in rows]


def _rows(kind: type, prefix: str) -> Iterator[tuple[str, str, str]]:
    assert is_dataclass(kind)
    hints = get_type_hints(kind)
    for entry in fields(kind):
        if is_dataclass(hints[entry.name]):
            yield from _rows(hints[entry.name], f"{prefix}{entry.name}.")
        else:
            yield prefix + entry.name, _default(entry), _meaning(entry.metadata["rule"])


def _default(entry: Field[Any]) -> str:
    if entry.default_factory is not MISSING:
        return json.dumps(entry.default_factory())
    return "required" if entry.default is MISSING else json.dumps(entry.default)


def _meaning(rule: Rule) -> str:
    allowed = " | ".join(rule.choices) or rule.range
    return f"{rule.doc}; {allowed}" if allowed else rule.doc
