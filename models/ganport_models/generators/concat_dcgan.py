"""Conditional DCGAN that joins the embedded condition to the noise (report 000, row A1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganport_models.blocks import condition_embedding, leaky_relu, to_base_map, to_picture
from ganport_models.network import BASE_SIZE, Generator, NetworkConfig, need_condition
from ganport_models.registry import register_generator


@register_generator("concat_dcgan")
class ConcatGenerator(Generator):
    """Condition -> Linear 256, joined to the noise -> Linear -> transposed convolutions -> tanh.

    At 64 pixels, 64 features, 100 noise numbers and 22 conditions it has the 5,688,387 parameters
    that report 000 prints.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        need_condition(config)
        widths = config.widths()
        self.base_channels = widths[0]
        self.condition = condition_embedding(config.condition_size, config.embed_dim)
        self.stem = nn.Linear(config.z_dim + config.embed_dim, widths[0] * BASE_SIZE**2)
        self.body = to_picture(widths, leaky_relu, config.kernel)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] from z (N, latent) and condition (N, C)."""
        joined = torch.cat([z, self.condition(condition)], dim=1)
        image: Tensor = self.body(to_base_map(self.stem(joined), self.base_channels))
        return image
