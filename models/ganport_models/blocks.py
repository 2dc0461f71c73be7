"""Layers and stacks that several architectures share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import _SpectralNorm

from ganport_models.network import NetworkConfig, Norm

LRELU_SLOPE_TORCH = 0.01
"""Negative slope of LeakyReLU in report 000: torch's default."""
LRELU_SLOPE_DCGAN = 0.2
"""Negative slope of LeakyReLU in DCGAN (Radford et al. 2016, section 3) and its successors."""


def up_convolution(
    inputs: int, outputs: int, kernel: int = 4, *, bias: bool = True
) -> nn.ConvTranspose2d:
    """Return a transposed convolution that doubles height and width: stride 2, kernel 4 or 5.

    Strided convolutions are DCGAN's (Radford et al. 2016). The paper and report 004 have 5x5
    kernels; the paper's Torch port and the other reports have 4x4 kernels.
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


def init_bilinear_(layer: nn.ConvTranspose2d, deviation: float = 0.05) -> nn.ConvTranspose2d:
    """Initialize a 4x4 `up_convolution` with bilinear kernels of random strength, in place.

    Independent random kernels give a checkerboard at the start of training (Odena et al. 2016).
    The bilinear kernels are those of Long et al. 2015.
    """
    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    strength = torch.randn(layer.in_channels, layer.out_channels, 1, 1) * deviation
    with torch.no_grad():
        layer.weight.copy_(strength * torch.outer(line, line))
    return layer


def init_dcgan_(network: nn.Module) -> None:
    """Initialize convolutions and batch norms as DCGAN does, in place.

    Radford et al. 2016, section 4. Weights have a deviation of 0.02, and scales of batch norms a
    mean of 1. With torch's own weights the first images have strong noise in each pixel, which the
    generator unlearns slowly.
    """
    for layer in network.modules():
        if parametrize.is_parametrized(layer):
            continue  # a spectral norm divides the deviation out again
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d) and layer.affine:
            nn.init.normal_(layer.weight, 1.0, 0.02)


class NearestKernel(nn.Module):
    """Parametrization of a 4x4 kernel that equals nearest-neighbor upsampling and a 3x3 kernel."""

    def forward(self, weight: Tensor) -> Tensor:
        """Return transposed-convolution kernels (I, O, 4, 4) of kernels (I, O, 3, 3)."""
        shifts = ((left, 1 - left, top, 1 - top) for left in (0, 1) for top in (0, 1))
        return torch.stack([F.pad(weight, shift) for shift in shifts]).sum(dim=0)


def resize_convolution(inputs: int, outputs: int, deviation: float = 0.05) -> nn.ConvTranspose2d:
    """Return nearest-neighbor upsampling and a 3x3 convolution as one transposed convolution.

    Every output pixel has the same 3x3 kernel, which avoids a checkerboard (Odena et al. 2016).
    A transposed convolution needs 16 products per input pixel instead of 36. The kernels start
    smooth, with random strength.
    """
    layer = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1)
    line = torch.tensor([0.25, 0.5, 0.25])
    strength = torch.randn(inputs, outputs, 1, 1) * deviation
    with torch.no_grad():
        layer.weight.copy_(strength * torch.outer(line, line))
    parametrize.register_parametrization(layer, "weight", NearestKernel(), unsafe=True)
    return layer


class SkipImages(nn.Module):
    """An image of each map, summed from the smallest to the largest (StyleGAN2, section 4.1).

    Small maps draw the flat areas, and linear interpolation keeps them smooth (Karras et al. 2020).
    """

    def __init__(self, channels: Sequence[int], image_channels: int) -> None:
        super().__init__()
        layers = [nn.Conv2d(inputs, image_channels, kernel_size=1) for inputs in channels]
        self.first, self.others = layers[0], nn.ModuleList(layers[1:])

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Return images (N, C, 2H, 2W) of maps, each twice the size of the one before."""
        image: Tensor = self.first(maps[0])
        for convolution, features in zip(self.others, maps[1:], strict=True):
            image = _double_size(image) + convolution(features)
        return _double_size(image)


def _double_size(image: Tensor) -> Tensor:
    """Double height and width of (N, C, H, W) with linear interpolation."""
    return F.interpolate(image, scale_factor=2, mode="bilinear")


def down_convolution(inputs: int, outputs: int, kernel: int = 4, *, bias: bool = True) -> nn.Conv2d:
    """Return a convolution that halves height and width; kernel and padding as `up_convolution`."""
    padding = (kernel - 1) // 2
    return nn.Conv2d(inputs, outputs, kernel, stride=2, padding=padding, bias=bias)


def upsample_stack(
    channels: Sequence[int],
    activation: Callable[[], nn.Module],
    kernel: int = 4,
    *,
    bias: bool = True,
) -> nn.Sequential:
    """Return batch norm, activation and up-convolution for each pair of `channels`, then tanh.

    Maps (N, channels[0], H, W) to images of channels[-1] channels in [-1, 1].
    """
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        up = up_convolution(inputs, outputs, kernel, bias=bias)
        layers += [nn.BatchNorm2d(inputs), activation(), up]
    return nn.Sequential(*layers, nn.Tanh())


def downsample_stack(
    channels: Sequence[int],
    norm: Norm,
    slope: float,
    kernel: int = 4,
    *,
    norm_first: bool = False,
    bias: bool = True,
) -> nn.Sequential:
    """Return layers from an image of channels[0] channels to a base map of channels[-1].

    The first convolution has no batch norm unless `norm_first` (Radford et al. 2016, section 3).
    """
    layers: list[nn.Module] = []
    for index, (inputs, outputs) in enumerate(pairwise(channels)):
        down = down_convolution(inputs, outputs, kernel, bias=bias)
        skip_norm = norm == "batch" and index == 0 and not norm_first
        layers += [*([down] if skip_norm else with_norm(down, norm)), nn.LeakyReLU(slope)]
    return nn.Sequential(*layers)


def with_norm(layer: nn.Conv2d, norm: Norm) -> list[nn.Module]:
    """Return a convolution with its norm: batch norm after it, spectral norm, or none."""
    if norm == "batch":
        return [layer, nn.BatchNorm2d(layer.out_channels)]
    return [with_spectral_norm(layer, norm)]


class Float32SpectralNorm(_SpectralNorm):
    """torch's spectral norm, in float32 under autocast, too.

    On a GPU autocast would compute the power iteration in bfloat16, which has 8 bits of fraction.
    """

    def forward(self, weight: Tensor) -> Tensor:
        """Return a weight divided by its largest singular value."""
        if weight.is_meta:  # autocast knows no such device
            return super().forward(weight)
        with torch.autocast(weight.device.type, enabled=False):
            return super().forward(weight)

    def _power_method(self, weight_mat: Tensor, n_power_iterations: int) -> None:
        if weight_mat.is_meta:  # has no values, and each of the 15 first iterations takes a while
            return
        super()._power_method(weight_mat, n_power_iterations)


def spectral_norm(layer: nn.Module) -> nn.Module:
    """Return a convolution or linear layer with spectral norm (Miyato et al. 2018)."""
    assert isinstance(layer.weight, Tensor)
    norm = Float32SpectralNorm(layer.weight)
    return parametrize.register_parametrization(layer, "weight", norm)


def with_spectral_norm(layer: nn.Module, norm: Norm) -> nn.Module:
    """Return a layer with spectral norm if `norm` is "spectral", else unchanged."""
    return spectral_norm(layer) if norm == "spectral" else layer


def dense_head(width: int, outputs: int, norm: Norm, config: NetworkConfig) -> nn.Sequential:
    """Return Linear, LeakyReLU, Linear from a base map of `width` channels to (N, outputs)."""
    layers = [nn.Linear(width * config.base_area, width), nn.Linear(width, outputs)]
    first, last = (with_spectral_norm(layer, norm) for layer in layers)
    return nn.Sequential(nn.Flatten(), first, leaky_relu(), last)


def leaky_relu() -> nn.Module:
    """Return LeakyReLU with torch's default slope, as in reports 000 and 002."""
    return nn.LeakyReLU(LRELU_SLOPE_TORCH)


def condition_embedding(condition_size: int, width: int) -> nn.Sequential:
    """Return Linear and LeakyReLU from a condition (N, C) to an embedding (N, width)."""
    return nn.Sequential(nn.Linear(condition_size, width), leaky_relu())


def latent_to_map(
    inputs: int, outputs: int, config: NetworkConfig, *, bias: bool = False
) -> nn.ConvTranspose2d:
    """Return a layer from a vector as a 1x1 map to the base map (Radford et al. 2016, sec. 3)."""
    return nn.ConvTranspose2d(inputs, outputs, config.base_size, bias=bias)


def map_to_logits(
    inputs: int, outputs: int, norm: Norm, config: NetworkConfig, *, bias: bool = False
) -> nn.Sequential:
    """Return a convolution from the whole base map (N, inputs, H, W) to (N, outputs)."""
    layer = nn.Conv2d(inputs, outputs, config.base_size, bias=bias)
    return nn.Sequential(with_spectral_norm(layer, norm), nn.Flatten())


def to_base_map(vector: Tensor, channels: int, config: NetworkConfig) -> Tensor:
    """Reshape (N, channels * H * W) to a base map without a constant batch size."""
    return vector.view(-1, channels, *config.base_size)


class LabelPlanes(nn.Module):
    """A learned plane of the base map for each number of the condition, scaled by that number.

    Report 002 uses a grouped transposed convolution on a 1x1 map. The product is equal and avoids
    the grouped operator, whose results differ between backends.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        # The bounds of torch's initialization of a transposed convolution with such a kernel.
        bound = config.base_area**-0.5
        planes = torch.empty(config.condition_size, *config.base_size).uniform_(-bound, bound)
        self.planes = nn.Parameter(planes)

    def forward(self, condition: Tensor) -> Tensor:
        """Return planes (N, C, H, W) of conditions (N, C)."""
        return condition[:, :, None, None] * self.planes
