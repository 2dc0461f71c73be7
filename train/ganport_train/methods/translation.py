"""Image-to-image translation between domains: StarGAN (report 001, row B5)."""

from __future__ import annotations

import torch
from torch import Tensor

from ganport_models import Discriminator, Translator
from ganport_runtime.conditions import Conditions
from ganport_train.config.sections import MethodOptions, OptimizerOptions
from ganport_train.methods.losses import LOSSES, classification_loss, gradient_penalty
from ganport_train.methods.method import Batch, StepMetrics, TrainingMethod, to_float32


class TranslationMethod(TrainingMethod):
    """Adversarial loss, domain classification, and cycle loss (Choi et al. 2018, section 3.1).

    Every step trains the discriminator. Every `discriminator_steps`-th step also trains the
    generator.
    The target domains are a permutation of the batch's own, as in the code of the paper.
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

    def step(self, batch: Batch, number: int) -> StepMetrics:
        """Train both networks on a batch."""
        train_generator = (number + 1) % self.options.discriminator_steps == 0
        target = batch.local_rows(batch.random.permutation(batch.all_conditions))
        with self._autocast(target.device), torch.set_grad_enabled(train_generator):
            fake = self.generator(batch.real, target)
        metrics = self._train_discriminator(batch, fake.detach())
        if train_generator:
            metrics |= self._train_generator(batch, fake, target)
        return metrics

    def _train_discriminator(self, batch: Batch, fake: Tensor) -> StepMetrics:
        condition = batch.condition
        with self._autocast(fake.device):
            real_logits, class_logits = self.discriminator.score_and_classify(
                self.discriminator.embed(batch.real), condition
            )
            fake_logits = self.discriminator(fake, condition)
        class_loss = classification_loss(self.conditions, to_float32(class_logits), condition)
        loss = self.loss.real(to_float32(real_logits)) + self.loss.fake(to_float32(fake_logits))
        loss = loss + self.options.classify_real * class_loss
        metrics = {
            "d_real": to_float32(real_logits.detach()).mean(),
            "d_fake": to_float32(fake_logits.detach()).mean(),
            "d_class": class_loss.detach(),
        }
        if self.options.gp_weight:
            penalty = gradient_penalty(
                lambda images: self.discriminator(images, condition),
                batch.real,
                to_float32(fake),
                batch.uniform(),
            )
            loss = loss + self.options.gp_weight * penalty
            metrics["penalty"] = penalty.detach()
        self._optimizer_step("discriminator", loss)
        return {"d_loss": loss.detach(), **metrics}

    def _train_generator(self, batch: Batch, fake: Tensor, target: Tensor) -> StepMetrics:
        self.discriminator.requires_grad_(False)
        with self._autocast(fake.device):
            logits, class_logits = self.discriminator.score_and_classify(
                self.discriminator.embed(fake), target
            )
            reconstructed = self.generator(fake, batch.condition)
        class_loss = classification_loss(self.conditions, to_float32(class_logits), target)
        cycle_loss = (to_float32(reconstructed) - batch.real).abs().mean()
        loss = (
            self.loss.generator(to_float32(logits))
            + self.options.classify_generator * class_loss
            + self.options.cycle_weight * cycle_loss
        )
        self._optimizer_step("generator", loss)
        self.discriminator.requires_grad_(True)
        return {
            "g_loss": loss.detach(),
            "g_class": class_loss.detach(),
            "cycle": cycle_loss.detach(),
        }
