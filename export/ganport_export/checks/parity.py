"""Gates 2 and 3: every graph computes what the network computes, in any batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_export.errors import ContractError, ParityError
from ganport_export.execution import Outputs
from ganport_export.runners import Artifact
from ganport_export.test_inputs import Sample

FLOOR = 1e-5
CEILING = 1e-3
OWN_FACTOR = 4.0


def error_of(outputs: Sequence[NDArray[Any]], reference: Outputs) -> float:
    """Largest absolute difference of float outputs from the float64 reference.

    Infinity when an output has another shape.
    """
    return max(_distance(output, exact) for output, exact in zip(outputs, reference, strict=True))


def limit_of(own_error: float, largest: float = 1.0) -> float:
    """The error a graph may have, given torch float32's own: at least 1e-5, at most 1e-3.

    `largest` is the largest number that comes out: where it is above 1, as noise may be, the most
    is 1e-3 of it. Raises ParityError when float32 itself, or the folding of a norm, is further off
    than that.
    """
    ceiling = CEILING * max(1.0, largest)
    if own_error > ceiling:
        raise ParityError(
            "torch float32",
            expected=f"an error of at most {ceiling:.0e} from float64",
            found=f"{own_error:.2e}",
            fix="The network amplifies rounding: look for norms over tiny variances, and for "
            "weights that change when a norm is folded.",
        )
    return min(ceiling, max(FLOOR, OWN_FACTOR * own_error))


def check_parity(
    artifact: Artifact, samples: Sequence[Sample], reference: Outputs, limit: float
) -> dict[str, float]:
    """The error of each way of running a graph; raises ParityError above `limit`."""
    errors: dict[str, float] = {}
    for way, player in artifact.before_head.items():
        for sample, exact in zip(samples, reference, strict=True):
            image = _play(player, sample, f"{artifact.path} ({way})")
            error = _distance(image, exact)
            errors[way] = max(error, errors.get(way, 0.0))
            if not error <= limit:  # NaN is above every limit
                raise ParityError(
                    f"{artifact.path} ({way}, batch of {len(sample)})",
                    expected=f"at most {limit:.2e} from the float64 reference",
                    found=f"{error:.2e}" if image.shape == exact.shape else f"shape {image.shape}",
                    fix="The graph computes something else than the network: report which module.",
                )
    return errors


def check_batch_invariance(artifact: Artifact, sample: Sample, limit: float) -> dict[str, float]:
    """How far a picture moves between a batch and alone; raises ContractError above `limit`."""
    moved = {
        way: max(
            _distance(row[None], player(sample.row(index)))
            for index, row in enumerate(player(sample))
        )
        for way, player in artifact.before_head.items()
    }
    for way, distance in moved.items():
        if not distance <= limit:
            raise ContractError(
                f"{artifact.path} ({way})",
                expected=f"each picture of a batch within {limit:.2e} of the same picture alone",
                found=f"a difference of {distance:.2e}",
                fix="Remove what mixes the pictures of a batch (batch statistics, minibatch "
                "features) from the generator.",
            )
    return moved


def _play(player: Any, sample: Sample, place: str) -> NDArray[Any]:
    try:
        image: NDArray[Any] = player(sample)
    except Exception as error:  # onnxruntime's and TorchScript's errors have no common base
        raise ContractError(
            place,
            expected=f"a graph that runs a batch of {len(sample)}",
            found=" ".join(str(error).split())[:300],
            fix="Use -1, expand or z.shape[0] wherever the batch size stands as a number.",
        ) from error
    return image


def _distance(image: NDArray[Any], exact: NDArray[Any]) -> float:
    if image.shape != exact.shape:
        return float("inf")
    return float(np.abs(image.astype(np.float64) - exact).max())
