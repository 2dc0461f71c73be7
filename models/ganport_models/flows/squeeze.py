"""Pixels to channels and back."""

from __future__ import annotations

from torch import Tensor


def squeeze(planes: Tensor) -> Tensor:
    """(N, C, H, W) to (N, 4 C, H/2, W/2): each 2x2 block becomes channels (Dinh et al. 2017,
    section 3.6).
    """
    _, channels, height, width = planes.shape
    blocks = planes.view(-1, channels, height // 2, 2, width // 2, 2)
    return blocks.permute(0, 1, 3, 5, 2, 4).reshape(-1, 4 * channels, height // 2, width // 2)


def unsqueeze(planes: Tensor) -> Tensor:
    """(N, 4 C, H, W) to (N, C, 2 H, 2 W): the inverse of `squeeze`."""
    _, channels, height, width = planes.shape
    blocks = planes.view(-1, channels // 4, 2, 2, height, width)
    return blocks.permute(0, 1, 4, 2, 5, 3).reshape(-1, channels // 4, 2 * height, 2 * width)
