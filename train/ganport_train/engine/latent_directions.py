"""The latent directions of a flow: what a label adds to the noise of a picture."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganport_models import Flow
from ganport_runtime.conditions import Conditions, MultiHot, OneHot

PICTURES = 512
"""Pictures that are encoded for them."""
_BATCH = 32


@torch.no_grad()
def measure(
    flow: Flow, conditions: Conditions, images: Tensor, vectors: NDArray[np.float32]
) -> dict[str, Tensor]:
    """The mean noise of pictures with a label less that of those without, float32 (*z_shape), by
    `group/label`.

    `images` (N, 3, H, W) in [-1, 1] are encoded under their own conditions, `vectors` (N, C). Only
    labels that some of them have and others have not get one (report 003, attribute manipulation;
    Kingma & Dhariwal 2018, section 5).
    """
    condition = torch.from_numpy(vectors).to(images.device)
    parts = zip(torch.split(images, _BATCH), torch.split(condition, _BATCH), strict=True)
    z = torch.cat([flow.encode(*part) for part in parts])
    found = {}
    for name, column in _columns(conditions).items():
        having = condition[:, column] > 0
        if having.any() and not having.all():
            found[name] = z[having].mean(dim=0) - z[~having].mean(dim=0)
    return found


def _columns(conditions: Conditions) -> dict[str, int]:
    """The place of each label in a condition vector."""
    return {
        f"{group.name}/{label}": conditions.slices[group.name].start + place
        for group in conditions.groups
        if isinstance(group, OneHot | MultiHot)
        for place, label in enumerate(group.labels)
    }
