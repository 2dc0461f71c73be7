"""Latent directions of a flow: the change of the noise that adds a label to an image."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganport_models import Flow
from ganport_runtime.conditions import Conditions, MultiHot, OneHot

NUM_IMAGES = 512
"""Number of images to encode."""
_BATCH_SIZE = 32


@torch.no_grad()
def measure_directions(
    flow: Flow, conditions: Conditions, images: Tensor, vectors: NDArray[np.float32]
) -> dict[str, Tensor]:
    """Return the latent direction of each label as `group/label`, float32 (*z_shape).

    A direction is the mean noise of the images with a label minus that of the images without it.
    `images` (N, C, H, W) in [-1, 1] are encoded under their conditions, `vectors` (N, K). Labels
    that all images or no images have are left out (report 003, attribute manipulation; Kingma &
    Dhariwal 2018, section 5).
    """
    condition = torch.from_numpy(vectors).to(images.device)
    batches = zip(
        torch.split(images, _BATCH_SIZE), torch.split(condition, _BATCH_SIZE), strict=True
    )
    z = torch.cat([flow.encode(*batch) for batch in batches])
    directions = {}
    for name, column in _label_columns(conditions).items():
        has_label = condition[:, column] > 0
        if has_label.any() and not has_label.all():
            directions[name] = z[has_label].mean(dim=0) - z[~has_label].mean(dim=0)
    return directions


def _label_columns(conditions: Conditions) -> dict[str, int]:
    """Return the index of each label in a condition vector."""
    return {
        f"{group.name}/{label}": conditions.slices[group.name].start + index
        for group in conditions.groups
        if isinstance(group, OneHot | MultiHot)
        for index, label in enumerate(group.labels)
    }
