"""DCGANs for several labels at once, each with its own way to bring them in (reports 002, 003)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganport_models.blocks import (
    LabelPlanes,
    leaky_relu,
    stem_convolution,
    to_picture,
    up_convolution,
)
from ganport_models.network import BASE_SIZE, Generator, Shape, need_condition
from ganport_models.registry import register_generator


@register_generator("label_planes_dcgan")
class LabelPlanesGenerator(Generator):
    """Labels -> planes -> Linear, joined to the noise in the same length (report 002, CGAN)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        need_condition(shape)
        widths = shape.widths()
        self.condition = nn.Sequential(
            LabelPlanes(shape.condition_size),
            leaky_relu(),
            nn.Flatten(),
            nn.Linear(shape.condition_size * BASE_SIZE**2, shape.latent, bias=False),
            leaky_relu(),
        )
        self.stem = stem_convolution(2 * shape.latent, widths[0])
        self.body = to_picture(widths, leaky_relu, shape.kernel, bias=False)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] from z (N, latent) and condition (N, C)."""
        joined = torch.cat([z, self.condition(condition)], dim=1)
        image: Tensor = self.body(self.stem(joined[:, :, None, None]))
        return image


@register_generator("late_label_dcgan")
class LateLabelGenerator(Generator):
    """Noise to a base map, label planes beside it, then up (report 002, AC-GAN)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        need_condition(shape)
        first, *widths = shape.widths()
        self.planes = LabelPlanes(shape.condition_size)
        self.stem = nn.Sequential(stem_convolution(shape.latent, first), nn.ReLU())
        joined = first + shape.condition_size
        self.join = up_convolution(joined, widths[0], shape.kernel, bias=False)
        self.body = to_picture(widths, nn.ReLU, shape.kernel, bias=False)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] from z (N, latent) and condition (N, C)."""
        base = self.stem(z[:, :, None, None])
        image: Tensor = self.body(self.join(torch.cat([base, self.planes(condition)], dim=1)))
        return image


@register_generator("linear_label_dcgan")
class LinearLabelGenerator(Generator):
    """Labels -> Linear (200 numbers) -> ReLU, joined to the noise (report 003)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        need_condition(shape)
        widths = shape.widths()
        self.condition = nn.Sequential(nn.Linear(shape.condition_size, shape.embedding), nn.ReLU())
        self.stem = stem_convolution(shape.latent + shape.embedding, widths[0], bias=True)
        self.body = to_picture(widths, nn.ReLU, shape.kernel)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] from z (N, latent) and condition (N, C)."""
        joined = torch.cat([z, self.condition(condition)], dim=1)
        image: Tensor = self.body(self.stem(joined[:, :, None, None]))
        return image
