"""Conditional Glow: an invertible network between images and noise (report 003, D2 and D3)."""

from __future__ import annotations

import math
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganport_models.blocks import leaky_relu
from ganport_models.flows import MultiScaleFlow, squeeze, unsqueeze
from ganport_models.network import Flow, NetworkConfig, NetworkError, register_generator
from ganport_models.resolution import format_resolution, num_halvings

BOUND = 0.95
"""Pixels are scaled to (1 - BOUND) / 2 .. (1 + BOUND) / 2, so that the logits of black and white
are finite (RealNVP, Dinh et al. 2017, section 4.1)."""
LEVELS = 256


@register_generator("glow")
class Glow(Flow):
    """Glow (Kingma & Dhariwal 2018) with the condition as an additional plane.

    Condition -> Linear -> a plane of the image's size; every coupling reads it, squeezed to its
    own size. `base_channels` are the hidden channels of a coupling; `num_levels` and `num_blocks`
    are the levels and the steps per level.
    """

    conditional = False

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        most = num_halvings(config.resolution)
        if config.num_levels > most:
            raise NetworkError(
                "num_levels",
                f"at most {most} at {format_resolution(config.resolution)}, whose sides are halved "
                "at each level",
                str(config.num_levels),
                f"Set network.num_levels={most}.",
            )
        planes = 4 if config.condition_size else 0
        self.condition = (
            nn.Sequential(nn.Linear(config.condition_size, prod(config.size)), leaky_relu())
            if config.condition_size
            else None
        )
        self.flow = MultiScaleFlow(
            4 * config.image_channels,
            planes,
            config.base_channels,
            config.num_levels,
            config.num_blocks,
        )

    @property
    def z_shape(self) -> tuple[int, ...]:
        """Shape of the image."""
        return (self.config.image_channels, *self.config.size)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, K, H, W) in [-1, 1] from z (N, K, H, W) and condition (N, C)."""
        logits = unsqueeze(self.flow.inverse(squeeze(z), self._planes(condition)))
        # No image has values outside the bounds; clamp them to black and white.
        return ((2 * torch.sigmoid(logits) - 1) / BOUND).clamp(-1, 1)

    def likelihood(self, pixels: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return z (N, K, H, W) and log-likelihood (N,) of pixels (N, K, H, W) in (0, 1)."""
        bounded = ((2 * pixels - 1) * BOUND + 1) / 2
        logits = bounded.log() - (1 - bounded).log()
        logit_log_det = (
            (F.softplus(logits) + F.softplus(-logits) + math.log(BOUND)).flatten(1).sum(1)
        )
        z, log_det = self.flow(squeeze(logits), self._planes(condition))
        z = unsqueeze(z)
        prior = -0.5 * (z.square() + math.log(2 * math.pi)).flatten(1).sum(dim=1)
        return z, prior + log_det + logit_log_det

    def encode(self, image: Tensor, condition: Tensor) -> Tensor:
        """Return z (N, K, H, W) of images (N, K, H, W) in [-1, 1], each level at its bin center."""
        z: Tensor = self.likelihood(to_bin_centers(image), condition)[0]
        return z

    def _planes(self, condition: Tensor) -> Tensor | None:
        if self.condition is None:
            return None
        return squeeze(self.condition(condition).view(-1, 1, *self.config.size))


def to_bin_centers(image: Tensor) -> Tensor:
    """Map images in [-1, 1] to (0, 1): level k of 256 becomes (k + 1/2) / 256."""
    return ((image + 1) * ((LEVELS - 1) / 2) + 0.5) / LEVELS
