"""Residual blocks of plain 3x3 convolutions, styled by condition and noise: the flagship's."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganport_models.blocks import SLOPE, start_smooth, to_base_map, up_convolution
from ganport_models.network import BASE_SIZE, Generator, NetworkConfig, need_condition
from ganport_models.registry import register_generator


class Styled(nn.Module):
    """Batch norm, a scale and shift read from a style (FiLM, Perez et al. 2018), LeakyReLU."""

    def __init__(self, width: int, style: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=False)
        self.film = nn.Linear(style, 2 * width)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """Features (N, width, H, W) and style (N, style) to the same features, changed."""
        scale, shift = self.film(style)[:, :, None, None].chunk(2, dim=1)
        return F.leaky_relu(torch.addcmul(shift, self.norm(features), 1 + scale), SLOPE)


class StyledBlock(nn.Module):
    """x plus two 3x3 convolutions of it, each of styled features (He et al. 2016, v2).

    Dense convolutions, since grouped ones cost a CPU 4 to 10 times more for each weight.
    """

    def __init__(self, width: int, style: int) -> None:
        super().__init__()
        self.styled = nn.ModuleList(Styled(width, style) for _ in range(2))
        self.convolutions = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Features (N, width, H, W) and style (N, style) to the same features, changed."""
        features = x
        for styled, convolution in zip(self.styled, self.convolutions, strict=True):
            features = convolution(styled(features, style))
        return x + features


class StyledStage(nn.Module):
    """Residual blocks, and a doubling of the size."""

    def __init__(self, inputs: int, outputs: int, style: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(StyledBlock(inputs, style) for _ in range(blocks))
        self.styled = Styled(inputs, style)
        self.up = start_smooth(up_convolution(inputs, outputs))

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """Features (N, inputs, H, W) and style (N, style) to (N, outputs, 2H, 2W)."""
        for block in self.blocks:
            features = block(features, style)
        result: Tensor = self.up(self.styled(features, style))
        return result


@register_generator("residual")
class ResidualGenerator(Generator):
    """Noise -> Linear -> residual stages, each styled by condition and noise -> 3x3 -> tanh.

    The last map, of half of `features`, has the size of the picture and no block of its own: there
    a block would cost as much as all the others.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        need_condition(config)
        widths = [*config.widths(), max(1, config.base_channels // 2)]
        self.base_channels = widths[0]
        self.style = nn.Sequential(
            nn.Linear(config.z_dim + config.condition_size, config.embed_dim),
            nn.LeakyReLU(SLOPE),
        )
        self.stem = nn.Linear(config.z_dim, widths[0] * BASE_SIZE**2)
        self.stages = nn.ModuleList(
            StyledStage(inputs, outputs, config.embed_dim, config.num_blocks)
            for inputs, outputs in pairwise(widths)
        )
        self.styled = Styled(widths[-1], config.embed_dim)
        self.picture = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] from z (N, latent) and condition (N, C)."""
        style = self.style(torch.cat([z, condition], dim=1))
        features = to_base_map(self.stem(z), self.base_channels)
        for stage in self.stages:
            features = stage(features, style)
        return torch.tanh(self.picture(self.styled(features, style)))
