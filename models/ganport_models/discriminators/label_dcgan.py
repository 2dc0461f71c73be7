"""Discriminators for several labels at once (reports 002 and 003: rows C1, C2, D1)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from ganport_models.blocks import (
    LEAK,
    LabelPlanes,
    down_convolution,
    leaky_relu,
    normal,
    to_features,
    top_convolution,
)
from ganport_models.discriminators.classifier_base import ClassifyingDiscriminator
from ganport_models.network import BASE_SIZE, Discriminator, NetworkConfig, Norm
from ganport_models.registry import register_discriminator

SLOPE = 0.2
"""Negative slope of LeakyReLU in report 002."""
DROPOUT = 0.5
"""Share of channels dropped in report 002."""


class _LabelledPicture(Discriminator):
    """Base of those that see the labels as planes beside the picture.

    Nothing of a picture is known before its labels are, so its features are its pixels.
    """

    @property
    def mixes_batch(self) -> bool:
        """Never: pixels are each picture's own."""
        return False

    def embed(self, image: Tensor) -> Tensor:
        """The pictures (N, 3, H, W) themselves."""
        return image

    def _beside(self, image: Tensor, planes: Tensor) -> Tensor:
        side = self.config.resolution
        return torch.cat([image, planes.view(-1, planes.shape[1] // side**2, side, side)], dim=1)


@register_discriminator("label_planes_dcgan")
class LabelPlanesDiscriminator(_LabelledPicture):
    """Labels -> planes -> Linear -> three more colour planes of the picture (report 002, CGAN)."""

    def __init__(
        self, config: NetworkConfig, norm: Norm | None = None, groups: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, norm, groups)
        widths = [6, *config.widths()[::-1]]
        self.condition = nn.Sequential(
            LabelPlanes(config.condition_size),
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
            nn.Linear(config.condition_size * BASE_SIZE**2, 3 * config.resolution**2, bias=False),
            nn.LeakyReLU(SLOPE),
        )
        layers = to_features(widths, self.norm, SLOPE, config.kernel, bias=False)
        self.body = nn.Sequential(*layers, top_convolution(widths[-1], 1, self.norm))

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Logits (N,) of pictures with the planes of their labels."""
        logits: Tensor = self.body(self._beside(features, self.condition(condition)))
        return logits.squeeze(1)


@register_discriminator("label_aux_dcgan")
class AuxiliaryLabelDiscriminator(_LabelledPicture):
    """Labels -> Linear -> a fourth plane; heads for realism and for the labels (report 003)."""

    classifies = True

    def __init__(
        self, config: NetworkConfig, norm: Norm | None = None, groups: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, norm, groups)
        widths = [4, *config.widths()[::-1]]
        self.condition = nn.Sequential(
            nn.Linear(config.condition_size, config.resolution**2), leaky_relu()
        )
        layers = to_features(widths, self.norm, LEAK, config.kernel, norm_first=True)
        self.body = nn.Sequential(*layers)
        self.top = top_convolution(widths[-1], 1, self.norm, bias=True)
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(widths[-1] * BASE_SIZE**2, config.condition_size)
        )

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Logits (N,) of pictures with the plane of their labels."""
        return self.score_and_classify(features, condition)[0]

    def score_and_classify(self, features: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """The score, and logits (N, condition_size) of the labels seen."""
        seen = self.body(self._beside(features, self.condition(condition)))
        return self.top(seen).squeeze(1), self.classifier(seen)


@register_discriminator("label_acgan_dcgan")
class DroppingDiscriminator(ClassifyingDiscriminator):
    """Convolution, LeakyReLU, dropout, norm; heads for realism and labels (report 002, AC-GAN)."""

    def __init__(
        self, config: NetworkConfig, norm: Norm | None = None, groups: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, norm, groups)
        widths = [3, *config.widths()[::-1]]
        layers: list[nn.Module] = []
        for place, (inputs, outputs) in enumerate(pairwise(widths)):
            down = down_convolution(inputs, outputs, config.kernel, bias=False)
            bare = self.norm == "batch" and not place
            first, *norms = [down] if bare else normal(down, self.norm)
            # The report's order: a norm comes last.
            layers += [first, nn.LeakyReLU(SLOPE), nn.Dropout2d(DROPOUT), *norms]
        self.body = nn.Sequential(*layers)
        self.realism = top_convolution(widths[-1], 1, self.norm)
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(widths[-1] * BASE_SIZE**2, config.condition_size)
        )
