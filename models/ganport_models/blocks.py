"""Pieces that several architectures are made of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ganport_models.network import BASE_SIZE

LEAK = 0.01
"""Negative slope of LeakyReLU in report 000 (torch's default)."""


def up_convolution(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """Doubles height and width: 4x4 kernel, stride 2, padding 1 (DCGAN, Radford et al. 2016)."""
    return nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1)


def down_convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """Halves height and width: 4x4 kernel, stride 2, padding 1 (DCGAN, Radford et al. 2016)."""
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
