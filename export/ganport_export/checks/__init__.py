"""The checks that every graph must pass before a bundle is written.

1. `structure`: a graph is valid ONNX and has the form of the contract.
2. `parity` and `pixel_diff`: its outputs and pixels equal those of the network.
3. `parity`: the output of a row does not depend on the batch.
4. `parity`: every input changes the output.
5. `preflight`: the network is in eval mode, initialized and finite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ganport_export.artifact import Artifact, ExportInput
from ganport_export.checks.divergence import explain
from ganport_export.checks.head_diff import check_pixels
from ganport_export.checks.parity import (
    SENSITIVITY_FACTOR,
    check_batch_invariance,
    check_parity,
    check_sensitivity,
    measure_sensitivity,
)
from ganport_export.checks.pixel_diff import check_rounded_weights
from ganport_export.checks.structure import check_structure
from ganport_export.errors import ParityError
from ganport_export.options import ExportOptions
from ganport_export.test_inputs import BATCH_SIZES

Json = dict[str, Any]


@dataclass(frozen=True)
class CheckResult:
    """Measurements of the checks on the files of one network, as plain JSON."""

    export_input: ExportInput
    graphs: Json
    """By file name."""
    rounding: Json
    sensitivity: Json

    @property
    def max_error(self) -> float:
        """Largest error of a float32 file."""
        errors = (e for graph in self.graphs.values() for e in graph.get("error", {}).values())
        return float(max(errors))


def run_checks(
    artifacts: Sequence[Artifact], export_input: ExportInput, options: ExportOptions
) -> CheckResult:
    """Run every check on the files of one network.

    Raises ContractError, UnsupportedError or ParityError.
    """
    for artifact in artifacts:
        if artifact.raw_data:
            for final, data in ((False, artifact.raw_data), (True, artifact.data)):
                check_structure(
                    data,
                    artifact.path if final else f"{artifact.path}, raw",
                    export_input.interface,
                    options,
                    final=final,
                    modules=artifact.modules,
                )
    rounding = _check_rounding(artifacts[0], export_input)
    graphs = {artifact.path: _check_graph(artifact, export_input) for artifact in artifacts}
    sensitivity = _check_sensitivity(artifacts[0], export_input, options)
    return CheckResult(export_input, graphs, rounding, sensitivity)


def summarize(results: Sequence[CheckResult]) -> Json:
    """Return the measurements of all networks for the manifest.

    The values of the first network are at the top level, those of an encoder under "encoder".
    `limit` is the largest of all limits, by which a reader can judge any float output.
    """
    parts = [
        {
            "torch_float32": result.export_input.own_error,
            "clipped": result.export_input.clipped,
            "sensitivity": result.sensitivity,
            **result.rounding,
        }
        for result in results
    ]
    others = zip(results[1:], parts[1:], strict=True)
    return {
        "reference": "torch float64",
        "batches": list(BATCH_SIZES),
        "limit": max(result.export_input.limit for result in results),
        "graphs": {path: found for result in results for path, found in result.graphs.items()},
        **parts[0],
        **{result.export_input.interface.stem: part for result, part in others},
    }


def _check_graph(artifact: Artifact, export_input: ExportInput) -> Json:
    """Check one file against the network, or against the rounded weights that it contains.

    A float16 graph is checked by its pixels only. The output z of an encoder has no pixels.
    """
    measured: Json = {"limit": export_input.limit, "levels": {}}
    reference = artifact.rounding.reference if artifact.rounding else export_input.reference
    max_error = 0.0
    if artifact.file.precision == "fp32":
        try:
            errors = check_parity(artifact, export_input.batches, reference, export_input.limit)
        except ParityError as error:
            raise explain(error, artifact, export_input) from error
        max_error = max(errors.values())
        measured["error"] = errors
        measured["batch"] = check_batch_invariance(
            artifact, export_input.batches[-1], export_input.limit
        )
    if artifact.interface.output_name == "image":
        diffs = check_pixels(artifact, export_input.batches, reference, max_error)
        measured["levels"] = {mode: asdict(diff) for mode, diff in diffs.items()}
    return measured


def _check_rounding(artifact: Artifact, export_input: ExportInput) -> Json:
    """Check the graph before rounding like any other, and the pixels after it like float16."""
    rounding = artifact.rounding
    if rounding is None:
        return {}
    stem = export_input.interface.stem
    file = replace(artifact.file, path=f"{stem} before rounding")
    before = replace(artifact, file=file, raw_runners=rounding.before)
    errors = check_parity(before, export_input.batches, export_input.reference, export_input.limit)
    place = f"{stem} with rounded weights"
    diff = check_rounded_weights(
        place,
        rounding.reference,
        export_input.reference,
        has_palette=bool(artifact.interface.format.palette),
    )
    counts = {"stored": "float16", "rounded": rounding.rounded, "of": rounding.weights}
    counts |= {"error_before": max(errors.values()), "max": diff.max, "different": diff.different}
    return {"weights": counts | {"over_one": diff.over_one, "values": diff.values}}


def _check_sensitivity(
    artifact: Artifact, export_input: ExportInput, options: ExportOptions
) -> Json:
    required = SENSITIVITY_FACTOR * export_input.limit
    runner = next(iter(artifact.raw_runners.values()))
    moved = measure_sensitivity(runner, export_input.interface)
    ignored = [name for name, distance in moved.items() if distance < required]
    if not options.allow_insensitive:
        check_sensitivity(moved, required, export_input.interface.stem)
    return {"required": required, "moved": moved, "overridden": ignored}
