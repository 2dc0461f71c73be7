"""DCGAN generators with the condition joined to the noise."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganport_models.blocks import (
    condition_embedding,
    latent_to_map,
    leaky_relu,
    to_base_map,
    upsample_stack,
)
from ganport_models.network import BASE_SIZE, Generator, NetworkConfig, require_condition
from ganport_models.registry import register_generator


@register_generator("dcgan")
class DCGANGenerator(Generator):
    """Noise and condition -> transposed convolutions -> tanh (report 001, rows B1, B2).

    Without a condition it is plain DCGAN (Radford et al. 2016, figure 1). The report's 122 inputs
    are 100 of the noise and 22 of the condition.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        channels = config.channels()
        self.stem = latent_to_map(config.z_dim + config.condition_size, channels[0])
        self.body = upsample_stack(channels, nn.ReLU, config.kernel, bias=False)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, 3, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        joined = torch.cat([z, condition], dim=1) if self.config.condition_size else z
        image: Tensor = self.body(self.stem(joined[:, :, None, None]))
        return image


@register_generator("dense_dcgan")
class DenseDCGANGenerator(Generator):
    """`DCGANGenerator` with a Linear stem and biases (report 004, rows E1 to E3)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        channels = config.channels()
        self.base_channels = channels[0]
        inputs = config.z_dim + config.condition_size
        self.stem = nn.Linear(inputs, channels[0] * BASE_SIZE**2)
        self.body = upsample_stack(channels, nn.ReLU, config.kernel)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, 3, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        joined = torch.cat([z, condition], dim=1) if self.config.condition_size else z
        image: Tensor = self.body(to_base_map(self.stem(joined), self.base_channels))
        return image


@register_generator("concat_dcgan")
class ConcatGenerator(Generator):
    """Embedded condition and noise -> Linear -> transposed convolutions -> tanh.

    Report 000, row A1. At 64 pixels, 64 base channels, z_dim 100 and 22 conditions it has the
    5,688,387 parameters that the report prints.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        require_condition(config)
        channels = config.channels()
        self.base_channels = channels[0]
        self.condition = condition_embedding(config.condition_size, config.embed_dim)
        self.stem = nn.Linear(config.z_dim + config.embed_dim, channels[0] * BASE_SIZE**2)
        self.body = upsample_stack(channels, leaky_relu, config.kernel)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, 3, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        joined = torch.cat([z, self.condition(condition)], dim=1)
        image: Tensor = self.body(to_base_map(self.stem(joined), self.base_channels))
        return image
