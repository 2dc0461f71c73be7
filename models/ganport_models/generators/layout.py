"""A generator for scenes of several objects, whose noise places each label on a map."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganport_models.blocks import to_base_map
from ganport_models.generators.dcgan import FilmSkipGenerator
from ganport_models.network import NetworkConfig, register_generator

SHARPNESS = 16.0
"""Factor of the logits of places: most objects are at one place, and the places learn fast."""
GAIN = 4.0
"""Scale of the features of an object."""


@register_generator("film_layout_dcgan")
class LayoutGenerator(FilmSkipGenerator):
    """`FilmSkipGenerator` in which each number of the condition gets a place: `scenes`'s.

    At twice the base map (8x8 at 64 pixels) the noise gives each number of the condition a softmax
    over places. The number times a learned vector is added there, so objects are apart from the
    first step on. A scale and shift of whole maps draws them all at one place, and learns their
    shapes much later (benchmarks/RESULTS.md, scenes).
    """

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        super().build(config)
        self.width = config.channels()[1]
        self.places = nn.Linear(config.z_dim, config.condition_size * 4 * config.base_area)
        nn.init.normal_(self.places.weight, std=config.z_dim**-0.5)
        self.objects = nn.Parameter(torch.randn(config.condition_size, self.width))

    def map_features(self, z: Tensor, condition: Tensor) -> list[Tensor]:
        """Return the output of every stage; the first one with the objects."""
        style = self.style(torch.cat([z, condition], dim=1))
        base = to_base_map(self.stem(z), self.base_channels, self.config)
        first, *others = self.stages
        maps = [first(base, style) + self.place_objects(z, condition)]
        for stage in others:
            maps.append(stage(maps[-1], style))
        return maps

    def place_objects(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return the features (N, channels, 2H, 2W) of the objects, H x W being the base map."""
        logits = self.places(z).view(-1, self.config.condition_size, 4 * self.config.base_area)
        weights = torch.softmax(SHARPNESS * logits, dim=2) * condition[:, :, None]
        placed = (weights.transpose(1, 2) @ self.objects).transpose(1, 2)
        height, width = self.config.base_size
        return GAIN * placed.reshape(-1, self.width, 2 * height, 2 * width)
