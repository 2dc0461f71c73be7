"""The parity and provenance records of a bundle as rows of text.

These records may contain any JSON. A record of an unexpected form is shown value by value. Control
characters are escaped, because they could change the state of a terminal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ganport_runtime.values import sanitize

Row = tuple[str, str]
"""A name and its value."""

_MAX_LENGTH = 300
_SUMMARIZED = ("reference", "batches", "limit", "graphs", "sensitivity", "weights")
_FORM_ERRORS = (LookupError, TypeError, ValueError, AttributeError, OverflowError)


def parity_rows(parity: Mapping[str, Any]) -> list[Row]:
    """Return rows for the reference, the graphs, the inputs and overrides, then for the rest."""
    try:
        rows = [(sanitize(name), sanitize(text, _MAX_LENGTH)) for name, text in _summarize(parity)]
    except _FORM_ERRORS:
        return list(_flatten(parity))
    return rows + list(_flatten(_unsummarized(parity)))


def provenance_rows(provenance: Mapping[str, Any]) -> list[Row]:
    """Return a row for every fact, and one row for all packages."""
    packages = provenance.get("packages")
    if not isinstance(packages, dict):
        return list(_flatten(provenance))
    versions = ", ".join(f"{name} {format_value(version)}" for name, version in packages.items())
    return list(_flatten({**provenance, "packages": versions}))


def format_value(value: object) -> str:
    """Return any JSON value as one printable line."""
    if isinstance(value, float):
        return f"{value:.3g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return sanitize(text, _MAX_LENGTH)


def _summarize(parity: Mapping[str, Any]) -> Iterator[Row]:
    sizes = ", ".join(str(size) for size in parity["batches"])
    yield "reference", f"{parity['reference']}, batches of {sizes}"
    for path, graph in parity["graphs"].items():
        yield path, _format_graph(graph, parity["limit"])
    if weights := parity.get("weights"):
        count = f"{weights['rounded']:,} of {weights['of']:,} rounded to float16"
        yield "weights", f"{count}; {_format_levels(weights)}"
    sensitivity = parity["sensitivity"]
    yield from _sensitivity_rows(sensitivity, "", "pixels", " on a scale of [-1, 1]")
    if encoder := parity.get("encoder"):
        yield from _sensitivity_rows(encoder["sensitivity"], "encoder: ", "noise", "")


def _unsummarized(parity: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in parity.items() if key not in _SUMMARIZED}
    if isinstance(parity.get("encoder"), dict):
        rest["encoder"] = _unsummarized(parity["encoder"])
    return rest


def _format_graph(graph: Mapping[str, Any], default_limit: float) -> str:
    parts = []
    if errors := graph.get("error"):  # a float16 graph has only levels
        limit = graph.get("limit", default_limit)
        parts.append(f"error at most {max(errors.values()):.3g} (limit {limit:.3g})")
    if graph["levels"]:  # noise has no levels
        parts.append(_format_levels(max(graph["levels"].values(), key=_level_order)))
    return "; ".join(parts)


def _level_order(diff: Mapping[str, int]) -> tuple[int, int]:
    return diff["max"], diff["different"]


def _format_levels(diff: Mapping[str, int]) -> str:
    levels = f"at most {diff['max']} level{'' if diff['max'] == 1 else 's'} off"
    return f"{levels}, on {diff['different']:,} of {diff['values']:,} values"


def _sensitivity_rows(
    sensitivity: Mapping[str, Any], prefix: str, output: str, scale: str
) -> Iterator[Row]:
    required = f"{sensitivity['required']:.2g} required"
    for name, change in sensitivity["moved"].items():
        yield f"{prefix}{name}", f"changes {output} by up to {change:.3g}{scale} ({required})"
    if ignored := sensitivity["overridden"]:
        yield f"{prefix}overridden", f"{', '.join(ignored)}: ignored, but exported on request"


def _flatten(values: Mapping[str, Any], indent: str = "") -> Iterator[Row]:
    for key, value in values.items():
        name = f"{indent}{sanitize(key)}"
        if isinstance(value, dict) and value:
            yield name, ""
            yield from _flatten(value, indent + "  ")
        else:
            yield name, format_value(value)
