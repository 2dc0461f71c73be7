"""A generator for pixel art, whose pixels choose from a few learned colors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from ganport_models.blocks import resize_convolution
from ganport_models.generators.dcgan import FilmGenerator, FilmStage
from ganport_models.network import NetworkConfig, register_generator

COLORS = 48
"""Colors that a pixel is chosen from."""
NOISY_STEPS = 3750
"""Steps of training until the choice of a color has no noise."""
TRAINED_SHARPNESS, FINAL_SHARPNESS = 3.0, 20.0
"""Factors of the logits after `NOISY_STEPS`, and after training."""


@register_generator("film_palette_dcgan")
class PaletteGenerator(FilmGenerator):
    """`FilmGenerator` with resize convolutions and a softmax over colors: `sprites`'s.

    The last stage returns a logit for each color and pixel, and the pixel is the mean of the colors
    with the weights of their softmax. Pixels of one material get one color sooner than with a tanh
    of each channel. In training the logits have Gumbel noise (Jang et al. 2017, equation 2): a
    mixture of colors then flickers, so the generator learns to decide for one. The noise falls to
    0 while the softmax becomes sharper, so that the discriminator sees the single pixels that the
    generator is sure of (benchmarks/RESULTS.md, sprites).
    """

    num_colors = COLORS
    steps: Tensor

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        super().build(config)
        self.colors = nn.Parameter(torch.empty(COLORS, config.image_channels).uniform_(-1, 1))
        self.register_buffer("steps", torch.zeros(()))

    @staticmethod
    def build_stages(config: NetworkConfig) -> Iterator[FilmStage]:
        """Yield the stages from the base map to the logits."""
        channels = [*config.channels(), config.base_channels]
        for inputs, outputs in pairwise(channels):
            yield FilmStage(inputs, outputs, config.embed_dim, resize_convolution)
        last = partial(nn.Conv2d, kernel_size=3, padding=1)
        yield FilmStage(channels[-1], COLORS, config.embed_dim, last)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, K, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        logits = self.map_features(z, condition)[-1].permute(0, 2, 3, 1)
        weights = self._color_weights(logits.float())
        return (weights @ self.colors.clamp(-1, 1)).permute(0, 3, 1, 2)

    def _color_weights(self, logits: Tensor) -> Tensor:
        if not self.training:
            return torch.softmax(FINAL_SHARPNESS * logits, dim=-1)
        self.steps += 1
        progress = (self.steps / NOISY_STEPS).clamp(max=1)
        noise = -torch.empty_like(logits).exponential_().log()  # Gumbel
        sharpness = 1 + (TRAINED_SHARPNESS - 1) * progress
        return torch.softmax(sharpness * (logits + (1 - progress) * noise), dim=-1)

    @torch.no_grad()
    def init_colors(self, colors: Tensor) -> None:
        """Start with `colors` (up to `COLORS`, K) in [-1, 1], for example those of a data set."""
        self.colors[: len(colors)] = colors
