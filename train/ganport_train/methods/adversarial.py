"""One adversarial step: the discriminator learns from a batch, then the generator from it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ganport_models import Discriminator, Generator
from ganport_train.methods.losses import LOSSES, Loss
from ganport_train.recipe import MethodOptions, OptimizerOptions


@dataclass(frozen=True)
class Batch:
    """What one step sees, on the run's device."""

    real: Tensor
    """(N, 3, H, W) float32 in [-1, 1]."""
    condition: Tensor
    """(N, C) float32, the real pictures' own; the fakes are asked for the same."""
    mismatched: Tensor
    """(N, C) float32, one group of each row changed; equal to `condition` when not used."""
    z: Tensor
    """(N, *z_shape) standard normal float32."""


class Adversarial:
    """The networks, their Adam optimisers, and the step that trains both on one batch.

    One set of fakes serves both networks (as in the DCGAN reference training), which saves a
    generator pass out of two.
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        method: MethodOptions,
        optimizer: OptimizerOptions,
        precision: str,
    ) -> None:
        self.generator = generator
        self.discriminator = discriminator
        self.loss: Loss = LOSSES[method.loss]
        self.mismatch = method.mismatch
        self.bf16 = precision == "bf16"
        self.optimizers = {
            "generator": _adam(generator, optimizer.generator_rate, optimizer),
            "discriminator": _adam(discriminator, optimizer.discriminator_rate, optimizer),
        }

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Trains both networks on a batch; returns scalars for the log, still on the device."""
        with self._precision(batch.real.device):
            fake = self.generator(batch.z, batch.condition)
        figures = self._train_discriminator(batch, fake.detach())
        figures["g_loss"] = self._train_generator(batch, fake)
        return figures

    def _train_discriminator(self, batch: Batch, fake: Tensor) -> dict[str, Tensor]:
        # Cached: the spectral norms are worked out once a step, not once a pass.
        with self._precision(fake.device), parametrize.cached():
            features, fake_features = self._embed(batch.real, fake)
            real = self.discriminator.score(features, batch.condition)
            drawn = self.discriminator.score(fake_features, batch.condition)
            loss = self.loss.real(real.float()) + self.loss.fake(drawn.float())
            if self.mismatch:
                wrong = self.discriminator.score(features, batch.mismatched)
                loss = loss + self.mismatch * self.loss.fake(wrong.float())
        self._descend("discriminator", loss)
        readout = self.loss.readout
        return {
            "d_loss": loss.detach(),
            "d_real": readout(real.detach().float()).mean(),
            "d_fake": readout(drawn.detach().float()).mean(),
        }

    def _embed(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Features of both; in one pass where that changes nothing, since it is faster."""
        if self.discriminator.mixes_batch:
            return self.discriminator.embed(real), self.discriminator.embed(fake)
        both = self.discriminator.embed(torch.cat([real, fake]))
        return both[: len(real)], both[len(real) :]

    def _train_generator(self, batch: Batch, fake: Tensor) -> Tensor:
        # The discriminator's weights need no gradient here; leaving them out saves their share.
        self.discriminator.requires_grad_(False)
        with self._precision(fake.device):
            logits = self.discriminator(fake, batch.condition)
            loss = self.loss.generator(logits.float())
        self._descend("generator", loss)
        self.discriminator.requires_grad_(True)
        return loss.detach()

    def _descend(self, network: str, loss: Tensor) -> None:
        optimizer = self.optimizers[network]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    def _precision(self, device: torch.device) -> torch.autocast:
        return torch.autocast(device.type, torch.bfloat16, enabled=self.bf16)


def _adam(network: nn.Module, rate: float, options: OptimizerOptions) -> torch.optim.Adam:
    betas = (options.beta1, options.beta2)
    return torch.optim.Adam(network.parameters(), lr=rate, betas=betas, fused=True)
