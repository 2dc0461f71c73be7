"""Convolutional discriminator that joins the condition at the 4x4 map (report 000, row A1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganport_models.blocks import (
    LEAK,
    condition_embedding,
    dense_head,
    leaky_relu,
    normal,
    to_features,
)
from ganport_models.network import BASE_SIZE, Discriminator, NetworkConfig, Norm
from ganport_models.registry import register_discriminator


@register_discriminator("concat_dcgan")
class ConcatDiscriminator(Discriminator):
    """Strided convolutions to 4x4, the embedded condition joined to every place, two Linear layers.

    The report ends in a sigmoid under BCELoss; here the logit comes out and the loss takes it,
    which is the same mathematics without its overflow.
    """

    def __init__(
        self, config: NetworkConfig, norm: Norm | None = None, groups: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, norm, groups)
        widths = [3, *config.widths()[::-1]]
        self.condition = condition_embedding(config.condition_size, config.embed_dim)
        self.body = nn.Sequential(*to_features(widths, self.norm, LEAK, config.kernel))
        joined = nn.Conv2d(widths[-1] + config.embed_dim, widths[-1], kernel_size=1)
        self.join = nn.Sequential(*normal(joined, self.norm), leaky_relu())
        self.head = dense_head(widths[-1], 1, self.norm)

    def embed(self, image: Tensor) -> Tensor:
        """Features (N, 8 * features, 4, 4) of pictures (N, 3, H, W)."""
        features: Tensor = self.body(image)
        return features

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Logits (N,) of features with the condition joined to each of the 4x4 places."""
        planes = self.condition(condition)[:, :, None, None].expand(-1, -1, BASE_SIZE, BASE_SIZE)
        logits: Tensor = self.head(self.join(torch.cat([features, planes], dim=1)))
        return logits.squeeze(1)
