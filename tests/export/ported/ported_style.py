"""Generators with noise inside, small, with random weights.

StyleGAN2 (Karras et al. 2020) and FastGAN (Liu et al. 2021).
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm


class EqualLinear(nn.Module):
    """A linear layer with an equalized learning rate."""

    def __init__(self, inputs: int, outputs: int, bias: float = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias))
        self.scale, self.rate = rate / math.sqrt(inputs), rate

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class Mapping(nn.Module):
    def __init__(self, z: int, w: int, layers: int = 3) -> None:
        super().__init__()
        sizes = [z] + [w] * layers
        self.layers = nn.ModuleList(EqualLinear(a, b, rate=0.01) for a, b in pairwise(sizes))

    def forward(self, z: Tensor) -> Tensor:
        x = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2) * math.sqrt(2)
        return x


class ModulatedConv(nn.Module):
    """A convolution whose weights the style scales: by plain operators, or grouped by sample."""

    def __init__(self, inputs: int, outputs: int, kernel: int, w: int, **options: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.affine = EqualLinear(w, inputs, bias=1.0)
        self.scale = 1 / math.sqrt(inputs * kernel**2)
        self.demodulate = options.get("demodulate", True)
        self.up = options.get("up", False)
        self.fused = options.get("fused", False)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style = self.affine(w) * self.scale
        return self.grouped(x, style) if self.fused else self.plain(x, style)

    def plain(self, x: Tensor, style: Tensor) -> Tensor:
        if self.up:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = F.conv2d(x * style[:, :, None, None], self.weight, padding=self.weight.shape[-1] // 2)
        if self.demodulate:
            power = (style.square() @ self.weight.square().sum((2, 3)).T + 1e-8).rsqrt()
            x = x * power[:, :, None, None]
        return x

    def grouped(self, x: Tensor, style: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        outputs, _, kernel, _ = self.weight.shape
        weight = self.weight[None] * style[:, None, :, None, None]
        if self.demodulate:
            weight = weight * (weight.square().sum((2, 3, 4)) + 1e-8).rsqrt()[..., None, None, None]
        x = x.reshape(1, batch * channels, height, width)
        if self.up:
            weight = weight.transpose(1, 2).reshape(batch * channels, outputs, kernel, kernel)
            x = F.conv_transpose2d(x, weight, padding=0, stride=2, groups=batch)[:, :, :-1, :-1]
        else:
            weight = weight.reshape(batch * outputs, channels, kernel, kernel)
            x = F.conv2d(x, weight, padding=kernel // 2, groups=batch)
        return x.reshape(batch, outputs, *x.shape[2:])


class StyledConv(nn.Module):
    def __init__(self, inputs: int, outputs: int, w: int, **options: bool) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, outputs, 3, w, **options)
        self.noise_strength = nn.Parameter(torch.full((), 0.3))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        x = self.conv(x, w)
        noise = torch.randn([x.shape[0], 1, x.shape[2], x.shape[3]], device=x.device)
        x = x + noise * self.noise_strength
        return F.leaky_relu(x + self.bias[None, :, None, None], 0.2) * math.sqrt(2)


class StyleGan2(nn.Module):
    """Mapping and synthesis with skips to 16 x 16; a noise map for each layer."""

    def __init__(self, z: int = 8, w: int = 8, width: int = 8, fused: bool = False) -> None:
        super().__init__()
        self.mapping = Mapping(z, w)
        self.const = nn.Parameter(torch.randn(1, width, 4, 4))
        self.first = StyledConv(width, width, w, fused=fused)
        self.layers = nn.ModuleList(
            StyledConv(width, width, w, up=up, fused=fused) for up in (True, False, True, False)
        )
        self.to_rgb = nn.ModuleList(
            ModulatedConv(width, 3, 1, w, demodulate=False, fused=fused) for _ in range(3)
        )

    def forward(self, z: Tensor) -> Tensor:
        w = self.mapping(z)
        x = self.first(self.const.expand(z.shape[0], -1, -1, -1), w)
        image = self.to_rgb[0](x, w)
        for index in range(2):
            x = self.layers[2 * index + 1](self.layers[2 * index](x, w), w)
            image = F.interpolate(image, scale_factor=2, mode="bilinear", align_corners=False)
            image = image + self.to_rgb[index + 1](x, w)
        return torch.tanh(0.3 * image)


class NoiseInjection(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((1,), 0.2))

    def forward(self, feat: Tensor, noise: Tensor | None = None) -> Tensor:
        if noise is None:
            batch, _, height, width = feat.shape
            noise = torch.randn(batch, 1, height, width).to(feat.device)
        return feat + self.weight * noise


class Glu(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        half = x.size(1) // 2
        return x[:, :half] * torch.sigmoid(x[:, half:])


def up_block(inputs: int, outputs: int) -> nn.Sequential:
    """FastGAN's UpBlockComp: two convolutions with noise, batch norm and GLU."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"),
        spectral_norm(nn.Conv2d(inputs, outputs * 2, 3, 1, 1, bias=False)),
        NoiseInjection(),
        nn.BatchNorm2d(outputs * 2),
        Glu(),
        spectral_norm(nn.Conv2d(outputs, outputs * 2, 3, 1, 1, bias=False)),
        NoiseInjection(),
        nn.BatchNorm2d(outputs * 2),
        Glu(),
    )


class SkipExcitation(nn.Module):
    """FastGAN's skip-layer excitation: a small map scales the channels of a large one."""

    def __init__(self, small: int, large: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.AdaptiveAvgPool2d(4),
            spectral_norm(nn.Conv2d(small, large, 4, 1, 0, bias=False)),
            nn.SiLU(),
            spectral_norm(nn.Conv2d(large, large, 1, 1, 0, bias=False)),
            nn.Sigmoid(),
        )

    def forward(self, small: Tensor, large: Tensor) -> Tensor:
        return large * self.main(small)


class FastGan(nn.Module):
    """Returns [32 x 32 image, 16 x 16 image], as the published code does."""

    def __init__(self, nz: int = 8, ngf: int = 4) -> None:
        super().__init__()
        self.init = nn.Sequential(
            spectral_norm(nn.ConvTranspose2d(nz, ngf * 4, 4, 1, 0, bias=False)),
            nn.BatchNorm2d(ngf * 4),
            Glu(),
        )
        self.feat_8 = up_block(ngf * 2, ngf * 2)
        self.feat_16 = up_block(ngf * 2, ngf)
        self.feat_32 = up_block(ngf, ngf)
        self.se_32 = SkipExcitation(ngf * 2, ngf)
        self.to_small = spectral_norm(nn.Conv2d(ngf, 3, 1, 1, 0, bias=False))
        self.to_big = spectral_norm(nn.Conv2d(ngf, 3, 3, 1, 1, bias=False))

    def forward(self, input: Tensor) -> list[Tensor]:
        feat_4 = self.init(input[:, :, None, None])
        feat_8 = self.feat_8(feat_4)
        feat_16 = self.feat_16(feat_8)
        feat_32 = self.se_32(feat_8, self.feat_32(feat_16))
        return [torch.tanh(self.to_big(feat_32)), torch.tanh(self.to_small(feat_16))]
