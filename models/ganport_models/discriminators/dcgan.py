"""DCGAN discriminators: unconditional, matching, or with the condition joined at the base map."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from ganport_models.blocks import (
    LRELU_SLOPE_DCGAN,
    LRELU_SLOPE_TORCH,
    condition_embedding,
    dense_head,
    downsample_stack,
    leaky_relu,
    map_to_logits,
    with_norm,
)
from ganport_models.network import Discriminator, NetworkConfig, register_discriminator


@register_discriminator("dcgan")
class DCGANDiscriminator(Discriminator):
    """Strided convolutions to the base map and one to a logit (report 001, rows B1, E1)."""

    conditional = False
    norm_first: ClassVar[bool] = False

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = [config.image_channels, *config.channels()[::-1]]
        self.body = downsample_stack(
            channels,
            self.norm,
            LRELU_SLOPE_DCGAN,
            config.kernel,
            norm_first=self.norm_first,
            bias=False,
        )
        self.top = map_to_logits(channels[-1], self.outputs, self.norm, config)

    @property
    def outputs(self) -> int:
        """Number of outputs of the last convolution."""
        return 1

    def embed(self, image: Tensor) -> Tensor:
        """Return outputs (N, outputs) of images (N, C, H, W)."""
        outputs: Tensor = self.top(self.body(image))
        return outputs

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return the single output (N,); the condition is ignored."""
        return features.squeeze(1)


@register_discriminator("dcgan_normed")
class NormedDCGANDiscriminator(DCGANDiscriminator):
    """`DCGANDiscriminator` with a norm after the first convolution too (report 004)."""

    norm_first = True


@register_discriminator("matching_dcgan")
class MatchingDiscriminator(DCGANDiscriminator):
    """One output per number of the condition; the logit is their inner product (report 001, B2).

    The report prints the last batch norm twice in a row. The second one has no effect and is left
    out here.
    """

    conditional = True

    @property
    def outputs(self) -> int:
        """Length of the condition."""
        return self.config.condition_size

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return logits (N,): the inner product of outputs and condition."""
        return (features * condition).sum(dim=1)


@register_discriminator("concat_dcgan")
class ConcatDiscriminator(Discriminator):
    """Strided convolutions to the base map, the embedded condition joined there, two Linear layers.

    Report 000, row A1. The report ends in a sigmoid with BCELoss. Here the loss takes the logit,
    which is equal and does not overflow.
    """

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = [config.image_channels, *config.channels()[::-1]]
        self.condition = condition_embedding(config.condition_size, config.embed_dim)
        self.body = downsample_stack(channels, self.norm, LRELU_SLOPE_TORCH, config.kernel)
        joined = nn.Conv2d(channels[-1] + config.embed_dim, channels[-1], kernel_size=1)
        self.join = nn.Sequential(*with_norm(joined, self.norm), leaky_relu())
        self.head = dense_head(channels[-1], 1, self.norm, config)

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return logits (N,) of features with the condition joined at each pixel of the map."""
        planes = self.condition(condition)[:, :, None, None].expand(-1, -1, *self.config.base_size)
        logits: Tensor = self.head(self.join(torch.cat([features, planes], dim=1)))
        return logits.squeeze(1)
