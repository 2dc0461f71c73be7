"""Residual blocks of plain 3x3 convolutions, styled by condition and noise: the flagship's."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganport_models.blocks import SLOPE, start_smooth, to_base_map, up_convolution
from ganport_models.network import BASE_SIZE, Generator, Shape, need_condition
from ganport_models.registry import register_generator


class StyledBlock(nn.Module):
    """x plus two 3x3 convolutions of it, each behind a scale and shift that are read from a style.

    Dense convolutions, since grouped ones cost a CPU 4 to 10 times more for each weight. There is
    no norm: the last convolution starts at zero, so that the block starts as nothing (Fixup, Zhang
    et al. 2019), and a picture never depends on its batch. The styles are FiLM (Perez et al. 2018).
    """

    def __init__(self, width: int, style: int) -> None:
        super().__init__()
        self.films = nn.ModuleList(nn.Linear(style, 2 * width) for _ in range(2))
        self.convolutions = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        nn.init.zeros_(self.convolutions[1].weight)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Features (N, width, H, W) and style (N, style) to the same features, changed."""
        features = x
        for film, convolution in zip(self.films, self.convolutions, strict=True):
            scale, shift = film(style)[:, :, None, None].chunk(2, dim=1)
            features = torch.addcmul(shift, features, 1 + scale)
            features = convolution(F.leaky_relu(features, SLOPE))
        return x + features


class StyledStage(nn.Module):
    """Residual blocks, and a doubling of the size."""

    def __init__(self, inputs: int, outputs: int, style: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(StyledBlock(inputs, style) for _ in range(blocks))
        deviation = (2 / inputs) ** 0.5
        self.up = start_smooth(up_convolution(inputs, outputs), deviation)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """Features (N, inputs, H, W) and style (N, style) to (N, outputs, 2H, 2W)."""
        for block in self.blocks:
            features = block(features, style)
        result: Tensor = self.up(F.leaky_relu(features, SLOPE))
        return result


@register_generator("residual")
class ResidualGenerator(Generator):
    """Noise -> Linear -> residual stages, each styled by condition and noise -> 3x3 -> tanh.

    The last map, of half of `features`, has the size of the picture and no block of its own: there
    a block would cost as much as all the others.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        need_condition(shape)
        widths = [*shape.widths(), max(1, shape.features // 2)]
        self.base_channels = widths[0]
        self.style = nn.Sequential(
            nn.Linear(shape.latent + shape.condition_size, shape.embedding),
            nn.LeakyReLU(SLOPE),
            nn.Linear(shape.embedding, shape.embedding),
            nn.LeakyReLU(SLOPE),
        )
        self.stem = nn.Linear(shape.latent, widths[0] * BASE_SIZE**2)
        self.stages = nn.ModuleList(
            StyledStage(inputs, outputs, shape.embedding, shape.blocks)
            for inputs, outputs in pairwise(widths)
        )
        self.picture = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] from z (N, latent) and condition (N, C)."""
        style = self.style(torch.cat([z, condition], dim=1))
        features = to_base_map(self.stem(z), self.base_channels)
        for stage in self.stages:
            features = stage(features, style)
        return torch.tanh(self.picture(F.leaky_relu(features, SLOPE)))
