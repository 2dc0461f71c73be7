"""Discriminators that end in one convolution: rows B1, B2, E1 to E3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from ganport_models.blocks import SLOPE, to_features, top_convolution
from ganport_models.network import Discriminator, NetworkConfig, Norm
from ganport_models.registry import register_discriminator


@register_discriminator("dcgan")
class DcganDiscriminator(Discriminator):
    """Strided convolutions to 4x4 and one more to a number; it knows no condition (report 001)."""

    conditional = False
    norm_first: ClassVar[bool] = False

    def __init__(
        self, config: NetworkConfig, norm: Norm | None = None, groups: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, norm, groups)
        widths = [3, *config.widths()[::-1]]
        layers = to_features(
            widths, self.norm, SLOPE, config.kernel, norm_first=self.norm_first, bias=False
        )
        self.body = nn.Sequential(*layers)
        self.top = top_convolution(widths[-1], self.outputs, self.norm)

    @property
    def outputs(self) -> int:
        """Numbers that the last convolution gives."""
        return 1

    def embed(self, image: Tensor) -> Tensor:
        """Numbers (N, outputs) of pictures (N, 3, H, W)."""
        numbers: Tensor = self.top(self.body(image))
        return numbers

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """The number itself (N,); the condition is not looked at."""
        return features.squeeze(1)


@register_discriminator("dcgan_normed")
class NormedDcganDiscriminator(DcganDiscriminator):
    """The same with a norm after the first convolution, too (report 004, DCGAN and WGAN)."""

    norm_first = True


@register_discriminator("matching_dcgan")
class MatchingDiscriminator(DcganDiscriminator):
    """One number for each of the condition, and their inner product with it (report 001).

    The numbers are meant to say how much of each colour is seen. The report prints the last batch
    norm twice in a row, and the second changes nothing that the first does not; there is one here.
    """

    conditional = True

    @property
    def outputs(self) -> int:
        return self.config.condition_size

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Logits (N,): the numbers of what the condition asks for, added up."""
        return (features * condition).sum(dim=1)
