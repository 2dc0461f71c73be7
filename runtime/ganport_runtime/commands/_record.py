"""What its export recorded in a bundle, as rows a person can read.

Parity and provenance may hold anything: what is not as the exporter writes it is shown as it
stands, and nothing of it can command a terminal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ganport_runtime.errors import BundleError
from ganport_runtime.strictjson import Fields, check_integer, check_number, check_text
from ganport_runtime.values import printable

Row = tuple[str, str]  # a name and what is said of it

_MOST = 2**53  # whole numbers beyond it are no counts
_LONGEST = 300  # characters of a value shown
_SUMMED_UP = ("reference", "batches", "limit", "graphs", "sensitivity")


def parity_rows(parity: Mapping[str, Any]) -> list[Row]:
    """The reference, a row for each graph and each input, an override; then whatever else."""
    try:
        rows = list(_measured(Fields(dict(parity), "parity")))
    except BundleError:
        return list(_nested(parity))
    return rows + list(_nested({k: v for k, v in parity.items() if k not in _SUMMED_UP}))


def provenance_rows(provenance: Mapping[str, Any]) -> list[Row]:
    """Every fact in its order, the packages in one row."""
    packages = provenance.get("packages")
    if not isinstance(packages, dict):
        return list(_nested(provenance))
    listed = ", ".join(f"{name} {short(version)}" for name, version in packages.items())
    return list(_nested({**provenance, "packages": listed}))


def _measured(parity: Fields) -> Iterator[Row]:
    sizes = [check_integer(size, "batches", 1, _MOST) for size in parity.items("batches", limit=64)]
    yield "reference", f"{parity.text('reference')}, batches of {', '.join(map(str, sizes))}"
    limit = parity.number("limit")
    graphs = parity.object("graphs")
    for path in parity.mapping("graphs"):
        yield printable(path), _graph(graphs.mapping(path), limit)
    yield from _sensitivity(parity.object("sensitivity"))


def _graph(graph: Mapping[str, Any], limit: float) -> str:
    fields = Fields(dict(graph), "graphs")
    ways = [Fields(way, "levels") for way in fields.mapping("levels").values()]
    counts = [
        [way.integer(key, 0, _MOST) for key in ("max", "different", "values")] for way in ways
    ]
    most, different, values = max(counts, default=(0, 0, 0))
    levels = f"{most} level{'' if most == 1 else 's'} off at most, on {different:,} of {values:,}"
    if not graph.get("error"):  # a float16 graph is held to its levels alone
        return f"{levels} values"
    error = max(check_number(error, "error") for error in fields.mapping("error").values())
    return f"error at most {error:.3g} (limit {limit:.3g}); {levels} values"


def _sensitivity(sensitivity: Fields) -> Iterator[Row]:
    required = f"{sensitivity.number('required'):.2g} required"
    for name, distance in sensitivity.mapping("moved").items():
        moved = f"{check_number(distance, 'moved'):.3g} on a scale of [-1, 1]"
        yield printable(name), f"moves pixels by up to {moved} ({required})"
    ignored = sensitivity.items("overridden", limit=_LONGEST)
    if ignored:
        names = ", ".join(check_text(name, "overridden") for name in ignored)
        yield "overridden", f"{names}: exported on request although ignored"


def _nested(values: Mapping[str, Any], indent: str = "") -> Iterator[Row]:
    for key, value in values.items():
        name = f"{indent}{printable(key)}"
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
    return printable(text, _LONGEST)
