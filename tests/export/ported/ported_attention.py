"""Generators with self-attention, small, with random weights.

SAGAN (Zhang et al. 2019), BigGAN-deep (Brock et al. 2019), and a diffusion student: a U-Net (Ho et
al. 2020) whose one step gives an image.
"""

from types import SimpleNamespace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm


class SelfAttention(nn.Module):
    """Attention over positions with a learned gate that starts at 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.theta = spectral_norm(nn.Conv2d(channels, channels // 2, 1, bias=False))
        self.phi = spectral_norm(nn.Conv2d(channels, channels // 2, 1, bias=False))
        self.g = spectral_norm(nn.Conv2d(channels, channels // 2, 1, bias=False))
        self.o = spectral_norm(nn.Conv2d(channels // 2, channels, 1, bias=False))
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        theta = self.theta(x).view(batch, -1, height * width)
        phi = F.max_pool2d(self.phi(x), 2).view(batch, -1, height * width // 4)
        g = F.max_pool2d(self.g(x), 2).view(batch, -1, height * width // 4)
        beta = F.softmax(torch.bmm(theta.transpose(1, 2), phi), -1)
        o = torch.bmm(g, beta.transpose(1, 2)).view(batch, -1, height, width)
        return self.gamma * self.o(o) + x


class ConditionalBatchNorm2d(nn.Module):
    """Batch norm whose gain and bias are embeddings of the class."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, affine=False)
        self.embed = nn.Embedding(classes, channels * 2)
        self.embed.weight.data[:, :channels].fill_(1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        gamma, beta = self.embed(y).chunk(2, 1)
        return gamma[:, :, None, None] * self.bn(x) + beta[:, :, None, None]


class SaganBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, classes: int) -> None:
        super().__init__()
        self.bn1 = ConditionalBatchNorm2d(inputs, classes)
        self.conv1 = spectral_norm(nn.Conv2d(inputs, outputs, 3, padding=1))
        self.bn2 = ConditionalBatchNorm2d(outputs, classes)
        self.conv2 = spectral_norm(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.skip = spectral_norm(nn.Conv2d(inputs, outputs, 1))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = F.interpolate(F.relu(self.bn1(x, y)), scale_factor=2)
        h = self.conv2(F.relu(self.bn2(self.conv1(h), y)))
        return h + self.skip(F.interpolate(x, scale_factor=2))


class Sagan(nn.Module):
    """z and class indices to images of 16 x 16."""

    def __init__(self, z: int = 8, classes: int = 3, width: int = 8) -> None:
        super().__init__()
        self.linear = spectral_norm(nn.Linear(z, width * 16))
        self.block1 = SaganBlock(width, width, classes)
        self.attention = SelfAttention(width)
        self.block2 = SaganBlock(width, width, classes)
        self.out = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU())
        self.rgb = spectral_norm(nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        x = self.linear(z).view(z.size(0), -1, 4, 4)
        x = self.block2(self.attention(self.block1(x, labels)), labels)
        return torch.tanh(self.rgb(self.out(x)))


class DeepBlock(nn.Module):
    """BigGAN-deep's bottleneck: four convolutions; the skip drops channels."""

    def __init__(self, inputs: int, outputs: int, condition: int, upsample: bool) -> None:
        super().__init__()
        hidden = inputs // 4
        self.outputs, self.upsample = outputs, upsample
        sizes = [
            (inputs, hidden, 1),
            (hidden, hidden, 3),
            (hidden, hidden, 3),
            (hidden, outputs, 1),
        ]
        self.convs = nn.ModuleList(
            spectral_norm(nn.Conv2d(a, b, k, padding=k // 2)) for a, b, k in sizes
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(a, affine=False) for a, _, _ in sizes)
        self.gains = nn.ModuleList(
            spectral_norm(nn.Linear(condition, 2 * a, bias=False)) for a, _, _ in sizes
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = x
        for index, conv in enumerate(self.convs):
            gain, bias = self.gains[index](y)[:, :, None, None].chunk(2, 1)
            h = F.relu(self.norms[index](h) * (1 + gain) + bias)
            if self.upsample and index == 1:
                h = F.interpolate(h, scale_factor=2)
            h = conv(h)
        x = x[:, : self.outputs]
        return h + (F.interpolate(x, scale_factor=2) if self.upsample else x)


class BigGanDeep(nn.Module):
    """z and class indices to images of 32 x 32; the shared embedding joins z in every block."""

    def __init__(self, z: int = 8, classes: int = 4, shared: int = 6, width: int = 4) -> None:
        super().__init__()
        self.shared = nn.Embedding(classes, shared)
        top = width * 4
        self.linear = spectral_norm(nn.Linear(z + shared, top * 16))
        widths = [(top, top, False), (top, top, True), (top, top, False), (top, top // 2, True)]
        widths += [(top // 2, top // 2, False), (top // 2, top // 4, True)]
        self.blocks = nn.ModuleList(DeepBlock(a, b, z + shared, up) for a, b, up in widths)
        self.attention = SelfAttention(top // 2)
        self.output = nn.Sequential(
            nn.BatchNorm2d(top // 4), nn.ReLU(), spectral_norm(nn.Conv2d(top // 4, 3, 3, padding=1))
        )

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        code = torch.cat([z, self.shared(y)], 1)
        h = self.linear(code).view(code.size(0), -1, 4, 4)
        for index, block in enumerate(self.blocks):
            h = block(h, code)
            h = self.attention(h) if index == 3 else h
        return torch.tanh(self.output(h))


class TimeBlock(nn.Module):
    """A U-Net's residual block: group norm, SiLU, and the embedding of the time."""

    def __init__(self, inputs: int, outputs: int, time: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.GroupNorm(2, inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1)
        )
        self.time = nn.Linear(time, outputs)
        self.second = nn.Sequential(
            nn.GroupNorm(2, outputs),
            nn.SiLU(),
            nn.Dropout(0.1),
            nn.Conv2d(outputs, outputs, 3, 1, 1),
        )
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        h = self.first(x) + self.time(F.silu(t))[:, :, None, None]
        return self.skip(x) + self.second(h)


class OneStepStudent(nn.Module):
    """A U-Net (sample, timestep, class_labels) whose `sample` is the image after one step."""

    def __init__(self, channels: int = 3, width: int = 4, classes: int = 3) -> None:
        super().__init__()
        self.width = width
        self.time = nn.Sequential(nn.Linear(width, 8), nn.SiLU(), nn.Linear(8, 8))
        self.labels = nn.Embedding(classes, 8)
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.down = TimeBlock(width, 2 * width, 8)
        self.shrink = nn.Conv2d(2 * width, 2 * width, 3, stride=2, padding=1)
        self.middle = TimeBlock(2 * width, 2 * width, 8)
        self.qkv = nn.Conv2d(2 * width, 6 * width, 1)
        self.up = TimeBlock(4 * width, width, 8)
        self.head = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, sample: Tensor, timestep: Tensor | float, class_labels: Tensor):
        steps = torch.as_tensor(timestep, dtype=sample.dtype).reshape(-1).expand(sample.shape[0])
        scales = torch.exp(torch.arange(self.width // 2, dtype=sample.dtype) * -2.0)
        angles = steps[:, None] * scales[None]
        t = self.time(torch.cat([angles.sin(), angles.cos()], 1)) + self.labels(class_labels)
        skip = self.down(self.stem(sample), t)
        h = self.middle(self.shrink(skip), t)
        q, k, v = (part.flatten(2).transpose(1, 2) for part in self.qkv(h).chunk(3, 1))
        attended = F.scaled_dot_product_attention(q, k, v)
        h = F.interpolate(h + attended.transpose(1, 2).reshape(h.shape), scale_factor=2.0)
        h = self.up(torch.cat([h, skip], 1), t)
        return SimpleNamespace(sample=torch.tanh(0.5 * sample + self.head(h)))
