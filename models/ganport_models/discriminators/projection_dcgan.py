"""Spectrally normal convolutions under a projection head: the `quick` discriminator."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ganport_models.blocks import spectrally_normal, to_features
from ganport_models.discriminators.projection_base import Projecting
from ganport_models.network import BASE_SIZE, NetworkConfig, Norm
from ganport_models.registry import register_discriminator

SLOPE = 0.1
"""Negative slope of LeakyReLU (SNGAN, Miyato et al. 2018, table 3)."""


@register_discriminator("projection_dcgan")
class ProjectionDiscriminator(Projecting):
    """Strided convolutions to 4x4; logit = psi(f) + <f, V c> (Miyato & Koyama 2018, section 3)."""

    usual_norm = "spectral"

    def __init__(
        self, config: NetworkConfig, norm: Norm | None = None, groups: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, norm, groups)
        widths = [3, *config.widths()[::-1]]
        layers = to_features(widths, self.norm, SLOPE, config.kernel)
        self.body = nn.Sequential(*layers, nn.Flatten())
        width = widths[-1] * BASE_SIZE**2
        self.realism = spectrally_normal(nn.Linear(width, 1))
        self.projection = spectrally_normal(nn.Linear(config.condition_size, width, bias=False))

    def embed(self, image: Tensor) -> Tensor:
        """Features (N, 8 * features * 4 * 4) of pictures (N, 3, H, W)."""
        features: Tensor = self.body(image)
        return features


@register_discriminator("projection_head_dcgan")
class ProjectionHeadDiscriminator(ProjectionDiscriminator):
    """The same with an auxiliary linear classifier of the labels on the features (Odena et al.
    2017, with the projection of Miyato & Koyama 2018 kept).
    """

    classifies = True

    def __init__(
        self, config: NetworkConfig, norm: Norm | None = None, groups: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, norm, groups)
        width = config.widths()[0] * BASE_SIZE**2
        self.classifier = nn.Linear(width, config.condition_size)
