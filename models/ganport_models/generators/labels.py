"""DCGAN generators for conditions with several labels (reports 002 and 003)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganport_models.blocks import (
    LabelPlanes,
    latent_to_map,
    leaky_relu,
    up_convolution,
    upsample_stack,
)
from ganport_models.network import BASE_SIZE, Generator, NetworkConfig, require_condition
from ganport_models.registry import register_generator


@register_generator("label_planes_dcgan")
class LabelPlanesGenerator(Generator):
    """Labels -> planes -> Linear of size z_dim, joined to the noise (report 002, CGAN)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        require_condition(config)
        channels = config.channels()
        self.condition = nn.Sequential(
            LabelPlanes(config.condition_size),
            leaky_relu(),
            nn.Flatten(),
            nn.Linear(config.condition_size * BASE_SIZE**2, config.z_dim, bias=False),
            leaky_relu(),
        )
        self.stem = latent_to_map(2 * config.z_dim, channels[0])
        self.body = upsample_stack(channels, leaky_relu, config.kernel, bias=False)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, 3, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        joined = torch.cat([z, self.condition(condition)], dim=1)
        image: Tensor = self.body(self.stem(joined[:, :, None, None]))
        return image


@register_generator("late_label_dcgan")
class BaseMapLabelGenerator(Generator):
    """Noise -> base map, joined with label planes -> upsampling (report 002, AC-GAN)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        require_condition(config)
        first, *channels = config.channels()
        self.planes = LabelPlanes(config.condition_size)
        self.stem = nn.Sequential(latent_to_map(config.z_dim, first), nn.ReLU())
        joined = first + config.condition_size
        self.join = up_convolution(joined, channels[0], config.kernel, bias=False)
        self.body = upsample_stack(channels, nn.ReLU, config.kernel, bias=False)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, 3, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        base = self.stem(z[:, :, None, None])
        image: Tensor = self.body(self.join(torch.cat([base, self.planes(condition)], dim=1)))
        return image


@register_generator("linear_label_dcgan")
class LinearLabelGenerator(Generator):
    """Labels -> Linear of size embed_dim -> ReLU, joined to the noise (report 003)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        require_condition(config)
        channels = config.channels()
        self.condition = nn.Sequential(
            nn.Linear(config.condition_size, config.embed_dim), nn.ReLU()
        )
        self.stem = latent_to_map(config.z_dim + config.embed_dim, channels[0], bias=True)
        self.body = upsample_stack(channels, nn.ReLU, config.kernel)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, 3, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        joined = torch.cat([z, self.condition(condition)], dim=1)
        image: Tensor = self.body(self.stem(joined[:, :, None, None]))
        return image
