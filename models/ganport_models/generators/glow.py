"""Conditional Glow: a flow between pictures and noise, exact both ways (report 003, D2 and D3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganport_models.blocks import leaky_relu
from ganport_models.flows.multi_scale import Levels
from ganport_models.flows.squeeze import squeeze, unsqueeze
from ganport_models.network import Flow, NetworkConfig, NetworkError
from ganport_models.registry import register_generator

BOUND = 0.95
"""Pixels are drawn into (1 - BOUND) / 2 .. (1 + BOUND) / 2 before their logit is taken, so that
black and white stay finite (RealNVP, Dinh et al. 2017, section 4.1)."""
LEVELS = 256


@register_generator("glow")
class Glow(Flow):
    """Glow (Kingma & Dhariwal 2018) with the condition as one more plane beside the picture.

    Condition -> Linear -> a plane of the picture's size, which every coupling sees squeezed to its
    own. `features` are the hidden channels, `levels` and `blocks` the levels and steps a level.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        if config.resolution < 2**config.num_levels:
            raise NetworkError(
                "levels",
                expected=f"at most {config.stages + 2} at this resolution",
                found=str(config.num_levels),
                fix="Set network.num_levels lower.",
            )
        planes = 4 if config.condition_size else 0
        self.condition = (
            nn.Sequential(nn.Linear(config.condition_size, config.resolution**2), leaky_relu())
            if config.condition_size
            else None
        )
        self.flow = Levels(
            4 * 3, planes, config.base_channels, config.num_levels, config.num_blocks
        )

    @property
    def z_shape(self) -> tuple[int, ...]:
        return (3, self.config.resolution, self.config.resolution)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] from z (N, 3, H, W) and condition (N, C)."""
        logits = unsqueeze(self.flow.inverse(squeeze(z), self._planes(condition)))
        # Past the bounds lies what no picture has; the clamp brings it to black or white.
        return ((2 * torch.sigmoid(logits) - 1) / BOUND).clamp(-1, 1)

    def likelihood(self, pixels: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Z (N, 3, H, W) of pixels (N, 3, H, W) in (0, 1), and their log-likelihood (N,)."""
        bounded = ((2 * pixels - 1) * BOUND + 1) / 2
        logits = bounded.log() - (1 - bounded).log()
        stretched = (F.softplus(logits) + F.softplus(-logits) + math.log(BOUND)).flatten(1).sum(1)
        z, volume = self.flow(squeeze(logits), self._planes(condition))
        z = unsqueeze(z)
        prior = -0.5 * (z.square() + math.log(2 * math.pi)).flatten(1).sum(dim=1)
        return z, prior + volume + stretched

    def encode(self, image: Tensor, condition: Tensor) -> Tensor:
        """Z (N, 3, H, W) of pictures (N, 3, H, W) in [-1, 1], each level at its bin's centre."""
        z: Tensor = self.likelihood(to_centres(image), condition)[0]
        return z

    def _planes(self, condition: Tensor) -> Tensor | None:
        if self.condition is None:
            return None
        side = self.config.resolution
        return squeeze(self.condition(condition).view(-1, 1, side, side))


def to_centres(image: Tensor) -> Tensor:
    """Pictures in [-1, 1] to (0, 1): level k of 256 becomes (k + 1/2) / 256."""
    return ((image + 1) * ((LEVELS - 1) / 2) + 0.5) / LEVELS
