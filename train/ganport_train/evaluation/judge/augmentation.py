"""What a judge's training pictures go through, so that it knows their kind and not their pixels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def mirrored(images: Tensor, random: np.random.Generator) -> Tensor:
    """Mirror half of float (N, 3, R, R) pictures."""
    chosen = torch.from_numpy(random.random(len(images)) < 0.5).to(images.device)
    return torch.where(chosen[:, None, None, None], images.flip(-1), images)


def moved(images: Tensor, reach: int, random: np.random.Generator) -> Tensor:
    """Move each of float (N, 3, R, R) pictures by up to `reach` pixels a side, edges repeated."""
    count, side = len(images), images.shape[-1]
    moves = torch.from_numpy(random.integers(0, 2 * reach + 1, (count, 2)))
    padded = F.pad(images, (reach,) * 4, mode="replicate")
    places = (torch.arange(side) + moves[:, :, None]).to(images.device)  # (N, 2, R)
    rows, columns = places[:, 0], places[:, 1]
    which = torch.arange(count, device=images.device)[:, None, None]
    pixels = padded.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]]
    return pixels.permute(0, 3, 1, 2)
