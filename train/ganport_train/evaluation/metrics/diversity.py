"""Diversity: the spread of images within a condition, and near-duplicates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ganport_runtime.conditions import ConditionGroup, Conditions, JointOneHot, MultiHot, OneHot
from ganport_train.data.color_modes import convert_mode
from ganport_train.data.dataset import Features, Images, Rows, Vectors
from ganport_train.data.images import thumbnail
from ganport_train.data.near_duplicates import find_duplicate_groups
from ganport_train.evaluation.metrics import Metric
from ganport_train.evaluation.metrics.memorization import thumbnails

SECTION = "Diversity"
MAX_CONDITIONS, IMAGES_PER_CONDITION = 24, 16
_MIN_REAL = 8  # real images of a condition that is measured
_MIN_CONDITIONS = 4


@dataclass(frozen=True, eq=False)
class DiversityPlan:
    """The conditions whose spread is measured.

    `real` holds the rows of real images, one array per condition. `vectors` (N, C) are to be
    generated: `IMAGES_PER_CONDITION` rows for each condition, in the same order. `shared` is false
    where almost no real images share a whole condition, as with forty attributes: then `real` holds
    images that share one label, and the real spread is wider.
    """

    real: Sequence[Rows]
    vectors: Vectors
    shared: bool

    @property
    def generated(self) -> list[Rows]:
        """The rows of the generated images, one array per condition."""
        starts = range(0, len(self.vectors), IMAGES_PER_CONDITION)
        return [np.arange(start, start + IMAGES_PER_CONDITION) for start in starts]

    @property
    def real_rows(self) -> Rows:
        """The rows of `real`, concatenated."""
        return np.concatenate(self.real)

    @property
    def real_groups(self) -> list[Rows]:
        """The positions within `real_rows`, one array per condition."""
        return np.split(np.arange(len(self.real_rows)), np.cumsum([len(r) for r in self.real])[:-1])

    @classmethod
    def of(cls, conditions: Conditions, vectors: Vectors) -> DiversityPlan:
        """Choose the most frequent conditions among those of real images, vectors (N, C)."""
        groups = _rows_by_condition(vectors)[:MAX_CONDITIONS]
        shared = len(groups) >= min(_MIN_CONDITIONS, len(np.unique(vectors, axis=0)))
        if not shared:
            labels = rows_by_label(conditions, vectors).values()
            common = [rows for rows in labels if len(rows) >= _MIN_REAL][:MAX_CONDITIONS]
            groups = [
                rows[evenly_spaced(len(rows), min(len(rows), IMAGES_PER_CONDITION))]
                for rows in common or [np.arange(len(vectors))]
            ]
        chosen = vectors[[rows[0] for rows in groups]]
        return cls(groups, np.repeat(chosen, IMAGES_PER_CONDITION, axis=0), shared)


def spread_metrics(
    plan: DiversityPlan,
    rounds: Sequence[Images],
    real: Images,
    extract: Callable[[Images], Features],
) -> dict[str, Metric]:
    """Return the spread within a condition over the real one, for pixels and for features.

    `rounds` are the images of `plan.vectors`, one array per round, and `real` those of
    `plan.real_rows`, all uint8 (N, H, W, C).
    """
    note = "" if plan.shared else "almost no real images share a condition: one label instead"
    spaces = (
        ("spread_pixels", "spread within a condition, pixels", thumbnails),
        ("spread_features", "spread within a condition, features", extract),
    )
    metrics: dict[str, Metric] = {}
    for key, title, embed in spaces:
        reference = embed(real)
        values = [
            relative_spread(embed(images), plan.generated, reference, plan.real_groups)
            for images in rounds
        ]
        metrics[key] = Metric.over_rounds(
            title, SECTION, values, better="higher", real=1.0, unit="%", note=note
        )
    return metrics


def near_duplicate_metric(rounds: Sequence[Images], real: Images) -> Metric:
    """Return the fraction of near-duplicates in rounds of images and in as many real ones."""
    return Metric.over_rounds(
        "near-duplicates",
        SECTION,
        [near_duplicate_fraction(images) for images in rounds],
        better="lower",
        real=near_duplicate_fraction(real),
        unit="%",
    )


def mean_spread(features: Features, groups: Sequence[Rows]) -> float:
    """Return the mean over groups (rows of (N, F)) of the mean distance of two members.

    Groups of one member are ignored; without any pair the spread is 0.
    """
    means = [_mean_distance(features[rows]) for rows in groups if len(rows) > 1]
    return float(np.mean(means)) if means else 0.0


def relative_spread(
    generated: Features,
    generated_groups: Sequence[Rows],
    real: Features,
    real_groups: Sequence[Rows],
) -> float:
    """Return the spread of the generated groups over that of the real groups.

    1 equals real images, 0 means one image per condition. It is 1 if the real spread is 0.
    """
    real_spread = mean_spread(real, real_groups)
    return mean_spread(generated, generated_groups) / real_spread if real_spread else 1.0


def near_duplicate_fraction(images: Images) -> float:
    """Return the fraction of uint8 (N, H, W, C) images that have a near-duplicate.

    Near-duplicates are those of `data.near_duplicates`; mirrored copies count. Transparency is laid
    on white, as in a data set.
    """
    over_white = convert_mode(images, "rgb")
    small = np.stack([thumbnail(Image.fromarray(image)) for image in over_white])
    labels = find_duplicate_groups(small).labels
    return float((np.bincount(labels)[labels] > 1).mean())


def evenly_spaced(total: int, count: int) -> Rows:
    """Return `count` ascending rows that are spread evenly over `total`."""
    return ((np.arange(count) + 0.5) * total / count).astype(np.int64)


def rows_by_label(conditions: Conditions, vectors: Vectors) -> dict[tuple[str, str], Rows]:
    """Return the rows of vectors (N, C) with each (group, label), for the groups with labels."""
    return {
        (group.name, label): np.flatnonzero(vectors[:, conditions.slices[group.name]][:, index] > 0)
        for group in conditions.groups
        if isinstance(group, OneHot | JointOneHot | MultiHot)
        for index, label in enumerate(group.labels)
    }


def change_labels(
    conditions: Conditions, vectors: Vectors
) -> Iterator[tuple[ConditionGroup, str, Vectors]]:
    """Yield each group and label, with a copy of vectors (N, C) in which the label is changed.

    A label of a multi-hot group is toggled in each row, any other one is set.
    """
    for group in conditions.groups:
        if not isinstance(group, OneHot | JointOneHot | MultiHot):
            continue
        for index, label in enumerate(group.labels):
            changed = vectors.copy()
            part = changed[:, conditions.slices[group.name]]
            if isinstance(group, MultiHot):
                part[:, index] = 1 + group.inactive_value - part[:, index]
            else:
                part[:] = np.eye(group.size, dtype=np.float32)[index]
            yield group, label, changed


def _rows_by_condition(vectors: Vectors) -> list[Rows]:
    """Return the rows of each condition with enough images, the most frequent first."""
    if not vectors.shape[1]:
        return [evenly_spaced(len(vectors), min(len(vectors), IMAGES_PER_CONDITION))]
    _, inverse, counts = np.unique(vectors, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [
        np.flatnonzero(inverse.reshape(-1) == index)[:IMAGES_PER_CONDITION]
        for index in order
        if counts[index] >= _MIN_REAL
    ]


def _mean_distance(features: Features) -> float:
    values = features.astype(np.float64)
    squares = (values**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * values @ values.T, 0))
    count = len(features)
    np.fill_diagonal(distances, 0)  # rounding leaves values other than 0
    return float(distances.sum() / (count * (count - 1)))
