"""Image-to-image translation between domains: StarGAN (report 001, row B5)."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from ganport_models import Discriminator, Translator
from ganport_runtime.conditions import Conditions
from ganport_train.backend.compilation import reject_compile
from ganport_train.config.sections import MethodOptions, OptimizerOptions
from ganport_train.methods.adversarial import AdversarialMethod
from ganport_train.methods.method import Batch, StepMetrics, to_float32


class TranslationMethod(AdversarialMethod):
    """Adversarial training of a translator with a cycle loss (Choi et al. 2018, section 3.1).

    The generator takes real images, and the classifier learns from real images only. The target
    domains are a permutation of the batch's own, as in the code of the paper.
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
        method = replace(method, classify_fake=0.0, diversity_weight=0.0)
        super().__init__(generator, discriminator, conditions, method, optimizer, precision)

    def compile(self, mode: str) -> None:
        """Raise RecipeError for a mode other than `none`."""
        reject_compile(mode)

    def _fake_conditions(self, batch: Batch) -> Tensor:
        return batch.local_rows(batch.random.permutation(batch.all_conditions))

    def _inputs(self, batch: Batch) -> Tensor:
        return batch.real

    def _further_losses(
        self, batch: Batch, fake: Tensor, fake_conditions: Tensor, metrics: StepMetrics
    ) -> Tensor | float:
        with self._autocast(fake.device):
            reconstructed = self.generator(fake, batch.condition)
        cycle_loss = (to_float32(reconstructed) - batch.real).abs().mean()
        metrics["cycle"] = cycle_loss.detach()
        return self.options.cycle_weight * cycle_loss
