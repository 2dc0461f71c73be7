"""Check 2 for heads that divide by alpha or choose: each difference lies at a deciding border.

A head that divides magnifies a float error where alpha is small, and one that chooses turns it into
another color of the palette, or into another alpha. Such a difference passes if the reference lies
within the float error of the border that decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_export.artifact import Artifact
from ganport_export.checks.pixel_diff import (
    FUSION_FACTOR,
    HEAD_ROUNDING,
    PixelDiff,
    check_fp16,
    check_fp32,
    measure,
)
from ganport_export.errors import ParityError
from ganport_export.execution import Outputs
from ganport_export.test_inputs import InputBatch
from ganport_export.transforms.output_heads import MIN_ALPHA, SCALE, SHIFT, chooses
from ganport_runtime.conditions.colors import channels
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import ALPHA_THRESHOLD, apply_format, to_uint8

MAX_AT_BORDER = 0.001
"""Largest fraction of values that may differ at a border."""

_DIVISION_ROUNDING = 4 * HEAD_ROUNDING
"""Rounding error of the division by an alpha of 1, in levels."""

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class _Levels:
    """Straight levels (N, H, W, C) of the reference, and the range that float errors reach."""

    exact: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, reference: Floats, image: ImageFormat, slack: float) -> _Levels:
        """Return the levels of float images (N, C, H, W); `slack` is their error in levels."""
        planes = reference.transpose(0, 2, 3, 1)
        error = np.full(planes.shape, slack)
        if image.mode == "rgba":
            unit = planes * 0.5 + 0.5
            alpha = np.maximum(unit[..., 3:], MIN_ALPHA)
            colors = (unit[..., :3] / alpha).clip(0.0, 1.0) * 2.0 - 1.0
            planes = np.concatenate([colors, planes[..., 3:]], axis=-1)
            error[..., :3] = slack / np.minimum(alpha, 1.0)
        exact = planes * SCALE + SHIFT
        return cls(exact, _floor(exact - error), _floor(exact + error))


def check_pixels(
    artifact: Artifact, batches: Sequence[InputBatch], reference: Outputs, error: float
) -> dict[str, PixelDiff]:
    """Return how the pixels of a final file differ from the reference, by mode.

    A float32 graph may be one level off, on the values that a float error of `error` explains. A
    float16 graph may be two levels off, and more than one level on 0.1 % of the values. A head that
    chooses is checked by its borders; its float16 graph is checked before the head. Raises
    ParityError.
    """
    image = artifact.interface.format
    slack = SCALE * error * FUSION_FACTOR + HEAD_ROUNDING
    diffs = {}
    for mode, runner in artifact.final_runners.items():
        unit = artifact.head == "unit"
        place = f"{artifact.path} ({mode})"
        is_fp16 = artifact.file.precision == "fp16"
        if chooses(image) and not is_fp16:
            value_range = "unit" if unit else "signed"
            outputs = (runner(batch) for batch in batches)
            pixels = [
                output if output.dtype == np.uint8 else to_uint8(output, image, value_range)
                for output in outputs
            ]
            diffs[mode] = measure_head(pixels, reference, image, slack + _DIVISION_ROUNDING)
            check_head(place, diffs[mode])
            continue
        # A float16 error may change a choice anywhere, and torch float16 has no head.
        if chooses(image) or mode not in artifact.raw_runners:
            runner, unit = artifact.raw_runners.get(mode, runner), False
        diffs[mode] = measure([runner(b) for b in batches], reference, slack, unit=unit)
        (check_fp16 if is_fp16 else check_fp32)(place, diffs[mode])
    return diffs


def measure_head(
    images: Sequence[Pixels], reference: Outputs, image: ImageFormat, slack: float
) -> PixelDiff:
    """Return how straight uint8 images (N, H, W, C) differ from float64 references."""
    counts = np.zeros(6, np.int64)
    for pixels, exact in zip(images, reference, strict=True):
        levels = _Levels.of(exact, image, slack)
        expected = apply_format(_floor(levels.exact).astype(np.uint8), image)
        difference = np.abs(pixels.astype(int) - expected.astype(int))
        differs = difference > 0
        allowed = _allowed(pixels, levels, image)
        border = differs & allowed & ~_is_rounding(pixels, expected, levels, image, slack)
        counts[0] = max(counts[0], difference.max())
        totals = (differs, differs & allowed, difference > 1, np.ones_like(differs), border)
        counts[1:] += [int(total.sum()) for total in totals]
    return PixelDiff(*(int(count) for count in counts))


def check_head(place: str, diff: PixelDiff) -> None:
    """Raise ParityError for a difference that no border explains, and for too many at a border."""
    unexplained = diff.different - diff.explained
    if unexplained:
        expected = "differences only where a float error decides between two values"
        found = f"{unexplained} other ones of {diff.values} values, up to {diff.max} levels"
        raise ParityError(place, expected, found)
    if diff.at_border > MAX_AT_BORDER * diff.values:
        expected = f"at most {MAX_AT_BORDER:.1%} of the values at a border"
        found = f"{diff.at_border} of {diff.values}"
        fix = "Train longer: the network leaves many pixels between two colors or alphas."
        raise ParityError(place, expected, found, fix)


def _allowed(pixels: Pixels, levels: _Levels, image: ImageFormat) -> NDArray[np.bool_]:
    """Return which values a float error explains, for all values of a pixel in its own alpha."""
    inside = (levels.low <= pixels) & (pixels <= levels.high)
    if image.palette:
        inside[..., :3] = _is_near(pixels[..., :3], levels, image)[..., None]
    if image.mode != "rgba":
        return inside
    alpha = pixels[..., 3]
    if image.alpha_levels == 2:
        is_opaque = (alpha == 255) & (levels.high[..., 3] >= ALPHA_THRESHOLD)
        inside[..., 3] = is_opaque | ((alpha == 0) & (levels.low[..., 3] < ALPHA_THRESHOLD))
    invisible = alpha == 0
    inside[invisible, :3] = pixels[invisible, :3] == 0
    return inside


def _is_near(colors: Pixels, levels: _Levels, image: ImageFormat) -> NDArray[np.bool_]:
    """Return for which pixels a color is in the palette and nearest within the float error."""
    palette = np.array([channels(color) for color in image.palette], float)
    exact = _floor(levels.exact)[..., :3]
    error = np.maximum(levels.high[..., :3] - exact, exact - levels.low[..., :3])
    near = np.empty(colors.shape[:-1], bool)
    for index in np.ndindex(colors.shape[0], colors.shape[1]):  # a row at a time, for memory
        squares = np.square(exact[index][:, None] - palette).sum(axis=-1)
        best = squares.argmin(axis=-1)
        matches = (colors[index][:, None] == palette).all(axis=-1)
        found = matches.argmax(axis=-1)
        rows = np.arange(len(found))
        shift = (2 * np.abs(palette[found] - palette[best]) * error[index]).sum(axis=-1)
        margin = squares[rows, found] - squares[rows, best]
        near[index] = matches.any(axis=-1) & (margin <= shift)
    return near


def _is_rounding(
    pixels: Pixels, expected: Pixels, levels: _Levels, image: ImageFormat, slack: float
) -> NDArray[np.bool_]:
    """Return which values differ by one level at the ordinary border of two levels."""
    one = np.abs(pixels.astype(int) - expected.astype(int)) <= 1
    is_close: NDArray[np.bool_] = one & (np.abs(levels.exact - np.rint(levels.exact)) <= slack)
    if image.palette:
        is_close[..., :3] = False
    if image.alpha_levels == 2:
        is_close[..., 3:] = False
    if image.mode == "rgba":
        is_close[(pixels[..., 3] == 0) != (expected[..., 3] == 0)] = False
    return is_close


def _floor(levels: NDArray[Any]) -> Floats:
    floored: Floats = np.floor(levels.clip(0.0, 255.0))
    return floored
