"""StarGAN: one network that brings a picture into any domain (report 001, row B5)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganport_models.blocks import down_convolution, up_convolution
from ganport_models.network import NetworkConfig, Translator, need_condition
from ganport_models.registry import register_generator


class Residual(nn.Module):
    """x plus two 3x3 convolutions of it, each with an instance norm (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            normal(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            normal(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) to the same."""
        result: Tensor = x + self.body(x)
        return result


@register_generator("stargan")
class StarGenerator(Translator):
    """Picture and domain planes -> 7x7, two halvings, residual blocks, two doublings, 7x7 -> tanh.

    Choi et al. 2018, appendix 7.2, table 4. The instance norms keep no running statistics, as its
    text has it and unlike its code: a picture is normal by itself in training and afterwards.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        need_condition(config)
        width = config.base_channels
        inputs = 3 + config.condition_size
        self.body = nn.Sequential(
            nn.Conv2d(inputs, width, 7, padding=3, bias=False),
            normal(width),
            nn.ReLU(),
            *_resized(down_convolution(width, 2 * width, bias=False), 2 * width),
            *_resized(down_convolution(2 * width, 4 * width, bias=False), 4 * width),
            *(Residual(4 * width) for _ in range(config.num_blocks)),
            *_resized(up_convolution(4 * width, 2 * width, bias=False), 2 * width),
            *_resized(up_convolution(2 * width, width, bias=False), width),
            nn.Conv2d(width, 3, 7, padding=3, bias=False),
            nn.Tanh(),
        )

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] from others, z, and domains (N, C) to bring them to."""
        side = self.config.resolution
        planes = condition[:, :, None, None].expand(-1, -1, side, side)
        image: Tensor = self.body(torch.cat([z, planes], dim=1))
        return image


def normal(width: int) -> nn.InstanceNorm2d:
    """Each channel of each picture to mean 0 and deviation 1, then a learned scale and shift."""
    return nn.InstanceNorm2d(width, affine=True)


def _resized(layer: nn.Module, width: int) -> list[nn.Module]:
    return [layer, normal(width), nn.ReLU()]
