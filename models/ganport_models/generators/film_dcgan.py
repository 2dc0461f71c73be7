"""DCGAN bodies whose every stage is scaled and shifted by the condition."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganport_models.blocks import (
    resize_convolution,
    start_smooth,
    to_base_map,
    up_convolution,
)
from ganport_models.network import BASE_SIZE, Generator, NetworkConfig, need_condition
from ganport_models.registry import register_generator


class FilmStage(nn.Module):
    """Batch norm, a scale and shift read from the style (FiLM, Perez et al. 2018), ReLU, up."""

    def __init__(self, inputs: int, style: int, up: nn.Module) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs, affine=False)
        self.film = nn.Linear(style, 2 * inputs)
        self.up = up

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """Features (N, inputs, H, W) and style (N, style) to (N, outputs, 2H, 2W)."""
        scale, shift = self.film(style)[:, :, None, None].chunk(2, dim=1)
        features = torch.addcmul(shift, self.norm(features), 1 + scale)
        result: Tensor = self.up(F.relu(features))
        return result


@register_generator("film_dcgan")
class FilmGenerator(Generator):
    """Noise -> Linear -> FiLM stages, styled by condition and noise together -> tanh.

    A condition that reaches every resolution is followed sooner than one that is only joined to
    the noise (conditional batch norm: Dumoulin et al. 2017, and the generators of Miyato & Koyama
    2018, section 5.1; noise in every stage: BigGAN, Brock et al. 2019, section 3).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        need_condition(config)
        widths = config.widths()
        self.base_channels = widths[0]
        self.style = nn.Sequential(
            nn.Linear(config.z_dim + config.condition_size, config.embed_dim), nn.ReLU()
        )
        self.stem = nn.Linear(config.z_dim, widths[0] * BASE_SIZE**2)
        self.stages = nn.ModuleList(
            FilmStage(inputs, config.embed_dim, self.upsample(inputs, outputs))
            for inputs, outputs in zip(widths, [*widths[1:], 3], strict=True)
        )

    @staticmethod
    def upsample(inputs: int, outputs: int) -> nn.Module:
        """A layer that doubles height and width."""
        return start_smooth(up_convolution(inputs, outputs))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] from z (N, latent) and condition (N, C)."""
        style = self.style(torch.cat([z, condition], dim=1))
        features = to_base_map(self.stem(z), self.base_channels)
        for stage in self.stages:
            features = stage(features, style)
        return torch.tanh(features)


@register_generator("film_resize_dcgan")
class FilmResizeGenerator(FilmGenerator):
    """The same with nearest-neighbor upsampling and 3x3 convolutions: the `quick` generator."""

    @staticmethod
    def upsample(inputs: int, outputs: int) -> nn.Module:
        """A layer that doubles height and width."""
        return resize_convolution(inputs, outputs)
