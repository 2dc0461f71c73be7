"""Strided convolutions with residual blocks between them, under a projection head."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ganport_models.blocks import SLOPE, bounded, down_convolution, normal
from ganport_models.discriminators.projection_base import Projecting
from ganport_models.network import BASE_SIZE, NetworkConfig, Norm
from ganport_models.registry import register_discriminator


class Block(nn.Module):
    """x plus two 3x3 convolutions of it, each behind a LeakyReLU (He et al. 2016, v2).

    Without a norm the last convolution starts at zero, so that the block starts as nothing (Fixup,
    Zhang et al. 2019); a spectral norm has nothing to divide by there.
    """

    def __init__(self, width: int, norm: Norm) -> None:
        super().__init__()
        layers = [nn.Conv2d(width, width, 3, padding=1) for _ in range(2)]
        if norm == "none":
            nn.init.zeros_(layers[1].weight)
        self.body = nn.Sequential(
            *(part for layer in layers for part in (nn.LeakyReLU(SLOPE), *normal(layer, norm)))
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) to the same."""
        result: Tensor = x + self.body(x)
        return result


@register_discriminator("residual")
class ResidualDiscriminator(Projecting):
    """A convolution, then halvings to 4x4, each with residual blocks; logit = psi(f) + <f, V c>.

    The head is that of Miyato & Koyama 2018, section 3. At the size of the picture there is one
    3x3 convolution, of half of `features`, which sees what the halvings blur (docs/flagship.md); a
    block there would cost as much as all the others.
    """

    usual_norm = "none"

    def __init__(
        self, config: NetworkConfig, norm: Norm | None = None, groups: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, norm, groups)
        widths = [max(1, config.base_channels // 2), *config.widths()[::-1]]
        first = nn.Conv2d(3, widths[0], 3, padding=1)
        layers: list[nn.Module] = [*normal(first, self.norm), nn.LeakyReLU(SLOPE)]
        for inputs, outputs in pairwise(widths):
            layers += normal(down_convolution(inputs, outputs), self.norm)
            layers += [Block(outputs, self.norm) for _ in range(config.num_blocks)]
            layers.append(nn.LeakyReLU(SLOPE))
        self.body = nn.Sequential(*layers, nn.Flatten())
        width = widths[-1] * BASE_SIZE**2
        self.realism = bounded(nn.Linear(width, 1), self.norm)
        projection = nn.Linear(config.condition_size, width, bias=False)
        # As strong at the start as the other half of the score.
        nn.init.normal_(projection.weight, std=width**-0.5)
        self.projection = bounded(projection, self.norm)

    def embed(self, image: Tensor) -> Tensor:
        """Features (N, width * 4 * 4) of pictures (N, 3, H, W)."""
        features: Tensor = self.body(image)
        return features


@register_discriminator("residual_head")
class ResidualHeadDiscriminator(ResidualDiscriminator):
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
