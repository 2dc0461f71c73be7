"""Gate 2 on the shipped files: how many of 256 levels their pixels are off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_export.errors import ContractError, ParityError
from ganport_export.execution import Outputs
from ganport_export.runners import Artifact
from ganport_export.test_inputs import Sample
from ganport_export.transforms.output_heads import SCALE, SHIFT

_HEAD_ROUNDING = 2.0**-16
"""What float32 rounds in x * 127.5 + 128, in levels."""
_FUSION = 2.0
"""Players fold the head into the last layer, which can move its error by about as much again."""
HALF_MAX, HALF_SHARE = 2, 0.999
RANGE_SLACK = 1e-6
MAX_CLIPPED = 0.05


@dataclass(frozen=True)
class Levels:
    """Differing values of one graph run in one way, over every batch."""

    max: int
    different: int
    explained: int
    """Values so near a boundary between two levels that the float error explains a difference."""
    over_one: int
    values: int

    def to_json(self) -> dict[str, int]:
        """The counts as plain JSON."""
        return asdict(self)


def check_range(reference: Outputs, image: str) -> float:
    """The share of numbers outside [-1, 1]; raises ContractError where it is too large.

    A float graph may have none; of a uint8 graph the head clips up to 5 %.
    """
    outside = sum(int((np.abs(exact) > 1.0 + RANGE_SLACK).sum()) for exact in reference)
    share = outside / sum(exact.size for exact in reference)
    if share > (MAX_CLIPPED if image == "uint8" else 0.0):
        low = min(float(exact.min()) for exact in reference)
        high = max(float(exact.max()) for exact in reference)
        raise ContractError(
            "image",
            expected="numbers in [-1, 1]",
            found=f"{low:.3g} to {high:.3g}, {share:.1%} of them outside",
            fix="End forward with tanh or clamp, or map its range onto [-1, 1].",
        )
    return share


def check_levels(
    artifact: Artifact, samples: Sequence[Sample], reference: Outputs, error: float
) -> dict[str, Levels]:
    """Compare a shipped file's pixels with the reference's, for each way of running it.

    A float32 graph may be one level off, on no more values than a float error of `error` explains;
    a float16 graph two levels, and more than one on at most one value in a thousand. Raises
    ParityError.
    """
    found = {}
    for way, player in artifact.shipped.items():
        images = [player(sample) for sample in samples]
        found[way] = _measure(images, reference, SCALE * error * _FUSION + _HEAD_ROUNDING)
        check = _check_half if artifact.precision == "fp16" else _check_full
        check(f"{artifact.path} ({way})", found[way])
    return found


def check_rounding(place: str, drawn: Outputs, reference: Outputs) -> Levels:
    """How far rounded weights move the pixels; raises ParityError above what float16 may."""
    levels = _measure(drawn, reference, _HEAD_ROUNDING)
    _check_half(place, levels, "--weights")
    return levels


def _measure(images: Sequence[NDArray[Any]], reference: Outputs, slack: float) -> Levels:
    worst, different, explained, over_one, values = 0, 0, 0, 0, 0
    for image, exact in zip(images, reference, strict=True):
        scaled = (exact * SCALE + SHIFT).clip(0.0, 255.0)
        off = np.abs(_levels(image) - np.floor(scaled).transpose(0, 2, 3, 1))
        worst = max(worst, int(off.max()))
        different += int((off > 0).sum())
        over_one += int((off > 1).sum())
        explained += int((np.abs(scaled - np.rint(scaled)) <= slack).sum())
        values += off.size
    return Levels(worst, different, explained, over_one, values)


def _check_full(place: str, levels: Levels) -> None:
    if levels.max > 1 or levels.different > levels.explained:
        raise ParityError(
            place,
            expected=f"at most 1 level off, on at most {levels.explained} of {levels.values} "
            "values",
            found=f"{levels.max} levels, on {levels.different} values",
            fix="The graph computes something else than the network: report which module.",
        )


def _check_half(place: str, levels: Levels, option: str = "--precision") -> None:
    share = 1 - levels.over_one / levels.values
    if levels.max > HALF_MAX or share < HALF_SHARE:
        raise ParityError(
            place,
            expected=f"at most {HALF_MAX} levels off, {HALF_SHARE:.1%} of the values within 1",
            found=f"{levels.max} levels, {share:.2%} within 1",
            fix=f"This network needs float32: export it with {option} fp32.",
        )


def _levels(image: NDArray[Any]) -> NDArray[np.float64]:
    if image.dtype == np.uint8:
        return image.astype(np.float64)
    scaled = (image.astype(np.float64) * SCALE + SHIFT).clip(0.0, 255.0)
    levels: NDArray[np.float64] = np.floor(scaled).transpose(0, 2, 3, 1)
    return levels
