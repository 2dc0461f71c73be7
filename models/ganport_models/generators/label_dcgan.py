"""DCGANs for several labels at once, each with its own way to bring them in (reports 002, 003)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganport_models.blocks import (
    LabelPlanes,
    leaky_relu,
    stem_convolution,
    to_picture,
    up_convolution,
)
from ganport_models.network import BASE_SIZE, Generator, NetworkConfig, need_condition
from ganport_models.registry import register_generator


@register_generator("label_planes_dcgan")
class LabelPlanesGenerator(Generator):
    """Labels -> planes -> Linear, joined to the noise in the same length (report 002, CGAN)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        need_condition(config)
        widths = config.widths()
        self.condition = nn.Sequential(
            LabelPlanes(config.condition_size),
            leaky_relu(),
            nn.Flatten(),
            nn.Linear(config.condition_size * BASE_SIZE**2, config.z_dim, bias=False),
            leaky_relu(),
        )
        self.stem = stem_convolution(2 * config.z_dim, widths[0])
        self.body = to_picture(widths, leaky_relu, config.kernel, bias=False)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] from z (N, latent) and condition (N, C)."""
        joined = torch.cat([z, self.condition(condition)], dim=1)
        image: Tensor = self.body(self.stem(joined[:, :, None, None]))
        return image


@register_generator("late_label_dcgan")
class LateLabelGenerator(Generator):
    """Noise to a base map, label planes beside it, then up (report 002, AC-GAN)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        need_condition(config)
        first, *widths = config.widths()
        self.planes = LabelPlanes(config.condition_size)
        self.stem = nn.Sequential(stem_convolution(config.z_dim, first), nn.ReLU())
        joined = first + config.condition_size
        self.join = up_convolution(joined, widths[0], config.kernel, bias=False)
        self.body = to_picture(widths, nn.ReLU, config.kernel, bias=False)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] from z (N, latent) and condition (N, C)."""
        base = self.stem(z[:, :, None, None])
        image: Tensor = self.body(self.join(torch.cat([base, self.planes(condition)], dim=1)))
        return image


@register_generator("linear_label_dcgan")
class LinearLabelGenerator(Generator):
    """Labels -> Linear (200 numbers) -> ReLU, joined to the noise (report 003)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        need_condition(config)
        widths = config.widths()
        self.condition = nn.Sequential(
            nn.Linear(config.condition_size, config.embed_dim), nn.ReLU()
        )
        self.stem = stem_convolution(config.z_dim + config.embed_dim, widths[0], bias=True)
        self.body = to_picture(widths, nn.ReLU, config.kernel)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] from z (N, latent) and condition (N, C)."""
        joined = torch.cat([z, self.condition(condition)], dim=1)
        image: Tensor = self.body(self.stem(joined[:, :, None, None]))
        return image
