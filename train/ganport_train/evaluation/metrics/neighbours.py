"""The nearest training pictures: whether a generator learnt them by heart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

Features = NDArray[np.float32]
SIDE = 16
"""Height and width at which pictures are compared: small enough to overlook grain."""
QUANTILE = 0.01
"""The share of real pictures that lie as near to a training picture as what counts as a copy."""
_BLOCK = 2048


def thumbnails(images: NDArray[np.uint8], rows: NDArray[np.int64] | None = None) -> Features:
    """Pictures uint8 (N, H, W, 3), all or some `rows`, as float32 (N, 768) in 0..1: averages of
    their squares. They may be mapped from disk: few of them are in memory at a time."""
    rows = np.arange(len(images)) if rows is None else rows
    small = np.empty((len(rows), SIDE * SIDE * 3), np.float32)
    for start in range(0, len(rows), _BLOCK):
        block = torch.from_numpy(images[rows[start : start + _BLOCK]])
        planes = block.permute(0, 3, 1, 2).float() / 255
        small[start : start + len(block)] = F.adaptive_avg_pool2d(planes, SIDE).flatten(1).numpy()
    return small


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
    query: NDArray[np.uint8], known: Features
) -> tuple[Features, NDArray[np.int64]]:
    """The same for uint8 (N, H, W, 3) pictures and the thumbnails (M, 768) of others, as they are
    or mirrored: training shows both."""
    plain, rows = nearest(thumbnails(query), known)
    mirrored, others = nearest(thumbnails(query[:, :, ::-1]), known)
    return np.minimum(plain, mirrored), np.where(mirrored < plain, others, rows)


@dataclass(frozen=True)
class Closeness:
    """How near generated pictures lie to training ones, measured by held-out ones.

    `share` of them lie within the distance that one in a hundred held-out pictures keeps, and
    `expected` of new pictures would: 0.01, or more where few are held out; copies have a share
    near 1. `ratio` is that of the median distances, 1 for new pictures and 0 for copies.
    """

    share: float
    expected: float
    ratio: float


def closeness(generated: Features, held_out: Features) -> Closeness:
    """The closeness for distances (N,) and (M,) to the nearest training picture, M > 0.

    Held-out pictures as the yardstick: Meehan et al. 2020, section 3.
    """
    count = len(held_out)
    rank = max(1, round(QUANTILE * count))
    limit = np.sort(held_out)[rank - 1]
    middle = float(np.median(held_out))
    ratio = float(np.median(generated)) / middle if middle else 1.0
    # Of new pictures, rank in count + 1 fall below the rank-th smallest of count (uniform order).
    return Closeness(float((generated <= limit).mean()), rank / (count + 1), ratio)
