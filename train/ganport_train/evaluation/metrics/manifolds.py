"""How two sets of features cover each other, by balls around their nearest neighbours."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Features = NDArray[np.float32]
_BLOCK = 2048


def precision_recall(generated: Features, real: Features, *, k: int = 3) -> tuple[float, float]:
    """The share of generated features inside the real ones' balls, and the reverse.

    A ball reaches to the k-th nearest of its own set (Kynkäänniemi et al. 2019, section 2), by
    torch-fidelity. One outlier makes a large ball: density and coverage mind it less.
    """
    from torch_fidelity.metric_prc import (
        KEY_METRIC_PRECISION,
        KEY_METRIC_RECALL,
        prc_features_to_metric,
    )

    found = prc_features_to_metric(
        _wide(generated),
        _wide(real),
        prc_neighborhood=_neighbour(k, generated, real),
        prc_batch_size=_BLOCK,
        save_cpu_ram=True,
        verbose=False,
    )
    return float(found[KEY_METRIC_PRECISION]), float(found[KEY_METRIC_RECALL])


def density_coverage(generated: Features, real: Features, *, k: int = 5) -> tuple[float, float]:
    """Density, how many real balls a generated feature lies in over k, and coverage, the share of
    real balls that hold a generated feature (Naeem et al. 2020, equations 3 and 4).

    A ball reaches to the k-th nearest other real feature. Density is 1 on average between samples
    of one distribution, coverage 1 - 2^-k when there are as many of each.
    """
    drawn, truth = _wide(generated), _wide(real)
    k = _neighbour(k, real)
    inside = 0
    covered = 0
    for block in torch.split(truth, _BLOCK):
        # The nearest of all is the feature itself.
        radii = torch.cdist(block, truth).kthvalue(k + 1, dim=1).values
        within = torch.cdist(block, drawn) < radii[:, None]
        inside += int(within.sum())
        covered += int(within.any(dim=1).sum())
    return inside / (k * len(generated)), covered / len(real)


def _wide(features: Features) -> Tensor:
    # In single precision a distance by matrix product loses what near-equal features differ in.
    return torch.from_numpy(features.astype(np.float64))


def _neighbour(k: int, *sets: Features) -> int:
    return max(1, min([k, *(len(features) - 1 for features in sets)]))
