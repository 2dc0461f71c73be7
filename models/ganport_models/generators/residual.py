"""A residual generator whose normalization depends on condition and noise."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganport_models.blocks import (
    LRELU_SLOPE_DCGAN,
    SkipImages,
    init_bilinear_,
    resize_convolution,
    to_base_map,
    up_convolution,
)
from ganport_models.network import Generator, NetworkConfig, register_generator


class FiLMNorm(nn.Module):
    """Batch norm, a scale and shift from a style (FiLM, Perez et al. 2018), LeakyReLU."""

    def __init__(self, width: int, style: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=False)
        self.film = nn.Linear(style, 2 * width)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """Map features (N, width, H, W) and style (N, style) to the shape of the features."""
        scale, shift = self.film(style)[:, :, None, None].chunk(2, dim=1)
        return F.leaky_relu(torch.addcmul(shift, self.norm(features), 1 + scale), LRELU_SLOPE_DCGAN)


class FiLMBlock(nn.Module):
    """x plus two 3x3 convolutions of it, each after `FiLMNorm` (He et al. 2016, v2).

    The convolutions are dense: on a CPU, grouped ones cost 4 to 10 times more per weight.
    """

    def __init__(self, width: int, style: int) -> None:
        super().__init__()
        self.styled = nn.ModuleList(FiLMNorm(width, style) for _ in range(2))
        self.convolutions = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Map features (N, width, H, W) and style (N, style) to the shape of the features."""
        features = x
        for styled, convolution in zip(self.styled, self.convolutions, strict=True):
            features = convolution(styled(features, style))
        return x + features


class FiLMStage(nn.Module):
    """Residual blocks, and a layer that doubles the size."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        style: int,
        blocks: int,
        build: Callable[[int, int], nn.Module],
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(FiLMBlock(inputs, style) for _ in range(blocks))
        self.styled = FiLMNorm(inputs, style)
        self.up = build(inputs, outputs)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """Map features (N, inputs, H, W) and style (N, style) to (N, outputs, 2H, 2W)."""
        for block in self.blocks:
            features = block(features, style)
        result: Tensor = self.up(self.styled(features, style))
        return result


@register_generator("residual")
class ResidualGenerator(Generator):
    """Noise -> Linear -> residual stages whose style depends on condition and noise -> tanh.

    The last map has the size of the image, half of `base_channels`, and no block: a block there
    would cost as much as all the others.
    """

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = [*config.channels(), max(1, config.base_channels // 2)]
        self.base_channels = channels[0]
        self.style = nn.Sequential(
            nn.Linear(config.z_dim + config.condition_size, config.embed_dim),
            nn.LeakyReLU(LRELU_SLOPE_DCGAN),
        )
        self.stem = nn.Linear(config.z_dim, channels[0] * config.base_area)
        self.stages = nn.ModuleList(
            FiLMStage(inputs, outputs, config.embed_dim, config.num_blocks, self.build_up)
            for inputs, outputs in pairwise(channels)
        )
        self.styled = FiLMNorm(channels[-1], config.embed_dim)
        self.picture = nn.Conv2d(channels[-1], config.image_channels, 3, padding=1)

    @staticmethod
    def build_up(inputs: int, outputs: int) -> nn.Module:
        """Return the layer of a stage that doubles the size."""
        return init_bilinear_(up_convolution(inputs, outputs))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, K, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        return torch.tanh(self.map_features(z, condition)[-1])

    def map_features(self, z: Tensor, condition: Tensor) -> list[Tensor]:
        """Return the output of every stage and of the last convolution, the image."""
        style = self.style(torch.cat([z, condition], dim=1))
        maps = [to_base_map(self.stem(z), self.base_channels, self.config)]
        for stage in self.stages:
            maps.append(stage(maps[-1], style))
        return [*maps[1:], self.picture(self.styled(maps[-1], style))]


@register_generator("residual_skip")
class ResidualSkipGenerator(ResidualGenerator):
    """`ResidualGenerator` with resize convolutions and an image of every size: the flagship's."""

    build_up = staticmethod(resize_convolution)

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        super().build(config)
        self.skips = SkipImages(config.channels()[1:], config.image_channels)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, K, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        *maps, _, image = self.map_features(z, condition)
        return torch.tanh(self.skips(maps) + image)
