"""Maximum-likelihood training of a flow, and its latent directions (report 003, D2 and D3)."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganport_models import Flow
from ganport_runtime.conditions import Conditions, MultiHot, OneHot
from ganport_runtime.images.format import CHANNELS
from ganport_train.config.sections import OptimizerOptions
from ganport_train.methods.method import Batch, StepMetrics, TrainingMethod

LEVELS = 256
MAX_GRAD_NORM = 50.0
"""Norm to which longer gradients are clipped, so that one bad batch does not ruin a flow."""

DIRECTION_IMAGES = 512
"""Number of images that latent directions are measured on."""
_ENCODE_BATCH = 32


class FlowMethod(TrainingMethod):
    """Maximum likelihood of images with uniform noise within each of their 256 levels.

    The likelihood with noise is a lower bound on that of the levels (Theis et al. 2016, section
    3.1). Training uses float32, because inversion must be exact.
    """

    def __init__(self, flow: Flow, optimizer: OptimizerOptions) -> None:
        super().__init__({"generator": flow}, optimizer, "fp32")
        self.flow = flow

    def step(self, batch: Batch, number: int) -> StepMetrics:
        """Train on a batch; `bits` are bits per dimension."""
        noise = batch.uniform(batch.real.shape[1:])
        pixels = (_levels(batch.real) + noise) / LEVELS
        # The noise may round to 1 in float32, and a pixel of exactly 1 has no logit.
        pixels = pixels.clamp(1e-6, 1 - 1e-6)
        if number == 0:
            self._initialize(pixels, batch.condition)
        _, likelihood = self.flow.likelihood(pixels, batch.condition)
        bits = bits_per_dimension(likelihood, pixels[0].numel())
        self._backward("generator", bits)
        norm = torch.nn.utils.clip_grad_norm_(self.flow.parameters(), MAX_GRAD_NORM)
        self.optimizers["generator"].step()
        return {"bits": bits.detach(), "norm": norm.detach()}

    @torch.no_grad()
    def _initialize(self, pixels: Tensor, condition: Tensor) -> None:
        """Initialize a flow's activation norms from the rows of all processes."""
        if self.processes.world_size > 1:
            self.flow.likelihood(*map(self.processes.all_gather, (pixels, condition)))


def _levels(images: Tensor) -> Tensor:
    """Return images (N, C, H, W) in [-1, 1] in levels; premultiplied colors lie between them."""
    levels = (images + 1) * ((LEVELS - 1) / 2)
    return levels.round() if images.shape[1] == CHANNELS["rgba"] else levels


def bits_per_dimension(likelihood: Tensor, dimensions: int) -> Tensor:
    """Return the mean of -log2 p / dimensions for log-likelihoods (N,) of pixels in (0, 1).

    It counts 256 levels per pixel: uniform noise has 8 bits.
    """
    return -likelihood.mean() / (dimensions * math.log(2)) + math.log2(LEVELS)


@torch.no_grad()
def measure_directions(
    flow: Flow, conditions: Conditions, images: Tensor, vectors: NDArray[np.float32]
) -> dict[str, Tensor]:
    """Return the latent direction of each label as `group/label`, float32 (*z_shape).

    A direction is the mean noise of the images with a label minus that of the images without it.
    `images` (N, C, H, W) in [-1, 1] are encoded under their conditions, `vectors` (N, K). Labels
    that all images or no images have are left out (report 003, attribute manipulation; Kingma &
    Dhariwal 2018, section 5).
    """
    condition = torch.from_numpy(vectors).to(images.device)
    batches = zip(
        torch.split(images, _ENCODE_BATCH), torch.split(condition, _ENCODE_BATCH), strict=True
    )
    z = torch.cat([flow.encode(*batch) for batch in batches])
    directions = {}
    for name, column in _label_columns(conditions).items():
        has_label = condition[:, column] > 0
        if has_label.any() and not has_label.all():
            directions[name] = z[has_label].mean(dim=0) - z[~has_label].mean(dim=0)
    return directions


def _label_columns(conditions: Conditions) -> dict[str, int]:
    """Return the index of each label in a condition vector."""
    return {
        f"{group.name}/{label}": conditions.slices[group.name].start + index
        for group in conditions.groups
        if isinstance(group, OneHot | MultiHot)
        for index, label in enumerate(group.labels)
    }
