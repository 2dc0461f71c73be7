"""Memorization: how near generated images lie to their nearest training images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from ganport_train.data.color_modes import premultiply
from ganport_train.data.dataset import Features, Images, Rows
from ganport_train.evaluation.metrics import Metric

SECTION = "Memorization"
SIDE = 16
"""Height and width of the compared thumbnails, which are too small to show noise."""
QUANTILE = 0.01
"""Fraction of held-out images that lie within the distance that counts as a copy."""
_BLOCK = 2048  # rows processed at once


@dataclass(frozen=True, eq=False)
class NearestImages:
    """The distance of each generated image to its nearest training image, and that image's row."""

    distances: Features
    rows: Rows

    def closest(self, count: int) -> Rows:
        """Return the generated images with the smallest distances, in ascending order."""
        return np.argsort(self.distances, kind="stable")[:count]


@dataclass(frozen=True)
class Closeness:
    """Distances of generated images to training images, relative to those of held-out images.

    `fraction` is the part of the generated images within the distance of the closest 1 % of the
    held-out ones; `expected` is that part for new images, 0.01 or more if few are held out. `ratio`
    is the ratio of the median distances: 1 for new images, 0 for copies.
    """

    fraction: float
    expected: float
    ratio: float


def memorization_metrics(
    rounds: Sequence[Images], images: Images, train: Rows, held_out: Rows
) -> tuple[dict[str, Metric], NearestImages]:
    """Compare generated with held-out images by their distance to the training images.

    Images are uint8 (N, H, W, C); `train` and `held_out` are rows of the real `images`. Also
    return the nearest training images of the first round.
    """
    known = thumbnails(images, train)
    reference, _ = nearest_images(images[held_out], known)
    nearest = [nearest_images(generated, known) for generated in rounds]
    results = [closeness(distances, reference) for distances, _ in nearest]
    distances, rows = nearest[0]
    return {
        "copied": Metric.over_rounds(
            "as near to a training image as a copy",
            SECTION,
            [result.fraction for result in results],
            better="lower",
            real=results[0].expected,
            unit="%",
            note="nearer than all but one in a hundred held-out images",
        ),
        "distance_ratio": Metric.over_rounds(
            "median distance to the nearest training image, over that of held-out images",
            SECTION,
            [result.ratio for result in results],
            real=1.0,
        ),
    }, NearestImages(distances, train[rows])


def thumbnails(images: Images, rows: Rows | None = None) -> Features:
    """Return uint8 (N, H, W, C) images, or some of their `rows`, as float32 (N, 256 C) in 0..1.

    Each number averages a part of a channel, colors are premultiplied by alpha. Memory-mapped
    images are read in blocks.
    """
    rows = np.arange(len(images)) if rows is None else rows
    small = np.empty((len(rows), SIDE * SIDE * images.shape[3]), np.float32)
    for start in range(0, len(rows), _BLOCK):
        block = torch.from_numpy(premultiply(images[rows[start : start + _BLOCK]]))
        planes = block.permute(0, 3, 1, 2) / 255
        small[start : start + len(block)] = F.adaptive_avg_pool2d(planes, SIDE).flatten(1).numpy()
    return small


def nearest(query: Features, base: Features) -> tuple[Features, Rows]:
    """Return the distance from each row of (N, F) to the nearest row of (M, F), and that row."""
    distances, rows = [], []
    everything = torch.from_numpy(base)
    for block in torch.split(torch.from_numpy(query), _BLOCK):
        index = torch.cdist(block, everything).min(dim=1).indices
        # cdist loses small distances by its matrix product: measure the chosen pairs directly.
        distances.append((block - everything[index]).norm(dim=1).numpy())
        rows.append(index.numpy())
    return np.concatenate(distances), np.concatenate(rows)


def nearest_images(query: Images, known: Features) -> tuple[Features, Rows]:
    """Do the same for uint8 (N, H, W, C) images and thumbnails (M, F), mirrored ones included.

    Training shows each image in both orientations.
    """
    plain, rows = nearest(thumbnails(query), known)
    mirrored, mirrored_rows = nearest(thumbnails(query[:, :, ::-1]), known)
    return np.minimum(plain, mirrored), np.where(mirrored < plain, mirrored_rows, rows)


def closeness(generated: Features, held_out: Features) -> Closeness:
    """Compare distances (N,) and (M,) to the nearest training image, M > 0.

    Held-out images are the reference, as in Meehan et al. 2020, section 3.
    """
    count = len(held_out)
    rank = max(1, round(QUANTILE * count))
    limit = np.sort(held_out)[rank - 1]
    median = float(np.median(held_out))
    ratio = float(np.median(generated)) / median if median else 1.0
    # A new image lies below the rank-th smallest of `count` with probability rank / (count + 1).
    return Closeness(float((generated <= limit).mean()), rank / (count + 1), ratio)
