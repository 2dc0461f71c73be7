"""A scale and shift for each channel, set by the first batch it sees."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ActNorm(nn.Module):
    """y = (x + shift) * exp(log_scale), a number of each for every channel (Glow, Kingma &
    Dhariwal 2018, section 3.1).

    The first batch in training sets them so that its channels have mean 0 and deviation 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.log_scale = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.register_buffer("initialized", torch.zeros((), dtype=torch.int64))
        self.initialized: Tensor

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Y (N, C, H, W), and the logarithm of the volume one picture's gains, a scalar."""
        if self.training and not self.initialized:
            self._initialize(x)
        volume = self.log_scale.sum() * (x.shape[2] * x.shape[3])
        return (x + self.shift) * self.log_scale.exp(), volume

    def inverse(self, y: Tensor) -> Tensor:
        """The x (N, C, H, W) of y."""
        return y * (-self.log_scale).exp() - self.shift

    @torch.no_grad()
    def _initialize(self, x: Tensor) -> None:
        wide = x.detach().double()
        mean = wide.mean(dim=(0, 2, 3), keepdim=True)
        deviation = wide.std(dim=(0, 2, 3), keepdim=True, unbiased=False)
        self.shift.copy_(-mean)
        self.log_scale.copy_(-torch.log(deviation + 1e-6))
        self.initialized.fill_(1)
