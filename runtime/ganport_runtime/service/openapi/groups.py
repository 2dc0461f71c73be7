"""Condition groups as JSON schemas: which values a bundle allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganport_runtime.conditions import (
    ConditionGroup,
    Conditions,
    JointOneHot,
    MultiHot,
    Rgb,
    Scalar,
)
from ganport_runtime.values import format_choices

Schema = dict[str, Any]


def schema_of(conditions: Conditions) -> Schema:
    """The JSON object that asks for conditions; what is left out takes its default."""
    properties = {name: _group(group) for name, group in conditions.fields.items()}
    for group in conditions.groups:
        if isinstance(group, JointOneHot):
            properties[group.name] = _joint(group)
    words = f"As text: {conditions.caption()!r}." if conditions.groups else "It takes none."
    return _object(properties, words)


def _group(group: ConditionGroup) -> Schema:
    if isinstance(group, Scalar):
        allowed: Schema = {"type": "number", "minimum": group.min, "maximum": group.max}
    elif isinstance(group, Rgb):
        allowed = {"anyOf": _colours(group)}
    elif isinstance(group, MultiHot):
        some = {"type": "array", "items": _labels(group), "uniqueItems": True}
        allowed = {
            "anyOf": [some | {"maxItems": group.max_active}, _shares(group.labels, "Shares.")]
        }
    else:
        words = "Weights that sum to 1."
        allowed = {"anyOf": [_labels(group), _shares(group.labels, words)]}
    default = list(group.default) if isinstance(group.default, tuple) else group.default
    return allowed | {"description": f"A group of kind {group.kind}.", "default": default}


def _colours(group: Rgb) -> list[Schema]:
    channel = {"type": "number", "minimum": 0, "maximum": 255}
    three = {"type": "array", "items": channel, "minItems": 3, "maxItems": 3}
    colours: list[Schema] = [{"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"}, three]
    return [*colours, _labels(group)] if group.labels else colours


def _joint(group: JointOneHot) -> Schema:
    names = format_choices([member.name for member in group.of])
    return _object({member.name: _group(member) for member in group.of}, f"Or by {names}.")


def _labels(group: ConditionGroup) -> Schema:
    return {"type": "string", "enum": list(group.labels)}


def _shares(labels: Sequence[str], words: str) -> Schema:
    share = {"type": "number", "minimum": 0, "maximum": 1}
    return _object(dict.fromkeys(labels, share), words)


def _object(properties: Schema, words: str) -> Schema:
    return {
        "type": "object",
        "description": words,
        "properties": properties,
        "additionalProperties": False,
    }
