"""Affine coupling: half of the channels scale and shift the other half."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganport_models.flows.actnorm import ActNorm


class Coupling(nn.Module):
    """y_b = (x_b + t) * exp(s) with (s, t) a small network of x_a and the condition's planes
    (Glow, Kingma & Dhariwal 2018, section 3.3).

    s is bounded by a learned scale times tanh, so that no step can stretch without end (RealNVP,
    Dinh et al. 2017, section 4.1). The last convolution starts at zero: the step changes nothing.
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
        """Y (N, C, H, W), and the logarithm of the volume gained, (N,)."""
        kept, changed = x[:, : self.kept], x[:, self.kept :]
        log_scale, shift = self._read(kept, planes)
        changed = (changed + shift) * log_scale.exp()
        return torch.cat([kept, changed], dim=1), log_scale.flatten(1).sum(dim=1)

    def inverse(self, y: Tensor, planes: Tensor | None) -> Tensor:
        """The x (N, C, H, W) of y."""
        kept, changed = y[:, : self.kept], y[:, self.kept :]
        log_scale, shift = self._read(kept, planes)
        return torch.cat([kept, changed * (-log_scale).exp() - shift], dim=1)

    def _read(self, kept: Tensor, planes: Tensor | None) -> tuple[Tensor, Tensor]:
        seen = kept if planes is None else torch.cat([kept, planes], dim=1)
        hidden = F.relu(self.first_norm(self.first(seen))[0])
        hidden = F.relu(self.second_norm(self.second(hidden))[0])
        read = self.last(hidden)
        changed = read.shape[1] // 2
        return self.scale * torch.tanh(read[:, :changed]), read[:, changed:]
