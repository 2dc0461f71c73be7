"""A multi-scale flow: steps at one size, then half of the channels continue at the next size."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganport_models.flows.layers import ActNorm, Coupling, InvertibleConv1x1


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
