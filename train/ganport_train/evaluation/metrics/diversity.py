"""Whether pictures differ from each other as real ones do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganport_train.data.images import THUMBNAIL_SIZE
from ganport_train.data.near_duplicates import find_duplicate_groups

Features = NDArray[np.float32]
Groups = Sequence[NDArray[np.int64]]


def within(features: Features, groups: Groups) -> float:
    """The mean over groups, arrays of rows of (N, F), of the mean distance between two members.

    Groups of one have no pair and do not count; without any pair it is 0.
    """
    means = [_mean_distance(features[rows]) for rows in groups if len(rows) > 1]
    return float(np.mean(means)) if means else 0.0


def share(
    generated: Features, generated_groups: Groups, real: Features, real_groups: Groups
) -> float:
    """The spread within the generated groups over that within the real ones: 1 as in real
    pictures, 0 when a condition always gives the same picture; 1 where real ones do not differ."""
    truth = within(real, real_groups)
    return within(generated, generated_groups) / truth if truth else 1.0


def near_duplicates(images: NDArray[np.uint8]) -> float:
    """The share of uint8 (N, H, W, 3) pictures that have a near-identical other one.

    Alike is what `data.near_duplicates` calls alike, a mirrored copy included.
    """
    thumbnails = np.stack([_thumbnail(image) for image in images])
    labels = find_duplicate_groups(thumbnails).labels
    return float((np.bincount(labels)[labels] > 1).mean())


def _mean_distance(features: Features) -> float:
    wide = features.astype(np.float64)
    squares = (wide**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * wide @ wide.T, 0))
    count = len(features)
    # The diagonal is 0 but for rounding.
    np.fill_diagonal(distances, 0)
    return float(distances.sum() / (count * (count - 1)))


def _thumbnail(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    size = (THUMBNAIL_SIZE, THUMBNAIL_SIZE)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
