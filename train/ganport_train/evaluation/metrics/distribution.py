"""Distances between two sets of features, and how far each set covers the other.

Only on Inception features are the distances FID and KID.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Features = NDArray[np.float32]
MAX_SUBSET = 1000
"""Largest subset over which a kernel distance is averaged (Binkowski et al. 2018)."""
_BLOCK = 2048  # rows of a distance matrix computed at once


def frechet_distance(generated: Features, real: Features) -> float:
    """Return the Fréchet distance of Gaussians fitted to features (N, F) and (M, F).

    Heusel et al. 2017, equation 6, by torch-fidelity. It falls as N grows, so only values of equal
    N are comparable.
    """
    from torch_fidelity.metric_fid import (
        KEY_METRIC_FID,
        fid_features_to_statistics,
        fid_statistics_to_metric,
    )

    first, second = (fid_features_to_statistics(_float64(part)) for part in (generated, real))
    # Rounding can make the distance of equal sets negative.
    return max(0.0, float(fid_statistics_to_metric(first, second, False)[KEY_METRIC_FID]))


def kernel_distance(
    generated: Features,
    real: Features,
    *,
    subsets: int = 100,
    size: int | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """Return mean and deviation of the squared maximum mean discrepancy of (N, F) and (M, F).

    Kernel (x y / F + 1)^3, over `subsets` random subsets of `size` rows, at most 1000 by default
    (Binkowski et al. 2018, section 4), by torch-fidelity. The estimate is unbiased: its mean is 0
    between samples of one distribution at any N, so it suits small sets.
    """
    from torch_fidelity.metric_kid import (
        KEY_METRIC_KID_MEAN,
        KEY_METRIC_KID_STD,
        kid_features_to_metric,
    )

    result = kid_features_to_metric(
        _float64(generated),
        _float64(real),
        kid_subsets=subsets,
        kid_subset_size=size or min(MAX_SUBSET, len(generated), len(real)),
        rng_seed=seed,
        verbose=False,
    )
    return float(result[KEY_METRIC_KID_MEAN]), float(result[KEY_METRIC_KID_STD])


def precision_recall(generated: Features, real: Features, *, k: int = 3) -> tuple[float, float]:
    """Return the fraction of generated features inside real balls, and the reverse.

    The radius of a ball is the distance to the k-th neighbor of its own set (Kynkäänniemi et al.
    2019, section 2), by torch-fidelity. One outlier makes a large ball; density and coverage are
    less sensitive to it.
    """
    from torch_fidelity.metric_prc import (
        KEY_METRIC_PRECISION,
        KEY_METRIC_RECALL,
        prc_features_to_metric,
    )

    result = prc_features_to_metric(
        _float64(generated),
        _float64(real),
        prc_neighborhood=_neighbor_rank(k, generated, real),
        prc_batch_size=_BLOCK,
        save_cpu_ram=True,
        verbose=False,
    )
    return float(result[KEY_METRIC_PRECISION]), float(result[KEY_METRIC_RECALL])


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
