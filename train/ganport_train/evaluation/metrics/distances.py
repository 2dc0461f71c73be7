"""Distances between two sets of features, by torch-fidelity.

On Inception's features they are FID and KID; on any others they must not be called so.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch_fidelity.metric_fid import (
    KEY_METRIC_FID,
    fid_features_to_statistics,
    fid_statistics_to_metric,
)
from torch_fidelity.metric_kid import (
    KEY_METRIC_KID_MEAN,
    KEY_METRIC_KID_STD,
    kid_features_to_metric,
)

Features = NDArray[np.float32]
MAX_SUBSET = 1000
"""Pictures in one of the subsets a kernel distance is averaged over (Binkowski et al. 2018)."""


def frechet(generated: Features, real: Features) -> float:
    """The Fréchet distance between Gaussians fitted to features (N, F) and (M, F).

    Heusel et al. 2017, equation 6. It falls as N grows, so only equal numbers compare.
    """
    one, two = (fid_features_to_statistics(_tensor(part)) for part in (generated, real))
    # Rounding can bring the distance of equal sets below 0.
    return max(0.0, float(fid_statistics_to_metric(one, two, False)[KEY_METRIC_FID]))


def kernel(
    generated: Features,
    real: Features,
    *,
    subsets: int = 100,
    size: int | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """The squared maximum mean discrepancy of features (N, F) and (M, F): mean and deviation.

    Kernel (x y / F + 1)^3, over `subsets` draws of `size` pictures of each set, by default 1000 or
    as many as there are (Binkowski et al. 2018, section 4). Unbiased: it is 0 on average between
    samples of one distribution, however few, so it comes first for small sets.
    """
    found = kid_features_to_metric(
        _tensor(generated),
        _tensor(real),
        kid_subsets=subsets,
        kid_subset_size=size or min(MAX_SUBSET, len(generated), len(real)),
        rng_seed=seed,
        verbose=False,
    )
    return float(found[KEY_METRIC_KID_MEAN]), float(found[KEY_METRIC_KID_STD])


def _tensor(features: Features) -> torch.Tensor:
    return torch.from_numpy(features.astype(np.float64))
