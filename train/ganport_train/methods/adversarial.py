"""One adversarial step: the discriminator learns from a batch, then the generator from it."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils import parametrize

from ganport_models import Discriminator, Generator
from ganport_runtime.conditions import Conditions
from ganport_train.backend.compiled import CompiledNetworks
from ganport_train.config.parsing import RecipeError
from ganport_train.config.sections import AugmentOptions, MethodOptions, OptimizerOptions
from ganport_train.methods.augmentation import Augmentation
from ganport_train.methods.batch import Batch
from ganport_train.methods.classification import classification_loss
from ganport_train.methods.diversity import Variety
from ganport_train.methods.losses import LOSSES, smoothed
from ganport_train.methods.method import Figures, Method, wide
from ganport_train.methods.mismatch import change_one_group, check_groups
from ganport_train.methods.penalties import centred_penalty, clip_weights, gradient_penalty

PLAIN = AugmentOptions()
"""Pictures as they are."""


class Adversarial(Method):
    """The networks, their optimisers, and the step that trains both on one batch.

    One set of fakes serves both networks (as in the DCGAN reference training), which saves a
    generator pass out of two. Every step trains the discriminator once; the generator follows at
    every `discriminator_steps`-th, then `generator_steps` times.
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        conditions: Conditions,
        method: MethodOptions,
        optimizer: OptimizerOptions,
        precision: str,
        augment: AugmentOptions = PLAIN,
    ) -> None:
        _check(method, discriminator, conditions)
        self.discriminator, self.conditions, self.options = discriminator, conditions, method
        self.compiled = CompiledNetworks(generator, discriminator)
        self.loss = smoothed(LOSSES[method.loss], method.label_smoothing)
        self.variety = Variety(method.diversity_weight)
        networks = {"generator": generator, "discriminator": discriminator}
        super().__init__(networks, optimizer, precision)
        self.augmentation = Augmentation(augment, conditions)
        if self.augmentation.changes:
            device = next(generator.parameters()).device
            self.modules["augmentation"] = self.augmentation.to(device)

    def compile(self, how: str) -> None:
        """From here on runs both networks' passes, but for penalties, as `training.compile` has it.

        Raises RecipeError where that cannot be, CompileError on a machine without a compiler.
        """
        self.compiled = self.compiled.compile(how, self.processes.world_size)

    def meet(
        self, images: NDArray[np.uint8], vectors: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> None:
        """Measures the variety that drawn pictures shall have, where the recipe asks for it."""
        self.variety.measure(images, vectors, rows)

    def step(self, batch: Batch, number: int) -> Figures:
        """Trains both networks on a batch; returns scalars for the log, still on the device."""
        self.compiled.mark_step()
        learns = (number + 1) % self.options.discriminator_steps == 0
        asked = self.variety.asked(batch)
        fake = self._draw(batch, asked, learns)
        figures = self._train_discriminator(batch, asked, fake.detach(), number)
        if learns:
            for repeat in range(self.options.generator_steps):
                fake = self._draw(batch, asked) if repeat else fake
                figures |= self._train_generator(batch, asked, fake)
        return self.compiled.clone_outputs(figures)

    def _draw(self, batch: Batch, condition: Tensor, learns: bool = True) -> Tensor:
        z = batch.noise(self.generator.z_shape)
        with self._precision(z.device), torch.set_grad_enabled(learns):
            fake: Tensor = self.compiled.generator(z, condition)
        return fake

    def _train_discriminator(
        self, batch: Batch, asked: Tensor, fake: Tensor, number: int
    ) -> Figures:
        condition = batch.condition
        real, fake = self.augmentation(batch.real, batch), self.augmentation(fake, batch)
        # Cached: the spectral norms are worked out once a step, not once a pass.
        with self._precision(fake.device), parametrize.cached():
            features, fake_features = self._embed(real, fake)
            scores, seen = self._judge(features, condition)
            drawn, seen_drawn = self._judge(fake_features, asked)
            loss = self.loss.of_discriminator(wide(scores), wide(drawn))
            loss = loss + self._mismatch(batch, features, wide(scores))
        readout = self.loss.readout
        figures = {
            "d_real": readout(wide(scores.detach())).mean(),
            "d_fake": readout(wide(drawn.detach())).mean(),
        }
        loss = loss + self._classes(seen, seen_drawn, condition, asked, figures)
        loss = loss + self._penalty(batch, number, real, fake, asked, figures)
        self._descend("discriminator", loss)
        if self.options.weight_clip:
            clip_weights(self.discriminator, self.options.weight_clip)
        if self.augmentation.changes:
            judged = self.processes.all_gather(scores.detach())
            self.augmentation.adapt(judged, (number + 1) * len(judged))
            figures["augmented"] = self.augmentation.probability.clone()
        return {"d_loss": loss.detach(), **figures}

    def _mismatch(self, batch: Batch, features: Tensor, scores: Tensor) -> Tensor | float:
        if not self.options.mismatch_weight:
            return 0.0
        vectors = change_one_group(batch.vectors, self.conditions, batch.random)
        wrong = self.compiled.discriminator.score(features, batch.tensor(vectors))
        return self.options.mismatch_weight * self.loss.of_mismatch(scores, wide(wrong))

    def _classes(
        self,
        real: Tensor | None,
        drawn: Tensor | None,
        condition: Tensor,
        asked: Tensor,
        figures: Figures,
    ) -> Tensor | float:
        if real is None or drawn is None:
            return 0.0
        known = self._classify(real, condition)
        figures["d_class"] = known.detach()
        loss = self.options.classify_real * known
        if self.options.classify_fake:
            loss = loss + self.options.classify_fake * self._classify(drawn, asked)
        return loss

    def _penalty(
        self,
        batch: Batch,
        number: int,
        real: Tensor,
        fake: Tensor,
        asked: Tensor,
        figures: Figures,
    ) -> Tensor | float:
        # In float32: a gradient of a gradient loses too much in bfloat16.
        def critic(condition: Tensor, images: Tensor) -> Tensor:
            features = self.discriminator.embed(self._shown(images))
            return self.discriminator.score(features, condition)

        total: Tensor | float = 0.0
        if self.options.gp_weight:
            mixed = partial(critic, asked)
            penalty = gradient_penalty(mixed, real, wide(fake), batch.shares())
            figures["penalty"] = penalty.detach()
            total = total + self.options.gp_weight * penalty
        if number % self.options.reg_interval == 0:
            for name, weight, condition, images in (
                ("r1", self.options.r1, batch.condition, real),
                ("r2", self.options.r2, asked, wide(fake)),
            ):
                if weight:
                    penalty = centred_penalty(partial(critic, condition), images)
                    figures[name] = penalty.detach()
                    total = total + self.options.reg_interval * weight * penalty
        return total

    def _judge(self, features: Tensor, condition: Tensor) -> tuple[Tensor, Tensor | None]:
        judging = self.compiled.discriminator
        if judging.classifies:
            return judging.score_and_classify(features, condition)
        return judging.score(features, condition), None

    def _classify(self, seen: Tensor, condition: Tensor) -> Tensor:
        return classification_loss(self.conditions, wide(seen), condition)

    def _embed(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Features of both; in one pass where that changes nothing, since it is faster."""
        if self.discriminator.uses_batch_statistics:
            return self._embed_one(real), self._embed_one(fake)
        both = self._embed_one(torch.cat([real, fake]))
        return both[: len(real)], both[len(real) :]

    def _embed_one(self, images: Tensor) -> Tensor:
        return self.compiled.discriminator.embed(self._shown(images))

    def _shown(self, images: Tensor) -> Tensor:
        return (images + 1) / 2 if self.options.unit_range else images

    def _train_generator(self, batch: Batch, asked: Tensor, fake: Tensor) -> Figures:
        # The discriminator's weights need no gradient here; leaving them out saves their share.
        self.discriminator.requires_grad_(False)
        with self._precision(fake.device):
            logits, seen = self._judge(self._embed_one(self.augmentation(fake, batch)), asked)
            loss = self.loss.of_generator(wide(logits), self._pairs(batch, asked))
        figures = {"g_loss": loss.detach()}
        if seen is not None and self.options.classify_generator:
            known = self._classify(seen, asked)
            loss = loss + self.options.classify_generator * known
            figures["g_class"] = known.detach()
        loss = loss + self.variety.loss(wide(fake), self.processes, figures)
        self._descend("generator", loss)
        self.discriminator.requires_grad_(True)
        return figures

    def _pairs(self, batch: Batch, condition: Tensor) -> Tensor | None:
        """What the discriminator now gives the real pictures, for a loss of pairs."""
        if not self.loss.paired:
            return None
        real = self.augmentation(batch.real, batch)
        with torch.no_grad():
            return wide(self._judge(self._embed_one(real), condition)[0])


def _check(method: MethodOptions, discriminator: Discriminator, conditions: Conditions) -> None:
    if method.mismatch_weight:
        check_groups(conditions)
        if not discriminator.conditional:
            seeing = "a discriminator whose score sees the condition"
            raise _unfit("method.mismatch_weight", seeing, type(discriminator).__name__)
    if (method.gp_weight or method.r1 or method.r2) and discriminator.norm == "batch":
        raise _unfit(
            "method.gp_weight, r1, r2", "a discriminator without batch norm", "network.norm = batch"
        )
    if method.diversity_weight and (LOSSES[method.loss].paired or method.gp_weight):
        raise _unfit(
            "method.diversity_weight",
            "drawn pictures whose conditions need not be those of the real ones",
            "method.gp_weight" if method.gp_weight else f"method.loss = {method.loss}",
        )
    if min(method.discriminator_steps, method.generator_steps) > 1:
        raise _unfit(
            "method.generator_steps",
            "several steps of one network for one of the other",
            "several of both",
        )


def _unfit(place: str, expected: str, found: str) -> RecipeError:
    return RecipeError(place, expected=expected, found=found, fix="Mend the recipe, or use --set.")
