"""Grain: the amount of the finest details in images, relative to real images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ganport_train.data.color_modes import premultiply
from ganport_train.data.dataset import Images
from ganport_train.evaluation.metrics import Metric

SECTION = "Grain"
Floats = NDArray[np.float32]
_BLOCK = 512  # images processed at once
_TITLES = {"checker": "grain of 2x2 blocks", "octave": "energy of the top octave"}


def grain_metrics(rounds: Sequence[Images], real: Images) -> dict[str, Metric]:
    """Return both energies of uint8 (N, H, W, C) images, one array per round, over the real ones.

    A value above 1 is as wrong as one below: it means noise instead of blur.
    """
    reference = energies(real)
    measured = [ratios(images, reference) for images in rounds]
    return {
        f"grain_{name}": Metric.over_rounds(
            title, SECTION, [values[name] for values in measured], real=1.0, unit="%"
        )
        for name, title in _TITLES.items()
    }


def energies(images: Images) -> dict[str, float]:
    """Return both energies of uint8 (N, H, W, C) images of at least 3 x 3 pixels, in levels."""
    return {"checker": _mean(_checker, images), "octave": _mean(_octave, images)}


def ratios(images: Images, real: Mapping[str, float]) -> dict[str, float]:
    """Return the energies of uint8 (N, H, W, C) images over the real ones; 1 where those are 0."""
    found = energies(images)
    return {name: found[name] / value if value else 1.0 for name, value in real.items()}


def _mean(measure: Callable[[Floats], float], images: Images) -> float:
    blocks = [images[start : start + _BLOCK] for start in range(0, len(images), _BLOCK)]
    sums = [measure(premultiply(block)) * len(block) for block in blocks]
    return sum(sums) / len(images)


def _checker(images: Floats) -> float:
    """Return the mean of |a - b - c + d| over all 2x2 blocks, with a and b above c and d.

    A checkerboard of levels v and -v has 4v, a gradient 0.
    """
    horizontal = images[:, :, 1:] - images[:, :, :-1]
    return float(np.abs(horizontal[:, 1:] - horizontal[:, :-1]).mean())


def _octave(images: Floats) -> float:
    """Return the mean absolute difference of images and images without their top octave.

    The filter (1, 2, 1) / 4 in both directions removes the highest frequency and keeps gradients.
    A checkerboard of levels v and -v has v.
    """
    rows = (images[:, :-2] + 2 * images[:, 1:-1] + images[:, 2:]) / 4
    smooth = (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 4
    return float(np.abs(images[:, 1:-1, 1:-1] - smooth).mean())
