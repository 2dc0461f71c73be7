"""Pieces that several architectures are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ganport_models.network import BASE_SIZE

LEAK = 0.01
"""Negative slope of LeakyReLU in report 000 (torch's default)."""


def up_convolution(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """Doubles height and width: 4x4 kernel, stride 2, padding 1.

    Strided convolutions are DCGAN's (Radford et al. 2016); the paper has 5x5 kernels, 4x4 are
    those of its reference port to Torch, and of report 000.
    """
    return nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1)


def start_smooth(layer: nn.ConvTranspose2d, deviation: float = 0.05) -> nn.ConvTranspose2d:
    """Gives an up_convolution bilinear kernels of random strength, so that it starts smooth.

    Random kernels start as a checkerboard, which the first thousand steps must then unlearn
    (Odena et al. 2016; the bilinear start is that of Long et al. 2015).
    """
    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    strength = torch.randn(layer.in_channels, layer.out_channels, 1, 1) * deviation
    with torch.no_grad():
        layer.weight.copy_(strength * torch.outer(line, line))
    return layer


def down_convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """Halves height and width: 4x4 kernel, stride 2, padding 1, as in `up_convolution`."""
    return nn.Conv2d(inputs, outputs, kernel_size=4, stride=2, padding=1)


def condition_embedding(condition_size: int, width: int) -> nn.Sequential:
    """Condition (N, C) to a learned embedding (N, width): one Linear and a LeakyReLU."""
    return nn.Sequential(nn.Linear(condition_size, width), nn.LeakyReLU(LEAK))


def to_base_map(vector: Tensor, channels: int) -> Tensor:
    """(N, channels * 4 * 4) to (N, channels, 4, 4), with no Python number for the batch."""
    return vector.view(-1, channels, BASE_SIZE, BASE_SIZE)


def spectrally_normal(layer: nn.Module) -> nn.Module:
    """The layer with its weight divided by its largest singular value (Miyato et al. 2018)."""
    return spectral_norm(layer)
