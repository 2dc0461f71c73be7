"""The nearest training pictures: whether a generator learnt them by heart."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

Features = NDArray[np.float32]
SIDE = 16
"""Height and width at which pictures are compared: small enough to overlook grain."""
QUANTILE = 0.01
"""The share of real pictures that lie nearer to a training picture than a copy may."""
_BLOCK = 2048


def thumbnails(images: NDArray[np.uint8]) -> Features:
    """Pictures uint8 (N, H, W, 3) as float32 (N, 768) in 0..1: averages of their squares."""
    small: list[NDArray[np.float32]] = []
    for start in range(0, len(images), _BLOCK):
        block = torch.from_numpy(np.ascontiguousarray(images[start : start + _BLOCK]))
        planes = block.permute(0, 3, 1, 2).float() / 255
        small.append(F.adaptive_avg_pool2d(planes, SIDE).flatten(1).numpy())
    return np.concatenate(small)


def nearest(query: Features, base: Features) -> tuple[Features, NDArray[np.int64]]:
    """For each of (N, F) the distance to the nearest of (M, F), and that one's row."""
    distances, rows = [], []
    everything = torch.from_numpy(base)
    for block in torch.split(torch.from_numpy(query), _BLOCK):
        found = torch.cdist(block, everything).min(dim=1)
        # The fast distances above lose the small ones; those found are measured anew.
        exact = (block - everything[found.indices]).norm(dim=1)
        distances.append(exact.numpy())
        rows.append(found.indices.numpy())
    return np.concatenate(distances), np.concatenate(rows)


def nearest_pictures(
    query: NDArray[np.uint8], base: NDArray[np.uint8]
) -> tuple[Features, NDArray[np.int64]]:
    """The same for uint8 (N, H, W, 3) and (M, H, W, 3) pictures, by thumbnail, as they are or
    mirrored: training shows both."""
    known = thumbnails(base)
    plain, rows = nearest(thumbnails(query), known)
    mirrored, others = nearest(thumbnails(query[:, :, ::-1]), known)
    return np.minimum(plain, mirrored), np.where(mirrored < plain, others, rows)


def memorised(generated: Features, held_out: Features) -> tuple[float, float]:
    """How near generated pictures lie to training ones, given their distances and those of
    held-out pictures: the share nearer than 99 in 100 held-out ones, and the ratio of the medians.

    Copies have a share near 1 and a ratio near 0; new pictures 0.01 and 1. Held-out pictures as
    the yardstick: Meehan et al. 2020, section 3.
    """
    limit = np.quantile(held_out, QUANTILE)
    middle = float(np.median(held_out))
    ratio = float(np.median(generated)) / middle if middle else 1.0
    return float((generated < limit).mean()), ratio
