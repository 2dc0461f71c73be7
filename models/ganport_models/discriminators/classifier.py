"""Discriminators with an auxiliary classifier: AC-GAN and StarGAN."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganport_models.blocks import (
    LRELU_SLOPE_TORCH,
    dense_head,
    downsample_stack,
    with_spectral_norm,
)
from ganport_models.network import Discriminator, NetworkConfig, register_discriminator

MAX_MULTIPLE = 32
"""Largest multiple of `base_channels` in it: 2048 channels at 128 pixels."""


class ClassifierDiscriminator(Discriminator):
    """A body with an adversarial head and a classifier on its features (Odena et al. 2017).

    Neither head reads the condition. A subclass also creates `realism`, which returns (N, 1) or a
    map of patches (N, 1, H, W).
    """

    conditional = False
    classifies = True
    realism: nn.Module

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return logits (N,), the mean over patches; the condition is ignored."""
        logits: Tensor = self.realism(features)
        return logits.flatten(1).mean(dim=1)


class _GroupHeads(nn.ModuleList):
    """A head for each condition group; returns their logits in the order of the condition."""

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([head(features) for head in self], dim=1)


@register_discriminator("acgan_dcgan")
class ACGANDiscriminator(ClassifierDiscriminator):
    """Strided convolutions to the base map, an adversarial head, a head for each condition group.

    Report 000, row A2.
    """

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = [config.image_channels, *config.channels()[::-1]]
        self.body = downsample_stack(channels, self.norm, LRELU_SLOPE_TORCH, config.kernel)
        self.realism = dense_head(channels[-1], 1, self.norm, config)
        self.classifier = _GroupHeads(
            dense_head(channels[-1], size, self.norm, config) for size in self.groups
        )


@register_discriminator("stargan")
class StarGANDiscriminator(ClassifierDiscriminator):
    """Strided convolutions, then a score for each patch and a classifier of the image.

    Choi et al. 2018, appendix 7.2, table 5 (row B5). The last map is half of the base map, 2x2 for
    powers of two, or the base map itself if a side is odd. The score of an image is the mean over
    its patches.
    """

    default_norm = "none"

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        height, width = config.base_size
        is_even = height % 2 == width % 2 == 0
        last_size = (height // 2, width // 2) if is_even else (height, width)
        count = config.num_upsamples + is_even
        multiples = (min(2**index, MAX_MULTIPLE) for index in range(count))
        channels = [
            config.image_channels,
            *(config.base_channels * multiple for multiple in multiples),
        ]
        self.body = downsample_stack(channels, self.norm, LRELU_SLOPE_TORCH, config.kernel)
        patches = nn.Conv2d(channels[-1], 1, 3, padding=1, bias=False)
        classifier = nn.Conv2d(channels[-1], config.condition_size, last_size, bias=False)
        self.realism = with_spectral_norm(patches, self.norm)
        self.classifier = nn.Sequential(with_spectral_norm(classifier, self.norm), nn.Flatten())
