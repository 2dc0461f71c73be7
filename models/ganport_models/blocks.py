"""Pieces that several architectures are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from ganport_models.network import BASE_SIZE, Norm

LEAK = 0.01
"""Negative slope of LeakyReLU in report 000 (torch's default)."""
SLOPE = 0.2
"""Negative slope of LeakyReLU in DCGAN (Radford et al. 2016, section 3) and in what follows it."""


def up_convolution(
    inputs: int, outputs: int, kernel: int = 4, *, bias: bool = True
) -> nn.ConvTranspose2d:
    """Doubles height and width: a kernel of 4x4 with padding 1, or of 5x5 with padding 2; stride 2.

    Strided convolutions are DCGAN's (Radford et al. 2016); the paper and report 004 have 5x5
    kernels, 4x4 are those of its reference port to Torch, and of the other reports.
    """
    return nn.ConvTranspose2d(
        inputs,
        outputs,
        kernel,
        stride=2,
        padding=(kernel - 1) // 2,
        output_padding=kernel % 2,
        bias=bias,
    )


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


class NearestKernel(nn.Module):
    """The 4x4 kernels that double the size like nearest-neighbor upsampling and 3x3 kernels."""

    def forward(self, weight: Tensor) -> Tensor:
        """Kernels (I, O, 4, 4) of a transposed convolution from kernels (I, O, 3, 3)."""
        shifts = ((left, 1 - left, top, 1 - top) for left in (0, 1) for top in (0, 1))
        return torch.stack([F.pad(weight, shift) for shift in shifts]).sum(dim=0)


def resize_convolution(inputs: int, outputs: int, deviation: float = 0.05) -> nn.ConvTranspose2d:
    """Doubles height and width: nearest-neighbor upsampling and a 3x3 convolution, as one layer.

    Every output pixel has the same 3x3 kernel, so there is no checkerboard to unlearn (Odena et al.
    2016). As a transposed convolution it needs 16 products per input pixel in place of 36. The
    kernels start smooth, with random strength.
    """
    layer = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1)
    line = torch.tensor([0.25, 0.5, 0.25])
    strength = torch.randn(inputs, outputs, 1, 1) * deviation
    with torch.no_grad():
        layer.weight.copy_(strength * torch.outer(line, line))
    parametrize.register_parametrization(layer, "weight", NearestKernel(), unsafe=True)
    return layer


def down_convolution(inputs: int, outputs: int, kernel: int = 4, *, bias: bool = True) -> nn.Conv2d:
    """Halves height and width; kernels and paddings as in `up_convolution`."""
    padding = (kernel - 1) // 2
    return nn.Conv2d(inputs, outputs, kernel, stride=2, padding=padding, bias=bias)


def to_picture(
    widths: Sequence[int],
    activation: Callable[[], nn.Module],
    kernel: int = 4,
    *,
    bias: bool = True,
) -> nn.Sequential:
    """From a base map of widths[0] channels to a picture: batch norm, activation, up, and so on.

    (N, widths[0], 4, 4) becomes (N, 3, H, W) in [-1, 1], twice the size for each of the widths.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise([*widths, 3]):
        up = up_convolution(inputs, outputs, kernel, bias=bias)
        layers += [nn.BatchNorm2d(inputs), activation(), up]
    return nn.Sequential(*layers, nn.Tanh())


def to_features(
    widths: Sequence[int],
    norm: Norm,
    slope: float,
    kernel: int = 4,
    *,
    norm_first: bool = False,
    bias: bool = True,
) -> list[nn.Module]:
    """Layers from a picture of widths[0] channels to a base map of widths[-1].

    The first convolution has no batch norm unless `norm_first` (Radford et al. 2016, section 3).
    """
    layers: list[nn.Module] = []
    for place, (inputs, outputs) in enumerate(pairwise(widths)):
        down = down_convolution(inputs, outputs, kernel, bias=bias)
        bare = norm == "batch" and not (place or norm_first)
        layers += [*([down] if bare else normal(down, norm)), nn.LeakyReLU(slope)]
    return layers


def normal(layer: nn.Conv2d, norm: Norm) -> list[nn.Module]:
    """A convolution with its norm: after it, inside it, or none."""
    if norm == "batch":
        return [layer, nn.BatchNorm2d(layer.out_channels)]
    return [bounded(layer, norm)]


def bounded(layer: nn.Module, norm: Norm) -> nn.Module:
    """A layer without batch norm after it: spectrally normal, or as it is."""
    return spectrally_normal(layer) if norm == "spectral" else layer


def dense_head(width: int, outputs: int, norm: Norm) -> nn.Sequential:
    """Base map (N, width, 4, 4) to (N, outputs): Linear, LeakyReLU, Linear (report 000)."""
    layers = [nn.Linear(width * BASE_SIZE**2, width), nn.Linear(width, outputs)]
    first, last = (bounded(layer, norm) for layer in layers)
    return nn.Sequential(nn.Flatten(), first, leaky_relu(), last)


def leaky_relu() -> nn.Module:
    """LeakyReLU as torch has it when nothing is said, as reports 000 and 002 have it."""
    return nn.LeakyReLU(LEAK)


def condition_embedding(condition_size: int, width: int) -> nn.Sequential:
    """Condition (N, C) to a learned embedding (N, width): one Linear and a LeakyReLU."""
    return nn.Sequential(nn.Linear(condition_size, width), leaky_relu())


def stem_convolution(inputs: int, outputs: int, *, bias: bool = False) -> nn.ConvTranspose2d:
    """A vector, seen as a 1x1 map, to a base map of 4x4 (Radford et al. 2016, section 3)."""
    return nn.ConvTranspose2d(inputs, outputs, BASE_SIZE, bias=bias)


def top_convolution(inputs: int, outputs: int, norm: Norm, *, bias: bool = False) -> nn.Sequential:
    """Base map (N, inputs, 4, 4) to (N, outputs): the end of a convolutional discriminator."""
    layer = nn.Conv2d(inputs, outputs, BASE_SIZE, bias=bias)
    return nn.Sequential(bounded(layer, norm), nn.Flatten())


def to_base_map(vector: Tensor, channels: int) -> Tensor:
    """(N, channels * 4 * 4) to (N, channels, 4, 4), with no Python number for the batch."""
    return vector.view(-1, channels, BASE_SIZE, BASE_SIZE)


def spectrally_normal(layer: nn.Module) -> nn.Module:
    """The layer with its weight divided by its largest singular value (Miyato et al. 2018)."""
    return spectral_norm(layer)


class LabelPlanes(nn.Module):
    """A learned 4x4 plane for each number of the condition, scaled by that number.

    What reports 002 writes as a transposed convolution with as many groups as labels, on a 1x1
    map: as a product it has no grouped operator, on which weak backends disagree.
    """

    def __init__(self, condition_size: int) -> None:
        super().__init__()
        # The bounds of a transposed convolution's own start: one over the root of its fan, 4x4.
        planes = torch.empty(condition_size, BASE_SIZE, BASE_SIZE).uniform_(-0.25, 0.25)
        self.planes = nn.Parameter(planes)

    def forward(self, condition: Tensor) -> Tensor:
        """Planes (N, C, 4, 4) of conditions (N, C)."""
        return condition[:, :, None, None] * self.planes
