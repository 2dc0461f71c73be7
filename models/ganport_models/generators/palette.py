"""A generator for pixel art, whose pixels choose from a few learned colors."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganport_models.generators.dcgan import FilmResizeGenerator
from ganport_models.network import NetworkConfig, register_generator

COLORS = 48
"""Colors that a pixel is chosen from."""


@register_generator("film_palette_dcgan")
class PaletteGenerator(FilmResizeGenerator):
    """`FilmResizeGenerator` with a softmax over colors: `sprites`'s.

    The last stage returns a logit for each color and pixel, and the pixel is the mean of the colors
    with the weights of their softmax. Pixels of one material get one color sooner than with a tanh
    of each channel. In training the logits have Gumbel noise (Jang et al. 2017, equation 2): a
    mixture of colors then flickers, so the generator learns to decide for one
    (benchmarks/RESULTS.md, sprites).
    """

    num_colors = COLORS

    def build(self, config: NetworkConfig) -> None:
        """Create the layers."""
        super().build(config)
        self.colors = nn.Parameter(torch.empty(COLORS, config.image_channels).uniform_(-1, 1))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """Return images (N, K, H, W) in [-1, 1] from z (N, z_dim) and condition (N, C)."""
        logits = self.map_features(z, condition)[-1].permute(0, 2, 3, 1)
        choose = F.gumbel_softmax if self.training else torch.softmax
        weights = choose(logits.float(), dim=-1)
        return (weights @ self.colors.clamp(-1, 1)).permute(0, 3, 1, 2)

    @torch.no_grad()
    def init_colors(self, colors: Tensor) -> None:
        """Start with `colors` (up to `COLORS`, K) in [-1, 1], for example those of a data set."""
        self.colors[: len(colors)] = colors
