"""Discriminators for conditions with several labels (reports 002 and 003: rows C1, C2, D1)."""

from __future__ import annotations

from itertools import pairwise
from math import prod

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
from ganport_models.network import Discriminator, NetworkConfig, register_discriminator

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
        """Return the images (N, C, H, W)."""
        return image

    def _concat_planes(self, image: Tensor, planes: Tensor) -> Tensor:
        height, width = self.config.size
        count = planes.shape[1] // (height * width)
        return torch.cat([image, planes.view(-1, count, height, width)], dim=1)


@register_discriminator("label_planes_dcgan")
class LabelPlanesDiscriminator(_LabeledImageDiscriminator):
    """Labels -> planes -> Linear -> as many planes as the image has channels (report 002, CGAN)."""

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        planes = config.image_channels
        channels = [2 * planes, *config.channels()[::-1]]
        self.condition = nn.Sequential(
            LabelPlanes(config),
            nn.LeakyReLU(LRELU_SLOPE_DCGAN),
            nn.Flatten(),
            nn.Linear(
                config.condition_size * config.base_area, planes * prod(config.size), bias=False
            ),
            nn.LeakyReLU(LRELU_SLOPE_DCGAN),
        )
        layers = downsample_stack(channels, self.norm, LRELU_SLOPE_DCGAN, config.kernel, bias=False)
        self.body = nn.Sequential(*layers, map_to_logits(channels[-1], 1, self.norm, config))

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return logits (N,) of images with the planes of their labels."""
        logits: Tensor = self.body(self._concat_planes(features, self.condition(condition)))
        return logits.squeeze(1)


@register_discriminator("label_aux_dcgan")
class AuxiliaryLabelDiscriminator(_LabeledImageDiscriminator):
    """Labels -> Linear -> one more plane; an adversarial head and a classifier (report 003)."""

    classifies = True

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        channels = [config.image_channels + 1, *config.channels()[::-1]]
        self.condition = nn.Sequential(
            nn.Linear(config.condition_size, prod(config.size)), leaky_relu()
        )
        self.body = downsample_stack(
            channels, self.norm, LRELU_SLOPE_TORCH, config.kernel, norm_first=True
        )
        self.top = map_to_logits(channels[-1], 1, self.norm, config, bias=True)
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(channels[-1] * config.base_area, config.condition_size)
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
        channels = [config.image_channels, *config.channels()[::-1]]
        layers: list[nn.Module] = []
        for index, (inputs, outputs) in enumerate(pairwise(channels)):
            down = down_convolution(inputs, outputs, config.kernel, bias=False)
            skip_norm = self.norm == "batch" and index == 0
            first, *norms = [down] if skip_norm else with_norm(down, self.norm)
            # The order of the report: the norm comes last.
            layers += [first, nn.LeakyReLU(LRELU_SLOPE_DCGAN), nn.Dropout2d(DROPOUT), *norms]
        self.body = nn.Sequential(*layers)
        self.realism = map_to_logits(channels[-1], 1, self.norm, config)
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(channels[-1] * config.base_area, config.condition_size)
        )
