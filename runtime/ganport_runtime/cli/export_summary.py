"""What its export recorded in a bundle, as rows a person can read.

Parity and provenance may hold anything: what is not as the exporter writes it is shown as it
stands, and nothing of it can command a terminal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ganport_runtime.errors import BundleError
from ganport_runtime.strictjson import JsonObject, check_integer, check_number, check_text
from ganport_runtime.values import sanitize

Row = tuple[str, str]  # a name and what is said of it

_MOST = 2**53  # whole numbers beyond it are no counts
_LONGEST = 300  # characters of a value shown
_SUMMED_UP = ("reference", "batches", "limit", "graphs", "sensitivity")


def parity_rows(parity: Mapping[str, Any]) -> list[Row]:
    """The reference, a row for each graph and each input, an override; then whatever else."""
    try:
        rows = list(_measured(parity))
    except BundleError:
        return list(_nested(parity))
    others = _others(parity)
    others.pop("weights", None)  # an encoder's stay: noise has no levels to tell them by
    return rows + list(_nested(others))


def provenance_rows(provenance: Mapping[str, Any]) -> list[Row]:
    """Every fact in its order, the packages in one row."""
    packages = provenance.get("packages")
    if not isinstance(packages, dict):
        return list(_nested(provenance))
    listed = ", ".join(f"{name} {short(version)}" for name, version in packages.items())
    return list(_nested({**provenance, "packages": listed}))


def _measured(given: Mapping[str, Any]) -> Iterator[Row]:
    parity = JsonObject(dict(given), "parity")
    sizes = [check_integer(size, "batches", 1, _MOST) for size in parity.items("batches", limit=64)]
    yield "reference", f"{parity.text('reference')}, batches of {', '.join(map(str, sizes))}"
    limit = parity.number("limit")
    graphs = parity.object("graphs")
    for path in parity.mapping("graphs"):
        yield sanitize(path), _graph(graphs.mapping(path), limit)
    if "weights" in given:
        yield "weights", _rounding(parity.object("weights"))
    yield from _sensitivity(parity.object("sensitivity"), "{}", "pixels", " on a scale of [-1, 1]")
    if "encoder" in given:
        encoder = parity.object("encoder").object("sensitivity")
        yield from _sensitivity(encoder, "encoder: {}", "noise", "")


def _others(parity: Mapping[str, Any]) -> dict[str, Any]:
    """What has no row of its own, the encoder's part of it under its name."""
    others = {key: value for key, value in parity.items() if key not in _SUMMED_UP}
    if isinstance(parity.get("encoder"), dict):
        others["encoder"] = _others(parity["encoder"])
    return others


def _graph(graph: Mapping[str, Any], limit: float) -> str:
    fields = JsonObject(dict(graph), "graphs")
    counts = [_counts(JsonObject(way, "levels")) for way in fields.mapping("levels").values()]
    told = []
    if graph.get("error"):  # a float16 graph is held to its levels alone
        error = max(check_number(error, "error") for error in fields.mapping("error").values())
        own = fields.number("limit") if "limit" in graph else limit
        told.append(f"error at most {error:.3g} (limit {own:.3g})")
    if counts:  # noise has no levels
        told.append(_levels(*max(counts)))
    return "; ".join(told)


def _rounding(weights: JsonObject) -> str:
    rounded, of = (weights.integer(key, 0, _MOST) for key in ("rounded", "of"))
    return f"{rounded:,} of {of:,} rounded to float16; {_levels(*_counts(weights))}"


def _counts(levels: JsonObject) -> tuple[int, int, int]:
    most, different = levels.integer("max", 0, _MOST), levels.integer("different", 0, _MOST)
    return most, different, levels.integer("values", 0, _MOST)


def _levels(most: int, different: int, values: int) -> str:
    levels = f"{most} level{'' if most == 1 else 's'} off at most"
    return f"{levels}, on {different:,} of {values:,} values"


def _sensitivity(sensitivity: JsonObject, row: str, what: str, scale: str) -> Iterator[Row]:
    required = f"{sensitivity.number('required'):.2g} required"
    for name, distance in sensitivity.mapping("moved").items():
        moved = f"{check_number(distance, 'moved'):.3g}{scale}"
        yield row.format(sanitize(name)), f"moves {what} by up to {moved} ({required})"
    ignored = sensitivity.items("overridden", limit=_LONGEST)
    if ignored:
        names = ", ".join(check_text(name, "overridden") for name in ignored)
        yield row.format("overridden"), f"{names}: exported on request although ignored"


def _nested(values: Mapping[str, Any], indent: str = "") -> Iterator[Row]:
    for key, value in values.items():
        name = f"{indent}{sanitize(key)}"
        if isinstance(value, dict) and value:
            yield name, ""
            yield from _nested(value, indent + "  ")
        else:
            yield name, short(value)


def short(value: object) -> str:
    """Any JSON value on one line, safe to show."""
    if isinstance(value, float):
        return f"{value:.3g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return sanitize(text, _LONGEST)
