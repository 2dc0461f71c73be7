"""Auxiliary classifier GAN: real or drawn, and which label of each group (report 000, row A2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganport_models.blocks import LEAK, dense_head, to_features
from ganport_models.discriminators.classifier_base import ClassifyingDiscriminator
from ganport_models.network import NetworkConfig, Norm
from ganport_models.registry import register_discriminator


class _GroupHeads(nn.ModuleList):
    """A head for each group; their logits lie side by side, as in the condition."""

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([head(features) for head in self], dim=1)


@register_discriminator("acgan_dcgan")
class AuxiliaryDiscriminator(ClassifyingDiscriminator):
    """Strided convolutions to 4x4, then a head for realism and one for each group of labels."""

    def __init__(
        self, config: NetworkConfig, norm: Norm | None = None, groups: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, norm, groups)
        widths = [3, *config.widths()[::-1]]
        self.body = nn.Sequential(*to_features(widths, self.norm, LEAK, config.kernel))
        self.realism = dense_head(widths[-1], 1, self.norm)
        self.classifier = _GroupHeads(
            dense_head(widths[-1], size, self.norm) for size in self.groups
        )
