"""One step of a flow: its pictures become likelier (report 003, rows D2 and D3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganport_models import Flow
from ganport_train.config.sections import OptimizerOptions
from ganport_train.methods.batch import Batch
from ganport_train.methods.method import Figures, Method

LEVELS = 256
MAX_NORM = 50.0
"""Gradients longer than it are shortened: one bad batch must not throw a flow out for good."""


class Likelihood(Method):
    """Maximum likelihood of pictures with uniform noise inside each of their 256 levels.

    With the noise, the likelihood bounds that of the levels themselves from below (Theis et al.
    2016, section 3.1). Always in float32: exactness both ways is what a flow is for.
    """

    def __init__(self, flow: Flow, optimizer: OptimizerOptions) -> None:
        super().__init__({"generator": flow}, optimizer, "fp32")
        self.flow = flow

    def step(self, batch: Batch, number: int) -> Figures:
        """Trains on a batch; `bits` are bits per dimension."""
        noise = batch.shares(batch.real.shape[1:])
        pixels = ((batch.real + 1) * ((LEVELS - 1) / 2) + noise) / LEVELS
        # The noise may come up to 1 in float32; a pixel of exactly 1 would have no logit.
        pixels = pixels.clamp(1e-6, 1 - 1e-6)
        if number == 0:
            self._start(pixels, batch.condition)
        _, likelihood = self.flow.likelihood(pixels, batch.condition)
        bits = bits_per_dimension(likelihood, pixels[0].numel())
        self._differentiate("generator", bits)
        norm = torch.nn.utils.clip_grad_norm_(self.flow.parameters(), MAX_NORM)
        self.optimizers["generator"].step()
        return {"bits": bits.detach(), "norm": norm.detach()}

    @torch.no_grad()
    def _start(self, pixels: Tensor, condition: Tensor) -> None:
        """Sets what a flow takes from its first batch by the rows of all processes."""
        if self.processes.world_size > 1:
            self.flow.likelihood(*map(self.processes.all_gather, (pixels, condition)))


def bits_per_dimension(likelihood: Tensor, dimensions: int) -> Tensor:
    """The mean of -log2 p / dimensions for log-likelihoods (N,) of pixels in (0, 1), with 256
    levels to a pixel; 8 for noise that is uniform.
    """
    return -likelihood.mean() / (dimensions * math.log(2)) + math.log2(LEVELS)
