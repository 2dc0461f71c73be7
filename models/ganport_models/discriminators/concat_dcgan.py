"""Convolutional discriminator that joins the condition at the 4x4 map (report 000, row A1)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ganport_models.blocks import LEAK, condition_embedding, down_convolution
from ganport_models.network import BASE_SIZE, Discriminator, Shape, need_condition
from ganport_models.registry import register_discriminator


@register_discriminator("concat_dcgan")
class ConcatDiscriminator(Discriminator):
    """Strided convolutions to 4x4, the embedded condition joined to every place, two Linear layers.

    The report ends in a sigmoid under BCELoss; here the logit comes out and the loss takes it,
    which is the same mathematics without its overflow.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        need_condition(shape)
        widths = shape.widths()[::-1]
        joined = widths[-1]
        self.condition = condition_embedding(shape.condition_size, shape.embedding)
        layers: list[nn.Module] = [down_convolution(3, widths[0]), nn.LeakyReLU(LEAK)]
        for inputs, outputs in pairwise(widths):
            layers += [
                down_convolution(inputs, outputs),
                nn.BatchNorm2d(outputs),
                nn.LeakyReLU(LEAK),
            ]
        self.body = nn.Sequential(*layers)
        self.join = nn.Sequential(
            nn.Conv2d(joined + shape.embedding, joined, kernel_size=1),
            nn.BatchNorm2d(joined),
            nn.LeakyReLU(LEAK),
        )
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(joined * BASE_SIZE**2, joined),
            nn.LeakyReLU(LEAK),
            nn.Linear(joined, 1),
        )

    def embed(self, image: Tensor) -> Tensor:
        """Features (N, 8 * features, 4, 4) of pictures (N, 3, H, W)."""
        features: Tensor = self.body(image)
        return features

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Logits (N,) of features with the condition joined to each of the 4x4 places."""
        planes = self.condition(condition)[:, :, None, None].expand(-1, -1, BASE_SIZE, BASE_SIZE)
        logits: Tensor = self.head(self.join(torch.cat([features, planes], dim=1)))
        return logits.squeeze(1)
