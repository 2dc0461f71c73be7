"""StarGAN: one network that translates an image to any domain (report 001, row B5)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganport_models.blocks import down_convolution, up_convolution
from ganport_models.network import NetworkConfig, Translator, register_generator


class ResidualBlock(nn.Module):
    """x plus two 3x3 convolutions of it, each with instance norm (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            instance_norm(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            instance_norm(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, width, H, W) to the same shape."""
        result: Tensor = x + self.body(x)
        return result


@register_generator("stargan")
class StarGANGenerator(Translator):
    """Image and domain planes -> 7x7, two down, residual blocks, two up, 7x7 -> tanh.

    Choi et al. 2018, appendix 7.2, table 4. The instance norms keep no running statistics, as in
    the paper's text and unlike its code: each image is normalized by its own statistics.
    """

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        width = config.base_channels
        inputs = config.image_channels + config.condition_size
        self.body = nn.Sequential(
            nn.Conv2d(inputs, width, 7, padding=3, bias=False),
            instance_norm(width),
            nn.ReLU(),
            *_resize_stack(down_convolution(width, 2 * width, bias=False), 2 * width),
            *_resize_stack(down_convolution(2 * width, 4 * width, bias=False), 4 * width),
            *(ResidualBlock(4 * width) for _ in range(config.num_blocks)),
            *_resize_stack(up_convolution(4 * width, 2 * width, bias=False), 2 * width),
            *_resize_stack(up_convolution(2 * width, width, bias=False), width),
            nn.Conv2d(width, config.image_channels, 7, padding=3, bias=False),
            nn.Tanh(),
        )

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, K, H, W) in [-1, 1] from source images z and target domains (N, C)."""
        planes = condition[:, :, None, None].expand(-1, -1, *self.config.size)
        image: Tensor = self.body(torch.cat([z, planes], dim=1))
        return image


def instance_norm(width: int) -> nn.InstanceNorm2d:
    """Return instance norm with a learned scale and shift."""
    return nn.InstanceNorm2d(width, affine=True)


def _resize_stack(layer: nn.Module, width: int) -> list[nn.Module]:
    return [layer, instance_norm(width), nn.ReLU()]
