"""One step of image-to-image translation between domains: StarGAN (report 001, row B5)."""

from __future__ import annotations

import torch
from torch import Tensor

from ganport_models import Discriminator, Translator
from ganport_runtime.conditions import Conditions
from ganport_train.config.sections import MethodOptions, OptimizerOptions
from ganport_train.methods.batch import Batch
from ganport_train.methods.classification import classification_loss
from ganport_train.methods.losses import LOSSES
from ganport_train.methods.method import Figures, Method, wide
from ganport_train.methods.penalties import gradient_penalty


class Translation(Method):
    """Adversarial loss, domain classification, and the way there and back (Choi et al. 2018,
    section 3.1).

    Every step trains the discriminator; the generator follows at every `discriminator_steps`-th.
    Target domains are those of the batch in another order, as in the paper's code.
    """

    def __init__(
        self,
        generator: Translator,
        discriminator: Discriminator,
        conditions: Conditions,
        method: MethodOptions,
        optimizer: OptimizerOptions,
        precision: str,
    ) -> None:
        self.discriminator, self.conditions, self.options = discriminator, conditions, method
        self.loss = LOSSES[method.loss]
        networks = {"generator": generator, "discriminator": discriminator}
        super().__init__(networks, optimizer, precision)

    def step(self, batch: Batch, number: int) -> Figures:
        """Trains both networks on a batch."""
        learns = (number + 1) % self.options.discriminator_steps == 0
        target = batch.tensor(batch.random.permutation(batch.vectors))
        with self._precision(target.device), torch.set_grad_enabled(learns):
            fake = self.generator(batch.real, target)
        figures = self._train_discriminator(batch, fake.detach())
        if learns:
            figures |= self._train_generator(batch, fake, target)
        return figures

    def _train_discriminator(self, batch: Batch, fake: Tensor) -> Figures:
        condition = batch.condition
        with self._precision(fake.device):
            real, seen = self.discriminator.score_and_classify(
                self.discriminator.embed(batch.real), condition
            )
            drawn = self.discriminator(fake, condition)
        known = classification_loss(self.conditions, wide(seen), condition)
        loss = self.loss.real(wide(real)) + self.loss.fake(wide(drawn))
        loss = loss + self.options.classify_real * known
        figures = {
            "d_real": wide(real.detach()).mean(),
            "d_fake": wide(drawn.detach()).mean(),
            "d_class": known.detach(),
        }
        if self.options.gp_weight:
            penalty = gradient_penalty(
                lambda images: self.discriminator(images, condition),
                batch.real,
                wide(fake),
                batch.shares(),
            )
            loss = loss + self.options.gp_weight * penalty
            figures["penalty"] = penalty.detach()
        self._descend("discriminator", loss)
        return {"d_loss": loss.detach(), **figures}

    def _train_generator(self, batch: Batch, fake: Tensor, target: Tensor) -> Figures:
        self.discriminator.requires_grad_(False)
        with self._precision(fake.device):
            scored, seen = self.discriminator.score_and_classify(
                self.discriminator.embed(fake), target
            )
            back = self.generator(fake, batch.condition)
        known = classification_loss(self.conditions, wide(seen), target)
        cycle = (wide(back) - batch.real).abs().mean()
        loss = (
            self.loss.generator(wide(scored))
            + self.options.classify_generator * known
            + self.options.cycle_weight * cycle
        )
        self._descend("generator", loss)
        self.discriminator.requires_grad_(True)
        return {
            "g_loss": loss.detach(),
            "g_class": known.detach(),
            "cycle": cycle.detach(),
        }
