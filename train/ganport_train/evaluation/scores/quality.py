"""Image quality: distances between generated and real features, in total and by label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_train.evaluation.metrics.distribution import (
    density_coverage,
    frechet_distance,
    kernel_distance,
    precision_recall,
)
from ganport_train.evaluation.metrics.diversity import (
    evenly_spaced,
    relative_spread,
    rows_by_label,
)
from ganport_train.evaluation.metrics.metric import Metric

Features = NDArray[np.float32]
Rows = NDArray[np.int64]
MIN_LABEL_IMAGES = 20
"""Fewest images of a label, generated or real, that are measured."""
MAX_LABEL_IMAGES = 1000
"""Largest number of images of a label, generated or real, that are measured."""
SUBSETS = 20
"""Number of subsets over which a kernel distance is averaged."""
_LABEL_METRICS = ("kernel", "density", "coverage", "spread")


@dataclass(frozen=True, eq=False)
class Reference:
    """The real images that generated ones are compared with.

    `features` (N, F) are those of all usable real images. The rows `baseline`, as many as a round
    generates, are measured like generated images; `others` are the remaining rows.
    """

    features: Features
    vectors: NDArray[np.float32]
    baseline: Rows
    others: Rows

    @classmethod
    def of(
        cls, features: Features, vectors: NDArray[np.float32], count: int, seed: int
    ) -> Reference:
        """Choose `count` images for the baseline by `seed`, at most half of all."""
        order = np.random.Generator(np.random.Philox(seed)).permutation(len(features))
        size = min(count, len(features) // 2)
        return cls(features, vectors, np.sort(order[:size]), np.sort(order[size:]))

    @property
    def size_matched(self) -> Rows:
        """As many of `others` as `baseline` has: coverage depends on the number of real images."""
        return self.others[evenly_spaced(len(self.others), len(self.baseline))]

    def counts(self) -> dict[str, int]:
        """Return the numbers of images that a metric compares; coverage uses `size_matched`."""
        size = len(self.baseline)
        return {"generated": size, "real": len(self.others), "size_matched": size}


def quality_metrics(
    name: str, rounds: Sequence[Features], reference: Reference
) -> dict[str, Metric]:
    """Return all metrics on one extractor's features, of which `rounds` has an array per round."""
    # Only distances of Inception features may have the names that papers compare.
    inception = name == "inception"
    space = "Inception features" if inception else "the judge's features"
    rows = (
        ("kernel", "KID x 1000" if inception else "kernel distance x 1000", "lower", ""),
        ("frechet", "FID" if inception else "feature distance", "lower", ""),
        ("precision", "precision", "higher", "%"),
        ("recall", "recall", "higher", "%"),
        ("density", "density", "higher", ""),
        ("coverage", "coverage", "higher", "%"),
    )
    measured = [_measure(features, reference) for features in rounds]
    real = _measure(reference.features[reference.baseline], reference)
    return {
        f"{name}_{key}": Metric.over_rounds(
            title,
            f"Image quality ({space})",
            [values[key] for values in measured],
            better=better,
            real=real[key],
            unit=unit,
        )
        for key, title, better, unit in rows
    }


def label_metrics(
    conditions: Conditions,
    vectors: NDArray[np.float32],
    rounds: Sequence[Features],
    reference: Reference,
) -> list[dict[str, Any]]:
    """Return the metrics of each label over all rounds; `vectors` are those of one round.

    The values are None for a label with fewer than `MIN_LABEL_IMAGES` images.
    """
    generated, requested = np.concatenate(rounds), np.tile(vectors, (len(rounds), 1))
    real_rows = rows_by_label(conditions, reference.vectors)
    return [
        {
            "group": group,
            "label": label,
            "generated": len(rows),
            "real": len(real_rows[group, label]),
            "metrics": _measure_label(generated[rows], reference.features[real_rows[group, label]]),
        }
        for (group, label), rows in rows_by_label(conditions, requested).items()
    ]


def _measure(features: Features, reference: Reference) -> dict[str, float]:
    # Every metric depends on the number of images, so each round has the size of the baseline.
    features = features[evenly_spaced(len(features), len(reference.baseline))]
    others = reference.features[reference.others]
    size_matched = reference.features[reference.size_matched]
    precision, recall = precision_recall(features, size_matched)
    density, coverage = density_coverage(features, size_matched)
    return {
        "kernel": kernel_distance(features, others, subsets=SUBSETS)[0] * 1000,
        "frechet": frechet_distance(features, others),
        "precision": precision,
        "recall": recall,
        "density": density,
        "coverage": coverage,
    }


def _measure_label(generated: Features, real: Features) -> dict[str, float | None]:
    count = min(len(generated), len(real), MAX_LABEL_IMAGES)
    if count < MIN_LABEL_IMAGES:
        return dict.fromkeys(_LABEL_METRICS)
    generated = generated[evenly_spaced(len(generated), count)]
    real = real[evenly_spaced(len(real), count)]
    density, coverage = density_coverage(generated, real)
    everything = [np.arange(count)]
    values = (
        kernel_distance(generated, real, subsets=1, size=count)[0] * 1000,
        density,
        coverage,
        relative_spread(generated, everything, real, everything),
    )
    return dict(zip(_LABEL_METRICS, values, strict=True))
