"""The gates in their order, and what they measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ganport_export.checks.parity import check_batch_invariance, check_parity
from ganport_export.checks.pixel_diff import check_levels, check_rounding
from ganport_export.checks.sensitivity import FACTOR, check_sensitivity, measure_sensitivity
from ganport_export.prepare import Prepared
from ganport_export.runners import Artifact
from ganport_export.test_inputs import BATCHES


def pass_graphs(artifacts: Sequence[Artifact], prepared: Prepared) -> dict[str, Any]:
    """Gates 2 and 3 for every file of a graph, as plain JSON by file name.

    Raises ParityError or ContractError. A float16 graph is held to its pixels alone, and z has
    none: an encoder is held to its float error. A file with rounded weights is held to what such
    weights draw in float32; `pass_rounding` holds those to the network.
    """
    return {artifact.path: _pass_graph(artifact, prepared) for artifact in artifacts}


def pass_rounding(artifacts: Sequence[Artifact], prepared: Prepared) -> dict[str, Any]:
    """What the rounding of weights did to the first file of a graph, as plain JSON, if anything.

    The graph before it is held to the network like any other; the pixels after it to what
    float16 may do to them. Raises ParityError.
    """
    rounding = artifacts[0].rounding
    if rounding is None:
        return {}
    stem = prepared.interface.stem
    whole = replace(artifacts[0], path=f"{stem} before rounding", before_head=rounding.before)
    before = check_parity(whole, prepared.samples, prepared.reference, prepared.limit)
    moved = check_rounding(f"{stem} with rounded weights", rounding.reference, prepared.reference)
    told = {"stored": "float16", "rounded": rounding.rounded, "of": rounding.weights}
    told |= {"error_before": max(before.values()), "max": moved.max, "different": moved.different}
    return {"weights": told | {"over_one": moved.over_one, "values": moved.values}}


def pass_sensitivity(
    artifacts: Sequence[Artifact], prepared: Prepared, *, allow: bool
) -> dict[str, Any]:
    """Gate 4 on a graph's first file, as plain JSON.

    Raises ContractError; with `allow` a failure is recorded instead.
    """
    limit, interface = prepared.limit, prepared.interface
    player = next(iter(artifacts[0].before_head.values()))
    moved = measure_sensitivity(player, interface)
    ignored = [name for name, distance in moved.items() if distance < FACTOR * limit]
    if not allow:
        check_sensitivity(moved, limit, interface.stem)
    return {"required": FACTOR * limit, "moved": moved, "overridden": ignored}


def measured(
    prepared: Sequence[Prepared],
    graphs: Sequence[Mapping[str, Any]],
    sensitivity: Sequence[Mapping[str, Any]],
    rounding: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """What the gates measured of every part, for the manifest.

    The first part's own figures stand at the top, an encoder's under its name; `limit` is the
    largest of all, by which a reader may judge any float output.
    """
    own = [
        {"torch_float32": one.own_error, "clipped": one.clipped, "sensitivity": moved, **near}
        for one, moved, near in zip(prepared, sensitivity, rounding, strict=True)
    ]
    others = {one.interface.stem: figures for one, figures in zip(prepared, own, strict=True)}
    del others[prepared[0].interface.stem]
    return {
        "reference": "torch float64",
        "batches": list(BATCHES),
        "limit": max(one.limit for one in prepared),
        "graphs": {path: found for files in graphs for path, found in files.items()},
        **own[0],
        **others,
    }


def _pass_graph(artifact: Artifact, prepared: Prepared) -> dict[str, Any]:
    measured: dict[str, Any] = {"limit": prepared.limit, "levels": {}}
    reference = artifact.rounding.reference if artifact.rounding else prepared.reference
    error = 0.0
    if artifact.precision == "fp32":
        errors = check_parity(artifact, prepared.samples, reference, prepared.limit)
        error = max(errors.values())
        measured["error"] = errors
        largest = prepared.samples[-1]
        measured["batch"] = check_batch_invariance(artifact, largest, prepared.limit)
    if artifact.interface.output == "image":
        levels = check_levels(artifact, prepared.samples, reference, error)
        measured["levels"] = {way: found.to_json() for way, found in levels.items()}
    return measured
