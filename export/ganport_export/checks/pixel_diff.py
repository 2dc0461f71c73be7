"""Check 2 on the final files: how far their pixels, 0 to 255, are from the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_export.errors import ContractError, ParityError
from ganport_export.execution import Outputs
from ganport_export.transforms.output_heads import SCALE, SHIFT

HEAD_ROUNDING = 2.0**-16
"""Rounding error of x * 127.5 + 128 in float32, in levels."""
FUSION_FACTOR = 2.0
"""Runtimes fuse the head into the last layer, which can about double its error."""
FP16_MAX_LEVELS, FP16_MIN_FRACTION = 2, 0.999
RANGE_SLACK = 1e-6
MAX_CLIPPED = 0.05


@dataclass(frozen=True)
class PixelDiff:
    """Differing values of one graph in one mode, over all batches."""

    max: int
    """Largest difference in levels."""
    different: int
    explained: int
    """Values so close to a boundary of two levels that the float error explains a difference."""
    over_one: int
    values: int
    at_border: int = 0
    """Explained values that differ by more than a rounding, see `head_diff`."""


def check_range(reference: Outputs, image: str) -> float:
    """Return the fraction of values outside [-1, 1]; raises ContractError if it is too large.

    It must be 0 for the head "float", and at most 5 % for the others, which clamp.
    """
    outside = sum(int((np.abs(exact) > 1.0 + RANGE_SLACK).sum()) for exact in reference)
    fraction = outside / sum(exact.size for exact in reference)
    if fraction > (0.0 if image == "float" else MAX_CLIPPED):
        low = min(float(exact.min()) for exact in reference)
        high = max(float(exact.max()) for exact in reference)
        raise ContractError(
            "image",
            "numbers in [-1, 1]",
            f"{low:.3g} to {high:.3g}, {fraction:.1%} of them outside",
            "End forward with tanh or clamp, or map its range onto [-1, 1]. For images in [0, 1], "
            "give the Interface image_range='unit'.",
        )
    return fraction


def check_rounded_weights(
    place: str, outputs: Outputs, reference: Outputs, *, has_palette: bool = False
) -> PixelDiff:
    """Return how rounded weights change the pixels; raises ParityError above the float16 limit.

    A palette hides a few levels, and a value between two colors may become either one. So it has no
    largest difference, only the limit on the number of differences.
    """
    diff = measure(outputs, reference, HEAD_ROUNDING)
    check_fp16(place, diff, "--weights", max_levels=None if has_palette else FP16_MAX_LEVELS)
    return diff


def measure(
    images: Sequence[NDArray[Any]], reference: Outputs, slack: float, *, unit: bool = False
) -> PixelDiff:
    """Return how uint8 images, or float images in [-1, 1] or [0, 1], differ from a reference.

    `slack` is the error of the float images in levels.
    """
    worst, different, explained, over_one, values = 0, 0, 0, 0, 0
    for image, exact in zip(images, reference, strict=True):
        scaled = (exact * SCALE + SHIFT).clip(0.0, 255.0)
        difference = np.abs(_to_levels(image, unit=unit) - np.floor(scaled).transpose(0, 2, 3, 1))
        worst = max(worst, int(difference.max()))
        different += int((difference > 0).sum())
        over_one += int((difference > 1).sum())
        explained += int((np.abs(scaled - np.rint(scaled)) <= slack).sum())
        values += difference.size
    return PixelDiff(worst, different, explained, over_one, values)


def check_fp32(place: str, diff: PixelDiff) -> None:
    """Raise ParityError for more than one level, and for values that no float error explains."""
    if diff.max > 1 or diff.different > diff.explained:
        expected = f"at most 1 level off, on at most {diff.explained} of {diff.values} values"
        found = f"{diff.max} levels, on {diff.different} values"
        raise ParityError(place, expected, found)


def check_fp16(
    place: str,
    diff: PixelDiff,
    option: str = "--precision",
    *,
    max_levels: int | None = FP16_MAX_LEVELS,
) -> None:
    """Raise ParityError above some levels, or above one level on more than 0.1 % of the values."""
    fraction = 1 - diff.over_one / diff.values
    expected = f"{FP16_MIN_FRACTION:.1%} of the values within 1 level"
    found = f"{fraction:.2%} within 1"
    if max_levels is not None:
        expected = f"at most {max_levels} levels off, {expected}"
        found = f"{diff.max} levels, {found}"
    if fraction < FP16_MIN_FRACTION or (max_levels is not None and diff.max > max_levels):
        fix = f"This network requires float32: export it with {option} fp32."
        raise ParityError(place, expected, found, fix)


def _to_levels(image: NDArray[Any], *, unit: bool) -> NDArray[np.float64]:
    if image.dtype == np.uint8:
        return image.astype(np.float64)
    signed = image.astype(np.float64) * 2.0 - 1.0 if unit else image.astype(np.float64)
    scaled = (signed * SCALE + SHIFT).clip(0.0, 255.0)
    levels: NDArray[np.float64] = np.floor(scaled).transpose(0, 2, 3, 1)
    return levels
