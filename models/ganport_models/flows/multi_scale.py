"""The levels of a flow: steps at one size, then half of the channels goes on at the next."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganport_models.flows.actnorm import ActNorm
from ganport_models.flows.coupling import Coupling
from ganport_models.flows.invertible_conv import Rotation
from ganport_models.flows.squeeze import squeeze, unsqueeze


class Step(nn.Module):
    """ActNorm, rotation, coupling (Glow, Kingma & Dhariwal 2018, figure 2a)."""

    def __init__(self, channels: int, planes: int, hidden: int) -> None:
        super().__init__()
        self.norm = ActNorm(channels)
        self.rotation = Rotation(channels)
        self.coupling = Coupling(channels, planes, hidden)

    def forward(self, x: Tensor, planes: Tensor | None) -> tuple[Tensor, Tensor]:
        """Y (N, C, H, W), and the logarithm of the volume gained, (N,)."""
        x, stretched = self.norm(x)
        x, turned = self.rotation(x)
        x, coupled = self.coupling(x, planes)
        return x, coupled + stretched + turned

    def inverse(self, y: Tensor, planes: Tensor | None) -> Tensor:
        """The x (N, C, H, W) of y."""
        y = self.coupling.inverse(y, planes)
        y = self.rotation.inverse(y)
        x: Tensor = self.norm.inverse(y)
        return x


class Levels(nn.Module):
    """Steps, then squeeze, split and the same again on one half (figure 2b; report 003).

    `channels` and `planes` are those of the first level; from level to level they double and
    quadruple.
    """

    def __init__(self, channels: int, planes: int, hidden: int, levels: int, steps: int) -> None:
        super().__init__()
        self.steps = nn.ModuleList(Step(channels, planes, hidden) for _ in range(steps))
        self.next: Levels | None = (
            Levels(2 * channels, 4 * planes, hidden, levels - 1, steps) if levels > 1 else None
        )

    def forward(self, x: Tensor, planes: Tensor | None) -> tuple[Tensor, Tensor]:
        """Z in the shape of x (N, C, H, W), and the logarithm of the volume gained, (N,)."""
        volume = x.new_zeros(())
        for step in self.steps:
            x, gained = step(x, planes)
            volume = volume + gained
        if self.next is not None:
            going, staying = squeeze(x).chunk(2, dim=1)
            going, gained = self.next(going, None if planes is None else squeeze(planes))
            volume = volume + gained
            x = unsqueeze(torch.cat([going, staying], dim=1))
        return x, volume

    def inverse(self, z: Tensor, planes: Tensor | None) -> Tensor:
        """The x (N, C, H, W) of z."""
        if self.next is not None:
            going, staying = squeeze(z).chunk(2, dim=1)
            going = self.next.inverse(going, None if planes is None else squeeze(planes))
            z = unsqueeze(torch.cat([going, staying], dim=1))
        for step in reversed(self.steps):
            assert isinstance(step, Step)
            z = step.inverse(z, planes)
        return z
