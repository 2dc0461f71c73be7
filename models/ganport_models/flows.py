"""Invertible networks: ActNorm, 1x1 convolution, affine coupling, and the multi-scale flow.

`forward` returns y and the log-determinant of the layer's Jacobian: a scalar that holds for every
image, or one number per image (N,). `inverse` returns x.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ActNorm(nn.Module):
    """y = (x + shift) * exp(log_scale) per channel (Glow, Kingma & Dhariwal 2018, section 3.1).

    The first batch in training sets both, so that its channels have mean 0 and deviation 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.log_scale = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.register_buffer("initialized", torch.zeros((), dtype=torch.int64))
        self.initialized: Tensor

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return y (N, C, H, W) and the log-determinant, a scalar."""
        if self.training and not self.initialized:
            self._initialize(x)
        log_det = self.log_scale.sum() * (x.shape[2] * x.shape[3])
        return (x + self.shift) * self.log_scale.exp(), log_det

    def inverse(self, y: Tensor) -> Tensor:
        """Return x (N, C, H, W) of y."""
        return y * (-self.log_scale).exp() - self.shift

    @torch.no_grad()
    def _initialize(self, x: Tensor) -> None:
        values = x.detach().double()
        mean = values.mean(dim=(0, 2, 3), keepdim=True)
        deviation = values.std(dim=(0, 2, 3), keepdim=True, unbiased=False)
        self.shift.copy_(-mean)
        self.log_scale.copy_(-torch.log(deviation + 1e-6))
        self.initialized.fill_(1)


class InvertibleConv1x1(nn.Module):
    """y = W x at every pixel, W = P L (U + diag(s)) with fixed P (Glow, equation 10).

    W starts as a random rotation. In eval mode the inverse is a plain tensor, computed once in
    float64: exporters have no matrix inverse, and float32 would lose digits.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        rotation, _ = torch.linalg.qr(torch.randn(channels, channels))
        permutation, lower, upper = torch.linalg.lu(rotation)
        diagonal = upper.diagonal()
        self.register_buffer("permutation", permutation)
        self.register_buffer("sign", diagonal.sign())
        self.register_buffer("inverse_weight", None, persistent=False)
        self.permutation: Tensor
        self.sign: Tensor
        self.inverse_weight: Tensor | None
        self.lower = nn.Parameter(lower.tril(-1))
        self.upper = nn.Parameter(upper.triu(1))
        self.log_diagonal = nn.Parameter(diagonal.abs().log())

    def weight(self) -> Tensor:
        """Return the matrix W (C, C)."""
        identity = torch.eye(len(self.sign), dtype=self.lower.dtype, device=self.lower.device)
        diagonal = torch.diag(self.sign * self.log_diagonal.exp())
        lower = self.lower.tril(-1) + identity
        weight: Tensor = self.permutation @ lower @ (self.upper.triu(1) + diagonal)
        return weight

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return y (N, C, H, W) and the log-determinant, a scalar."""
        log_det = self.log_diagonal.sum() * (x.shape[2] * x.shape[3])
        return F.conv2d(x, self.weight()[:, :, None, None]), log_det

    def inverse(self, y: Tensor) -> Tensor:
        """Return x (N, C, H, W) of y."""
        weight = self._inverse() if self.inverse_weight is None else self.inverse_weight
        return F.conv2d(y, weight[:, :, None, None])

    def train(self, mode: bool = True) -> Self:
        """Cache the inverse in eval mode, where the weights are constant; drop it in training."""
        self.inverse_weight = None if mode else self._inverse()
        return super().train(mode)

    def _inverse(self) -> Tensor:
        inverse: Tensor = torch.linalg.inv(self.weight().detach().double())
        return inverse.to(self.lower.dtype)


class Coupling(nn.Module):
    """y_b = (x_b + t) * exp(s), with (s, t) a small network of x_a and the condition planes.

    Glow, section 3.3. s is a learned scale times tanh, which bounds the stretch of a step
    (RealNVP, Dinh et al. 2017, section 4.1). The last convolution starts at zero, so the layer
    starts as the identity.
    """

    def __init__(self, channels: int, planes: int, hidden: int) -> None:
        super().__init__()
        self.kept = channels // 2
        changed = channels - self.kept
        self.first = nn.Conv2d(self.kept + planes, hidden, 3, padding=1, bias=False)
        self.first_norm = ActNorm(hidden)
        self.second = nn.Conv2d(hidden, hidden, 1, bias=False)
        self.second_norm = ActNorm(hidden)
        self.last = nn.Conv2d(hidden, 2 * changed, 3, padding=1)
        self.scale = nn.Parameter(torch.ones(1, changed, 1, 1))
        nn.init.normal_(self.first.weight, std=0.05)
        nn.init.normal_(self.second.weight, std=0.05)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, planes: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return y (N, C, H, W) and the log-determinants (N,)."""
        kept, changed = x[:, : self.kept], x[:, self.kept :]
        log_scale, shift = self._scale_and_shift(kept, planes)
        changed = (changed + shift) * log_scale.exp()
        return torch.cat([kept, changed], dim=1), log_scale.flatten(1).sum(dim=1)

    def inverse(self, y: Tensor, planes: Tensor | None) -> Tensor:
        """Return x (N, C, H, W) of y."""
        kept, changed = y[:, : self.kept], y[:, self.kept :]
        log_scale, shift = self._scale_and_shift(kept, planes)
        return torch.cat([kept, changed * (-log_scale).exp() - shift], dim=1)

    def _scale_and_shift(self, kept: Tensor, planes: Tensor | None) -> tuple[Tensor, Tensor]:
        inputs = kept if planes is None else torch.cat([kept, planes], dim=1)
        hidden = F.relu(self.first_norm(self.first(inputs))[0])
        hidden = F.relu(self.second_norm(self.second(hidden))[0])
        output = self.last(hidden)
        changed = output.shape[1] // 2
        return self.scale * torch.tanh(output[:, :changed]), output[:, changed:]


def squeeze(planes: Tensor) -> Tensor:
    """Reshape (N, C, H, W) to (N, 4 C, H/2, W/2): each 2x2 block becomes channels.

    RealNVP, Dinh et al. 2017, section 3.6.
    """
    _, channels, height, width = planes.shape
    blocks = planes.view(-1, channels, height // 2, 2, width // 2, 2)
    return blocks.permute(0, 1, 3, 5, 2, 4).reshape(-1, 4 * channels, height // 2, width // 2)


def unsqueeze(planes: Tensor) -> Tensor:
    """Reshape (N, 4 C, H, W) to (N, C, 2 H, 2 W): the inverse of `squeeze`."""
    _, channels, height, width = planes.shape
    blocks = planes.view(-1, channels // 4, 2, 2, height, width)
    return blocks.permute(0, 1, 4, 2, 5, 3).reshape(-1, channels // 4, 2 * height, 2 * width)


class FlowStep(nn.Module):
    """ActNorm, 1x1 convolution, coupling (Glow, Kingma & Dhariwal 2018, figure 2a)."""

    def __init__(self, channels: int, planes: int, hidden: int) -> None:
        super().__init__()
        self.norm = ActNorm(channels)
        self.rotation = InvertibleConv1x1(channels)
        self.coupling = Coupling(channels, planes, hidden)

    def forward(self, x: Tensor, planes: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return y (N, C, H, W) and the log-determinants (N,)."""
        x, norm_log_det = self.norm(x)
        x, rotation_log_det = self.rotation(x)
        x, coupling_log_det = self.coupling(x, planes)
        return x, coupling_log_det + norm_log_det + rotation_log_det

    def inverse(self, y: Tensor, planes: Tensor | None) -> Tensor:
        """Return x (N, C, H, W) of y."""
        y = self.coupling.inverse(y, planes)
        y = self.rotation.inverse(y)
        x: Tensor = self.norm.inverse(y)
        return x


class MultiScaleFlow(nn.Module):
    """Steps, then squeeze, split and the next level on one half (figure 2b; report 003).

    `channels` and `planes` are those of the first level. The next level has twice the channels
    and four times the planes.
    """

    def __init__(self, channels: int, planes: int, hidden: int, levels: int, steps: int) -> None:
        super().__init__()
        self.steps = nn.ModuleList(FlowStep(channels, planes, hidden) for _ in range(steps))
        self.next: MultiScaleFlow | None = (
            MultiScaleFlow(2 * channels, 4 * planes, hidden, levels - 1, steps)
            if levels > 1
            else None
        )

    def forward(self, x: Tensor, planes: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return z in the shape of x (N, C, H, W) and the log-determinants (N,)."""
        log_det = x.new_zeros(())
        for step in self.steps:
            x, step_log_det = step(x, planes)
            log_det = log_det + step_log_det
        if self.next is not None:
            passed, kept = squeeze(x).chunk(2, dim=1)
            passed, next_log_det = self.next(passed, None if planes is None else squeeze(planes))
            log_det = log_det + next_log_det
            x = unsqueeze(torch.cat([passed, kept], dim=1))
        return x, log_det

    def inverse(self, z: Tensor, planes: Tensor | None) -> Tensor:
        """Return x (N, C, H, W) of z."""
        if self.next is not None:
            passed, kept = squeeze(z).chunk(2, dim=1)
            passed = self.next.inverse(passed, None if planes is None else squeeze(planes))
            z = unsqueeze(torch.cat([passed, kept], dim=1))
        for step in reversed(self.steps):
            assert isinstance(step, FlowStep)
            z = step.inverse(z, planes)
        return z
