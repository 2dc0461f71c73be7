"""The parity and provenance records of a bundle as rows of text.

These records may contain any JSON. A value of an unexpected form is shown as it is, and no value
can send control characters to a terminal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ganport_runtime.errors import BundleError
from ganport_runtime.strictjson import JsonObject, check_integer, check_number, check_text
from ganport_runtime.values import sanitize

Row = tuple[str, str]
"""A name and its value."""

_MAX_COUNT = 2**53
_MAX_LENGTH = 300
_SUMMARIZED = ("reference", "batches", "limit", "graphs", "sensitivity")


def parity_rows(parity: Mapping[str, Any]) -> list[Row]:
    """Return a row for the reference, each graph, each input and an override, then the rest."""
    try:
        rows = list(_summarize(parity))
    except BundleError:
        return list(_flatten(parity))
    rest = _unsummarized(parity)
    rest.pop("weights", None)
    return rows + list(_flatten(rest))


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


def _summarize(record: Mapping[str, Any]) -> Iterator[Row]:
    parity = JsonObject(dict(record), "parity")
    sizes = [
        check_integer(size, "batches", 1, _MAX_COUNT) for size in parity.items("batches", limit=64)
    ]
    yield "reference", f"{parity.text('reference')}, batches of {', '.join(map(str, sizes))}"
    limit = parity.number("limit")
    graphs = parity.object("graphs")
    for path in parity.mapping("graphs"):
        yield sanitize(path), _format_graph(graphs.mapping(path), limit)
    if "weights" in record:
        weights = parity.object("weights")
        rounded, of = (weights.integer(key, 0, _MAX_COUNT) for key in ("rounded", "of"))
        levels = _format_levels(*_read_levels(weights))
        yield "weights", f"{rounded:,} of {of:,} rounded to float16; {levels}"
    sensitivity = parity.object("sensitivity")
    yield from _sensitivity_rows(sensitivity, "{}", "pixels", " on a scale of [-1, 1]")
    if "encoder" in record:
        encoder = parity.object("encoder").object("sensitivity")
        yield from _sensitivity_rows(encoder, "encoder: {}", "noise", "")


def _unsummarized(parity: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in parity.items() if key not in _SUMMARIZED}
    if isinstance(parity.get("encoder"), dict):
        rest["encoder"] = _unsummarized(parity["encoder"])
    return rest


def _format_graph(record: Mapping[str, Any], default_limit: float) -> str:
    graph = JsonObject(dict(record), "graphs")
    levels = [_read_levels(JsonObject(mode, "levels")) for mode in graph.mapping("levels").values()]
    parts = []
    if record.get("error"):  # a float16 graph has only levels
        error = max(check_number(error, "error") for error in graph.mapping("error").values())
        limit = graph.number("limit") if "limit" in record else default_limit
        parts.append(f"error at most {error:.3g} (limit {limit:.3g})")
    if levels:  # noise has no levels
        parts.append(_format_levels(*max(levels)))
    return "; ".join(parts)


def _read_levels(diff: JsonObject) -> tuple[int, int, int]:
    largest, different, values = (
        diff.integer(key, 0, _MAX_COUNT) for key in ("max", "different", "values")
    )
    return largest, different, values


def _format_levels(largest: int, different: int, values: int) -> str:
    levels = f"at most {largest} level{'' if largest == 1 else 's'} off"
    return f"{levels}, on {different:,} of {values:,} values"


def _sensitivity_rows(
    sensitivity: JsonObject, name_format: str, output: str, scale: str
) -> Iterator[Row]:
    required = f"{sensitivity.number('required'):.2g} required"
    for name, distance in sensitivity.mapping("moved").items():
        change = f"{check_number(distance, 'moved'):.3g}{scale}"
        yield name_format.format(sanitize(name)), f"changes {output} by up to {change} ({required})"
    ignored = sensitivity.items("overridden", limit=_MAX_LENGTH)
    if ignored:
        names = ", ".join(check_text(name, "overridden") for name in ignored)
        yield name_format.format("overridden"), f"{names}: ignored, but exported on request"


def _flatten(values: Mapping[str, Any], indent: str = "") -> Iterator[Row]:
    for key, value in values.items():
        name = f"{indent}{sanitize(key)}"
        if isinstance(value, dict) and value:
            yield name, ""
            yield from _flatten(value, indent + "  ")
        else:
            yield name, format_value(value)
