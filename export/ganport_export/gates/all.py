"""The gates in their order, and what they measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganport_export.artifact import Artifact
from ganport_export.gates.levels import check_levels
from ganport_export.gates.parity import check_batch_invariance, check_parity
from ganport_export.gates.sensitivity import FACTOR, check_sensitivity, measure_sensitivity
from ganport_export.interface import Interface
from ganport_export.prepare import Prepared


def pass_graphs(artifacts: Sequence[Artifact], prepared: Prepared) -> dict[str, Any]:
    """Gates 2 and 3 for every graph, as plain JSON by file name.

    Raises ParityError or ContractError. A float16 graph is held to its pixels alone.
    """
    return {artifact.path: _pass_graph(artifact, prepared) for artifact in artifacts}


def pass_sensitivity(
    artifacts: Sequence[Artifact], interface: Interface, limit: float, *, allow: bool
) -> dict[str, Any]:
    """Gate 4 on the first graph, as plain JSON; with `allow` a failure is recorded, not raised."""
    player = next(iter(artifacts[0].before_head.values()))
    moved = measure_sensitivity(player, interface)
    ignored = [name for name, distance in moved.items() if distance < FACTOR * limit]
    if not allow:
        check_sensitivity(moved, limit)
    return {"required": FACTOR * limit, "moved": moved, "overridden": ignored}


def _pass_graph(artifact: Artifact, prepared: Prepared) -> dict[str, Any]:
    measured: dict[str, Any] = {}
    error = 0.0
    if artifact.precision == "fp32":
        errors = check_parity(artifact, prepared.samples, prepared.reference, prepared.limit)
        error = max(errors.values())
        measured["error"] = errors
        largest = prepared.samples[-1]
        measured["batch"] = check_batch_invariance(artifact, largest, prepared.limit)
    levels = check_levels(artifact, prepared.samples, prepared.reference, error)
    return measured | {"levels": {way: found.to_json() for way, found in levels.items()}}
