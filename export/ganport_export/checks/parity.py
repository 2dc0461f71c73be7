"""Checks 2 to 4: a graph computes what the network computes, and every input changes the output.

A network that ignores its condition passes every parity check; check 4 finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_export.artifact import Artifact, Runner, run_chunked
from ganport_export.diagnosis import FIXED_BATCH_FIX
from ganport_export.errors import ContractError, ExportError, ParityError
from ganport_export.execution import Outputs
from ganport_export.interface import Interface
from ganport_export.test_inputs import InputBatch, first_inputs, values_to_try
from ganport_runtime.noise import seed_range

MIN_LIMIT = 1e-5
MAX_LIMIT = 1e-3
OWN_ERROR_FACTOR = 4.0
SENSITIVITY_FACTOR = 20.0
"""Required change of the output, as a multiple of the error limit."""
_SEEDS = 4
_DESCRIPTIONS = {"z": "its noise", "image_in": "the input image"}


def max_error(outputs: Sequence[NDArray[Any]], reference: Outputs) -> float:
    """Return the largest absolute difference from the float64 reference.

    Infinity if an output has another shape.
    """
    return max(_distance(output, exact) for output, exact in zip(outputs, reference, strict=True))


def error_limit(own_error: float, largest: float = 1.0) -> float:
    """Return the error that a graph may have: 4 times torch float32's own, from 1e-5 to 1e-3.

    `largest` is the largest absolute output: above 1, as for noise, the maximum is 1e-3 of it.
    Raises ParityError if float32 itself, or the folding of a norm, exceeds the maximum.
    """
    maximum = MAX_LIMIT * max(1.0, largest)
    if own_error > maximum:
        raise ParityError(
            "torch float32",
            f"an error of at most {maximum:.0e} from float64",
            f"{own_error:.2e}",
            "The network amplifies rounding errors: look for norms over tiny variances, and for "
            "weights that change when a norm is folded.",
        )
    return min(maximum, max(MIN_LIMIT, OWN_ERROR_FACTOR * own_error))


def check_parity(
    artifact: Artifact, batches: Sequence[InputBatch], reference: Outputs, limit: float
) -> dict[str, float]:
    """Return the largest error of a graph by mode; raises ParityError above `limit`."""
    errors: dict[str, float] = {}
    for mode, runner in artifact.raw_runners.items():
        for batch, exact in zip(batches, reference, strict=True):
            output = _run(runner, batch, f"{artifact.path} ({mode})")
            error = _distance(output, exact)
            errors[mode] = max(error, errors.get(mode, 0.0))
            if not error <= limit:  # true for NaN as well
                raise ParityError(
                    f"{artifact.path} ({mode}, batch of {len(batch)})",
                    f"at most {limit:.2e} from the float64 reference",
                    f"{error:.2e}" if output.shape == exact.shape else f"shape {output.shape}",
                )
    return errors


def check_batch_invariance(artifact: Artifact, batch: InputBatch, limit: float) -> dict[str, float]:
    """Return by mode how much a row of a batch differs from the same row run by itself.

    Raises ContractError above `limit`.
    """
    differences = {
        mode: max(
            _distance(row[None], runner(batch.rows(index, index + 1)))
            for index, row in enumerate(runner(batch))
        )
        for mode, runner in artifact.raw_runners.items()
    }
    for mode, difference in differences.items():
        if not difference <= limit:
            raise ContractError(
                f"{artifact.path} ({mode})",
                f"each row of a batch within {limit:.2e} of the same row by itself",
                f"a difference of {difference:.2e}",
                "Remove what mixes the rows of a batch (batch statistics, minibatch features) from "
                "the generator.",
            )
    return differences


def _run(runner: Runner, batch: InputBatch, place: str) -> NDArray[Any]:
    try:
        return runner(batch)
    except ExportError:
        raise
    except Exception as error:  # onnxruntime's and TorchScript's errors have no common base class
        raise ContractError(
            place,
            f"a graph that runs a batch of {len(batch)}",
            " ".join(str(error).split())[:300],
            FIXED_BATCH_FIX,
        ) from error


def _distance(output: NDArray[Any], exact: NDArray[Any]) -> float:
    if output.shape != exact.shape:
        return float("inf")
    return float(np.abs(output.astype(np.float64) - exact).max())


def measure_sensitivity(runner: Runner, interface: Interface) -> dict[str, float]:
    """Return the largest change of the float output by input: the first one, then every group.

    A group with a single value is left out.
    """
    conditions = interface.conditions
    first = first_inputs(interface, seed_range(0, _SEEDS))

    def spread(inputs: NDArray[Any], condition: NDArray[Any]) -> float:
        named = {interface.input_name: inputs}
        named |= {"condition": condition} if conditions.size else {}
        outputs = run_chunked(runner, InputBatch(named))
        return float((outputs.max(axis=0) - outputs.min(axis=0)).max())

    moved = {interface.input_name: spread(first, np.stack([conditions.encode()] * _SEEDS))}
    for name, group in conditions.fields.items():
        vectors = conditions.encode_many([{name: value} for value in values_to_try(group)])
        count = len(vectors)
        if count > 1:
            moved[name] = max(spread(np.stack([row] * count), vectors) for row in first[:2])
    return moved


def check_sensitivity(
    moved: Mapping[str, float], required: float, network: str = "generator"
) -> None:
    """Raise ContractError for an input that changes the output by less than `required`."""
    for name, distance in moved.items():
        if not distance >= required:
            ignored = _DESCRIPTIONS.get(name, f"its condition {name!r}")
            raise ContractError(
                f"input {name!r}",
                f"a change of the output by at least {required:.1e}",
                f"a change of {distance:.1e}: the {network} ignores {ignored}",
                "Train longer or with a stronger condition. --allow-insensitive exports the "
                "network nevertheless and records this in the manifest.",
            )
