"""StarGAN's critic: how real each patch is, and which domains the picture shows (row B5)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from ganport_models.blocks import LEAK, bounded, to_features
from ganport_models.discriminators.classifier_base import ClassifyingDiscriminator
from ganport_models.network import NetworkConfig, Norm
from ganport_models.registry import register_discriminator

SMALLEST = 2
"""Pixels across the last map."""
MOST = 32
"""Times `features` that the widest map has: 2048 channels at 128 pixels."""


@register_discriminator("stargan")
class StarDiscriminator(ClassifyingDiscriminator):
    """Strided convolutions to 2x2, then a score for every patch and one classifier for the whole.

    Choi et al. 2018, appendix 7.2, table 5. The score of a picture is the mean over its patches.
    """

    usual_norm = "none"

    def __init__(
        self, config: NetworkConfig, norm: Norm | None = None, groups: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, norm, groups)
        count = (config.resolution // SMALLEST).bit_length() - 1
        widths = [3, *(config.base_channels * min(2**place, MOST) for place in range(count))]
        self.body = nn.Sequential(*to_features(widths, self.norm, LEAK, config.kernel))
        patches = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
        classifier = nn.Conv2d(widths[-1], config.condition_size, SMALLEST, bias=False)
        self.realism = bounded(patches, self.norm)
        self.classifier = nn.Sequential(bounded(classifier, self.norm), nn.Flatten())
