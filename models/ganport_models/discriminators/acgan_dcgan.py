"""Auxiliary classifier GAN: real or drawn, and which label of each group (report 000, row A2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganport_models.blocks import LEAK, dense_head, to_features
from ganport_models.network import Discriminator, Norm, Shape
from ganport_models.registry import register_discriminator


@register_discriminator("acgan_dcgan")
class AuxiliaryDiscriminator(Discriminator):
    """Strided convolutions to 4x4, then a head for realism and one for each group of labels.

    The score does not see the condition (Odena et al. 2017, section 3); the classifiers do.
    """

    conditional = False
    classifies = True

    def __init__(
        self, shape: Shape, norm: Norm | None = None, groups: Sequence[int] | None = None
    ) -> None:
        super().__init__(shape, norm, groups)
        widths = [3, *shape.widths()[::-1]]
        self.body = nn.Sequential(*to_features(widths, self.norm, LEAK, shape.kernel))
        self.realism = dense_head(widths[-1], 1, self.norm)
        self.classifiers = nn.ModuleList(
            dense_head(widths[-1], size, self.norm) for size in self.groups
        )

    def embed(self, image: Tensor) -> Tensor:
        """Features (N, 8 * features, 4, 4) of pictures (N, 3, H, W)."""
        features: Tensor = self.body(image)
        return features

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Logits (N,): how real; the condition is not looked at."""
        logits: Tensor = self.realism(features)
        return logits.squeeze(1)

    def score_and_classify(self, features: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """The score, and the classifiers' logits side by side, (N, condition_size)."""
        seen = torch.cat([classifier(features) for classifier in self.classifiers], dim=1)
        return self.score(features, condition), seen
