"""Grain: how much of pictures lies in their finest details, beside real pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
_BLOCK = 512


def energies(images: Images) -> dict[str, float]:
    """Both measures below of uint8 pictures (N, H, W, 3) of at least 3 x 3 pixels, in levels."""
    return {"checker": checker(images), "octave": octave(images)}


def ratios(images: Images, real: Mapping[str, float]) -> dict[str, float]:
    """The energies of uint8 pictures (N, H, W, 3) over those of real ones; 1 where those are 0."""
    found = energies(images)
    return {name: found[name] / value if value else 1.0 for name, value in real.items()}


def checker(images: Images) -> float:
    """The mean of |a - b - c + d| over all 2x2 blocks, a and b above c and d.

    A checkerboard of levels v and -v has 4v, a slope none.
    """
    return _mean(_checker, images)


def octave(images: Images) -> float:
    """The mean difference of pixels from a picture without its top octave.

    That is the picture smoothed by (1, 2, 1) / 4 in both directions, which takes the highest
    frequency away and keeps slopes. A checkerboard of levels v and -v has v.
    """
    return _mean(_octave, images)


def _mean(measure: Callable[[Floats], float], images: Images) -> float:
    parts = [images[start : start + _BLOCK] for start in range(0, len(images), _BLOCK)]
    sums = [measure(part.astype(np.float32)) * len(part) for part in parts]
    return sum(sums) / len(images)


def _checker(images: Floats) -> float:
    across = images[:, :, 1:] - images[:, :, :-1]
    return float(np.abs(across[:, 1:] - across[:, :-1]).mean())


def _octave(images: Floats) -> float:
    rows = (images[:, :-2] + 2 * images[:, 1:-1] + images[:, 2:]) / 4
    smooth = (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 4
    return float(np.abs(images[:, 1:-1, 1:-1] - smooth).mean())
