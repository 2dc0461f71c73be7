"""Image quality: distances between generated and real features, and mutual coverage.

Only on Inception features are the distances FID and KID.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganport_runtime.conditions import Conditions
from ganport_train.data.dataset import Features, Rows, Vectors
from ganport_train.evaluation.metrics import Metric
from ganport_train.evaluation.metrics.diversity import evenly_spaced, relative_spread, rows_by_label

MAX_SUBSET = 1000
"""Largest subset over which a kernel distance is averaged (Binkowski et al. 2018)."""
MIN_LABEL_IMAGES = 20
"""Fewest images of a label, generated or real, that are measured."""
MAX_LABEL_IMAGES = 1000
"""Largest number of images of a label, generated or real, that are measured."""
SUBSETS = 20
"""Number of subsets over which a kernel distance is averaged."""
_LABEL_METRICS = ("kernel", "density", "coverage", "spread")
_BLOCK = 2048  # rows of a distance matrix computed at once


@dataclass(frozen=True, eq=False)
class Reference:
    """The real images that generated ones are compared with.

    `features` (N, F) are those of all usable real images. The rows `baseline`, as many as a round
    generates, are measured like generated images; `others` are the remaining rows.
    """

    features: Features
    vectors: Vectors
    baseline: Rows
    others: Rows

    @classmethod
    def of(cls, features: Features, vectors: Vectors, count: int, seed: int) -> Reference:
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
    conditions: Conditions, vectors: Vectors, rounds: Sequence[Features], reference: Reference
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
        "kernel": kernel_distance(features, others, subsets=SUBSETS) * 1000,
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
        kernel_distance(generated, real, subsets=1, size=count) * 1000,
        density,
        coverage,
        relative_spread(generated, everything, real, everything),
    )
    return dict(zip(_LABEL_METRICS, values, strict=True))


def frechet_distance(generated: Features, real: Features) -> float:
    """Return the Fréchet distance of Gaussians fitted to features (N, F) and (M, F).

    Heusel et al. 2017, equation 6, by torch-fidelity. It falls as N grows, so only values of equal
    N are comparable.
    """
    from torch_fidelity import metric_fid as fid

    first, second = (fid.fid_features_to_statistics(_float64(part)) for part in (generated, real))
    # Rounding can make the distance of equal sets negative.
    return max(0.0, float(fid.fid_statistics_to_metric(first, second, False)[fid.KEY_METRIC_FID]))


def kernel_distance(
    generated: Features,
    real: Features,
    *,
    subsets: int = 100,
    size: int | None = None,
    seed: int = 0,
) -> float:
    """Return the mean of the squared maximum mean discrepancy of (N, F) and (M, F).

    Kernel (x y / F + 1)^3, over `subsets` random subsets of `size` rows, at most 1000 by default
    (Binkowski et al. 2018, section 4), by torch-fidelity. The estimate is unbiased: its mean is 0
    between samples of one distribution at any N, so it suits small sets.
    """
    from torch_fidelity import metric_kid as kid

    result = kid.kid_features_to_metric(
        _float64(generated),
        _float64(real),
        kid_subsets=subsets,
        kid_subset_size=size or min(MAX_SUBSET, len(generated), len(real)),
        rng_seed=seed,
        verbose=False,
    )
    return float(result[kid.KEY_METRIC_KID_MEAN])


def precision_recall(generated: Features, real: Features, *, k: int = 3) -> tuple[float, float]:
    """Return the fraction of generated features inside real balls, and the reverse.

    The radius of a ball is the distance to the k-th neighbor of its own set (Kynkäänniemi et al.
    2019, section 2), by torch-fidelity. One outlier makes a large ball; density and coverage are
    less sensitive to it.
    """
    from torch_fidelity import metric_prc as prc

    result = prc.prc_features_to_metric(
        _float64(generated),
        _float64(real),
        prc_neighborhood=_neighbor_rank(k, generated, real),
        prc_batch_size=_BLOCK,
        save_cpu_ram=True,
        verbose=False,
    )
    return float(result[prc.KEY_METRIC_PRECISION]), float(result[prc.KEY_METRIC_RECALL])


def density_coverage(generated: Features, real: Features, *, k: int = 5) -> tuple[float, float]:
    """Return density and coverage (Naeem et al. 2020, equations 3 and 4).

    The radius of a ball is the distance to the k-th other real feature. Density is the mean number
    of balls around a generated feature, divided by k: 1 on average between samples of one
    distribution. Coverage is the fraction of balls that hold a generated feature: 1 - 2^-k between
    samples of one distribution and equal size.
    """
    generated64, real64 = _float64(generated), _float64(real)
    k = _neighbor_rank(k, real)
    inside = 0
    covered = 0
    for block in torch.split(real64, _BLOCK):
        # The nearest feature is the feature itself.
        radii = torch.cdist(block, real64).kthvalue(k + 1, dim=1).values
        within = torch.cdist(block, generated64) < radii[:, None]
        inside += int(within.sum())
        covered += int(within.any(dim=1).sum())
    return inside / (k * len(generated)), covered / len(real)


def _float64(features: Features) -> Tensor:
    # In float32 a distance by matrix product loses the difference of nearly equal features.
    return torch.from_numpy(features.astype(np.float64))


def _neighbor_rank(k: int, *sets: Features) -> int:
    return max(1, min([k, *(len(features) - 1 for features in sets)]))
