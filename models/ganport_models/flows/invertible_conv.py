"""Invertible 1x1 convolution: every pixel's channels mixed by one matrix."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Rotation(nn.Module):
    """y = W x at every pixel, W = P L (U + diag(s)) with P fixed (Glow, Kingma & Dhariwal 2018,
    equation 10).

    It starts as a random rotation. In eval mode the inverse is a plain tensor, worked out once in
    float64: no exporter knows a matrix inverse, and float32 would lose digits.
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
        """The matrix W (C, C)."""
        one = torch.eye(len(self.sign), dtype=self.lower.dtype, device=self.lower.device)
        diagonal = torch.diag(self.sign * self.log_diagonal.exp())
        lower = self.lower.tril(-1) + one
        weight: Tensor = self.permutation @ lower @ (self.upper.triu(1) + diagonal)
        return weight

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Y (N, C, H, W), and the logarithm of the volume one picture's gains, a scalar."""
        volume = self.log_diagonal.sum() * (x.shape[2] * x.shape[3])
        return F.conv2d(x, self.weight()[:, :, None, None]), volume

    def inverse(self, y: Tensor) -> Tensor:
        """The x (N, C, H, W) of y."""
        weight = self._inverse() if self.inverse_weight is None else self.inverse_weight
        return F.conv2d(y, weight[:, :, None, None])

    def train(self, mode: bool = True) -> Self:
        """Keep the inverse in eval mode, when the weights stand still; forget it in training."""
        self.inverse_weight = None if mode else self._inverse()
        return super().train(mode)

    def _inverse(self) -> Tensor:
        inverse: Tensor = torch.linalg.inv(self.weight().detach().double())
        return inverse.to(self.lower.dtype)
