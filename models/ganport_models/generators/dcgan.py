"""DCGAN, the condition joined to the noise as it is: rows B1, B2 and E1 to E3."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganport_models.blocks import stem_convolution, to_base_map, to_picture
from ganport_models.network import BASE_SIZE, Generator, NetworkConfig
from ganport_models.registry import register_generator


@register_generator("dcgan")
class DcganGenerator(Generator):
    """Noise and condition side by side -> transposed convolutions -> tanh (report 001).

    Its 122 channels are 100 noise numbers and 22 of the condition; without a condition it is
    plain DCGAN (Radford et al. 2016, figure 1).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        widths = config.widths()
        self.stem = stem_convolution(config.z_dim + config.condition_size, widths[0])
        self.body = to_picture(widths, nn.ReLU, config.kernel, bias=False)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] from z (N, latent) and condition (N, C)."""
        joined = torch.cat([z, condition], dim=1) if self.config.condition_size else z
        image: Tensor = self.body(self.stem(joined[:, :, None, None]))
        return image


@register_generator("dense_dcgan")
class DenseDcganGenerator(Generator):
    """The same with a Linear layer in front, whose every output has a bias (report 004)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        widths = config.widths()
        self.base_channels = widths[0]
        inputs = config.z_dim + config.condition_size
        self.stem = nn.Linear(inputs, widths[0] * BASE_SIZE**2)
        self.body = to_picture(widths, nn.ReLU, config.kernel)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] from z (N, latent) and condition (N, C)."""
        joined = torch.cat([z, condition], dim=1) if self.config.condition_size else z
        image: Tensor = self.body(to_base_map(self.stem(joined), self.base_channels))
        return image
