"""Discriminators for conditions with several labels (reports 002 and 003: rows C1, C2, D1)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ganport_models.blocks import (
    LRELU_SLOPE_DCGAN,
    LRELU_SLOPE_TORCH,
    LabelPlanes,
    down_convolution,
    downsample_stack,
    leaky_relu,
    map_to_logits,
    with_norm,
)
from ganport_models.discriminators.classifier import ClassifierDiscriminator
from ganport_models.network import BASE_SIZE, Discriminator, NetworkConfig, register_discriminator

DROPOUT = 0.5
"""Fraction of channels dropped in report 002."""


class _LabeledImageDiscriminator(Discriminator):
    """Base class of discriminators that see the labels as additional planes of the image.

    The features of an image are its pixels, because every layer also reads the labels.
    """

    @property
    def uses_batch_statistics(self) -> bool:
        """False: the pixels of an image do not depend on its batch."""
        return False

    def embed(self, image: Tensor) -> Tensor:
        """Return the images (N, 3, H, W)."""
        return image

    def _concat_planes(self, image: Tensor, planes: Tensor) -> Tensor:
        side = self.config.resolution
        return torch.cat([image, planes.view(-1, planes.shape[1] // side**2, side, side)], dim=1)


@register_discriminator("label_planes_dcgan")
class LabelPlanesDiscriminator(_LabeledImageDiscriminator):
    """Labels -> planes -> Linear -> three more planes of the image (report 002, CGAN)."""

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = [6, *config.channels()[::-1]]
        self.condition = nn.Sequential(
            LabelPlanes(config.condition_size),
            nn.LeakyReLU(LRELU_SLOPE_DCGAN),
            nn.Flatten(),
            nn.Linear(config.condition_size * BASE_SIZE**2, 3 * config.resolution**2, bias=False),
            nn.LeakyReLU(LRELU_SLOPE_DCGAN),
        )
        layers = downsample_stack(channels, self.norm, LRELU_SLOPE_DCGAN, config.kernel, bias=False)
        self.body = nn.Sequential(*layers, map_to_logits(channels[-1], 1, self.norm))

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return logits (N,) of images with the planes of their labels."""
        logits: Tensor = self.body(self._concat_planes(features, self.condition(condition)))
        return logits.squeeze(1)


@register_discriminator("label_aux_dcgan")
class AuxiliaryLabelDiscriminator(_LabeledImageDiscriminator):
    """Labels -> Linear -> a fourth plane; an adversarial head and a classifier (report 003)."""

    classifies = True

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = [4, *config.channels()[::-1]]
        self.condition = nn.Sequential(
            nn.Linear(config.condition_size, config.resolution**2), leaky_relu()
        )
        layers = downsample_stack(
            channels, self.norm, LRELU_SLOPE_TORCH, config.kernel, norm_first=True
        )
        self.body = nn.Sequential(*layers)
        self.top = map_to_logits(channels[-1], 1, self.norm, bias=True)
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(channels[-1] * BASE_SIZE**2, config.condition_size)
        )

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return logits (N,) of images with the plane of their labels."""
        return self.score_and_classify(features, condition)[0]

    def score_and_classify(self, features: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return the score and the class logits (N, condition_size)."""
        body = self.body(self._concat_planes(features, self.condition(condition)))
        return self.top(body).squeeze(1), self.classifier(body)


@register_discriminator("label_acgan_dcgan")
class DropoutACGANDiscriminator(ClassifierDiscriminator):
    """Convolution, LeakyReLU, dropout, norm; an adversarial head and a classifier (report 002)."""

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = [3, *config.channels()[::-1]]
        layers: list[nn.Module] = []
        for index, (inputs, outputs) in enumerate(pairwise(channels)):
            down = down_convolution(inputs, outputs, config.kernel, bias=False)
            skip_norm = self.norm == "batch" and index == 0
            first, *norms = [down] if skip_norm else with_norm(down, self.norm)
            # The order of the report: the norm comes last.
            layers += [first, nn.LeakyReLU(LRELU_SLOPE_DCGAN), nn.Dropout2d(DROPOUT), *norms]
        self.body = nn.Sequential(*layers)
        self.realism = map_to_logits(channels[-1], 1, self.norm)
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(channels[-1] * BASE_SIZE**2, config.condition_size)
        )
