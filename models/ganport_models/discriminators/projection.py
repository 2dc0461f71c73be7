"""Discriminators with a projection head, on strided convolutions or residual blocks."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ganport_models.blocks import (
    LRELU_SLOPE_DCGAN,
    down_convolution,
    downsample_stack,
    spectral_norm,
    with_norm,
    with_spectral_norm,
)
from ganport_models.network import (
    Discriminator,
    NetworkConfig,
    Norm,
    register_discriminator,
)

LRELU_SLOPE_SNGAN = 0.1
"""Negative slope of LeakyReLU (SNGAN, Miyato et al. 2018, table 3)."""


class ProjectionBase(Discriminator):
    """A discriminator with the logit psi(f) + <f, V c> (Miyato & Koyama 2018, section 3).

    `realism` is psi, from features (N, F) to (N, 1). `projection` is V, from a condition to (N, F).
    """

    realism: nn.Module
    projection: nn.Module

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return logits (N,): the unconditional logit plus the match with the condition."""
        match = (features * self.projection(condition)).sum(dim=1)
        logits: Tensor = self.realism(features).squeeze(1) + match
        return logits


@register_discriminator("projection_dcgan")
class ProjectionDiscriminator(ProjectionBase):
    """Strided convolutions with spectral norm, then a projection head: `quick`'s."""

    default_norm = "spectral"

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = [config.image_channels, *config.channels()[::-1]]
        layers = downsample_stack(channels, self.norm, LRELU_SLOPE_SNGAN, config.kernel)
        self.body = nn.Sequential(*layers, nn.Flatten())
        width = channels[-1] * config.base_area
        self.realism = spectral_norm(nn.Linear(width, 1))
        self.projection = spectral_norm(nn.Linear(config.condition_size, width, bias=False))
        if self.classifies:  # Odena et al. 2017
            self.classifier = nn.Linear(width, config.condition_size)


class ResidualBlock(nn.Module):
    """x plus two 3x3 convolutions of it, each after a LeakyReLU (He et al. 2016, v2).

    Without a norm the last convolution starts at zero, so that the block starts as the identity
    (Fixup, Zhang et al. 2019). Spectral norm cannot divide by zero weights.
    """

    def __init__(self, width: int, norm: Norm) -> None:
        super().__init__()
        layers = [nn.Conv2d(width, width, 3, padding=1) for _ in range(2)]
        if norm == "none":
            nn.init.zeros_(layers[1].weight)
        parts = [(nn.LeakyReLU(LRELU_SLOPE_DCGAN), *with_norm(layer, norm)) for layer in layers]
        self.body = nn.Sequential(*(part for group in parts for part in group))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, width, H, W) to the same shape."""
        result: Tensor = x + self.body(x)
        return result


@register_discriminator("residual")
class ResidualDiscriminator(ProjectionBase):
    """Strided convolutions to the base map with residual blocks after each, then a projection head.

    At the size of the image there is one 3x3 convolution with half of `base_channels`, which keeps
    the detail that the strided convolutions blur (docs/flagship.md). A block there would cost as
    much as all the others.
    """

    default_norm = "none"

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = [max(1, config.base_channels // 2), *config.channels()[::-1]]
        first = nn.Conv2d(config.image_channels, channels[0], 3, padding=1)
        layers: list[nn.Module] = [*with_norm(first, self.norm), nn.LeakyReLU(LRELU_SLOPE_DCGAN)]
        for inputs, outputs in pairwise(channels):
            layers += with_norm(down_convolution(inputs, outputs), self.norm)
            layers += [ResidualBlock(outputs, self.norm) for _ in range(config.num_blocks)]
            layers.append(nn.LeakyReLU(LRELU_SLOPE_DCGAN))
        self.body = nn.Sequential(*layers, nn.Flatten())
        width = channels[-1] * config.base_area
        self.realism = with_spectral_norm(nn.Linear(width, 1), self.norm)
        projection = nn.Linear(config.condition_size, width, bias=False)
        # Both terms of the logit have the same scale at the start.
        nn.init.normal_(projection.weight, std=width**-0.5)
        self.projection = with_spectral_norm(projection, self.norm)
        if self.classifies:  # Odena et al. 2017
            self.classifier = nn.Linear(width, config.condition_size)


@register_discriminator("projection_head_dcgan")
class ProjectionHeadDiscriminator(ProjectionDiscriminator):
    """`ProjectionDiscriminator` with an auxiliary classifier of the labels."""

    classifies = True


@register_discriminator("pooled_head_dcgan")
class PooledHeadDiscriminator(ProjectionBase):
    """`ProjectionHeadDiscriminator` with sums over a map among the features: `scenes`'s.

    A sum over twice the base map (8x8 at 64 pixels) finds an object at any place, as in SNGAN
    (Miyato et al. 2018, table 4). The base map itself sees the layout.
    """

    default_norm = "spectral"
    classifies = True

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = [config.image_channels, *config.channels()[::-1]]
        before, width = channels[-2:]
        self.body = downsample_stack(channels[:-1], self.norm, LRELU_SLOPE_SNGAN, config.kernel)
        layers = downsample_stack([before, width], self.norm, LRELU_SLOPE_SNGAN, config.kernel)
        self.layout = nn.Sequential(*layers, nn.Flatten())
        convolution = nn.Conv2d(before, width, 3, padding=1)
        activation = nn.LeakyReLU(LRELU_SLOPE_SNGAN)
        self.objects = nn.Sequential(*with_norm(convolution, self.norm), activation)
        features = width * (config.base_area + 1)
        self.realism = spectral_norm(nn.Linear(features, 1))
        self.projection = spectral_norm(nn.Linear(config.condition_size, features, bias=False))
        self.classifier = nn.Linear(features, config.condition_size)

    def embed(self, image: Tensor) -> Tensor:
        """Return the features of images (N, C, H, W) in [-1, 1]."""
        maps = self.body(image)
        objects = self.objects(maps).sum(dim=(2, 3)) / self.config.base_area**0.5
        return torch.cat([self.layout(maps), objects], dim=1)


@register_discriminator("residual_head")
class ResidualHeadDiscriminator(ResidualDiscriminator):
    """`ResidualDiscriminator` with an auxiliary classifier of the labels."""

    classifies = True
