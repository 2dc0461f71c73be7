"""Adversarial training: the discriminator learns from a batch, then the generator."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ganport_models import Discriminator, Generator
from ganport_runtime.conditions import Conditions
from ganport_train.backend.compilation import CompiledNetworks
from ganport_train.config.parsing import RecipeError
from ganport_train.config.sections import AugmentOptions, MethodOptions, OptimizerOptions
from ganport_train.methods.augmentation import Augmentation
from ganport_train.methods.condition_losses import DiversityLoss, change_one_group, check_groups
from ganport_train.methods.losses import (
    LOSSES,
    classification_loss,
    clip_weights,
    gradient_penalty,
    r1_penalty,
    with_label_smoothing,
)
from ganport_train.methods.method import (
    Batch,
    StepMetrics,
    TrainingMethod,
    to_float32,
    to_signed,
)

NO_AUGMENTATION = AugmentOptions()
_COUNTED = 1024  # images whose colors are counted


class AdversarialMethod(TrainingMethod):
    """A generator and a discriminator that are trained on one batch per step.

    Both networks use the same generated images (as in the DCGAN reference training), which saves
    one of two generator passes. Every step trains the discriminator once; every
    `discriminator_steps`-th step then trains the generator `generator_steps` times.

    `classifier` maps images (N, C, H, W) in [-1, 1] to outputs (N, condition_size). The generator
    learns from its loss, and it does not learn itself.
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        conditions: Conditions,
        method: MethodOptions,
        optimizer: OptimizerOptions,
        precision: str,
        augment: AugmentOptions = NO_AUGMENTATION,
        classifier: nn.Module | None = None,
    ) -> None:
        _check_options(method, discriminator, conditions)
        self.discriminator, self.conditions, self.options = discriminator, conditions, method
        self.compiled = CompiledNetworks(generator, discriminator)
        self.loss = with_label_smoothing(LOSSES[method.loss], method.label_smoothing)
        self.diversity = DiversityLoss(method.diversity_weight)
        networks: dict[str, nn.Module] = {"generator": generator, "discriminator": discriminator}
        super().__init__(networks, optimizer, precision)
        self.classifier = classifier
        if classifier is not None:
            # Among the modules, so that a checkpoint holds it.
            self.modules["classifier"] = classifier.requires_grad_(False).eval()
        self.augmentation = Augmentation(augment, conditions)
        if self.augmentation.transforms:
            device = next(generator.parameters()).device
            self.modules["augmentation"] = self.augmentation.to(device)

    def compile(self, mode: str) -> None:
        """Compile both networks' passes, except for penalties, with a mode of `training.compile`.

        Raises RecipeError if that is not possible, CompileError without a compiler.
        """
        self.compiled = self.compiled.compile(mode, self.processes.world_size)

    def prepare_data(
        self, images: NDArray[np.uint8], vectors: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> None:
        """Measure the diversity of real images, and give the generator their colors."""
        self.diversity.measure(images, vectors, rows)
        if count := self.generator.num_colors:
            self.generator.init_colors(frequent_colors(images, rows, count))

    def step(self, batch: Batch, number: int) -> StepMetrics:
        """Train both networks on a batch; return scalars for the log, still on the device."""
        self.compiled.mark_step()
        train_generator = (number + 1) % self.options.discriminator_steps == 0
        fake_conditions = self._fake_conditions(batch)
        fake = self._generate(batch, fake_conditions, train_generator)
        metrics = self._train_discriminator(batch, fake_conditions, fake.detach(), number)
        if train_generator:
            for repeat in range(self.options.generator_steps):
                fake = self._generate(batch, fake_conditions) if repeat else fake
                metrics |= self._train_generator(batch, fake_conditions, fake)
        return self.compiled.clone_outputs(metrics)

    def _fake_conditions(self, batch: Batch) -> Tensor:
        return self.diversity.fake_conditions(batch)

    def _inputs(self, batch: Batch) -> Tensor:
        return batch.noise(self.generator.z_shape)

    def _generate(self, batch: Batch, condition: Tensor, with_gradient: bool = True) -> Tensor:
        inputs = self._inputs(batch)
        with self._autocast(inputs.device), torch.set_grad_enabled(with_gradient):
            fake: Tensor = self.compiled.generator(inputs, condition)
        return fake

    def _train_discriminator(
        self, batch: Batch, fake_conditions: Tensor, fake: Tensor, number: int
    ) -> StepMetrics:
        condition = batch.condition
        real, fake = self.augmentation(batch.real, batch), self.augmentation(fake, batch)
        # Cached: spectral norms are computed once per step instead of once per pass.
        with self._autocast(fake.device), parametrize.cached():
            real_features, fake_features = self._embed_both(real, fake)
            real_logits, class_logits_real = self._discriminate(real_features, condition)
            fake_logits, class_logits_fake = self._discriminate(fake_features, fake_conditions)
            loss = self.loss.of_discriminator(to_float32(real_logits), to_float32(fake_logits))
            loss = loss + self._mismatch_loss(batch, real_features, to_float32(real_logits))
        readout = self.loss.readout
        metrics = {
            "d_real": readout(to_float32(real_logits.detach())).mean(),
            "d_fake": readout(to_float32(fake_logits.detach())).mean(),
        }
        if class_logits_real is not None and class_logits_fake is not None:
            class_loss = self._class_loss(class_logits_real, condition)
            metrics["d_class"] = class_loss.detach()
            class_term = self.options.classify_real * class_loss
            if self.options.classify_fake:
                fake_loss = self._class_loss(class_logits_fake, fake_conditions)
                class_term = class_term + self.options.classify_fake * fake_loss
            loss = loss + class_term
        loss = loss + self._penalty(batch, number, real, fake, fake_conditions, metrics)
        self._optimizer_step("discriminator", loss)
        if self.options.weight_clip:
            clip_weights(self.discriminator, self.options.weight_clip)
        if self.augmentation.transforms:
            logits = self.processes.all_gather(real_logits.detach())
            self.augmentation.adapt(logits, (number + 1) * len(logits))
            metrics["augmented"] = self.augmentation.probability.clone()
        return {"d_loss": loss.detach(), **metrics}

    def _mismatch_loss(self, batch: Batch, features: Tensor, logits: Tensor) -> Tensor | float:
        if not self.options.mismatch_weight:
            return 0.0
        # The hardest of several wrong conditions teaches the most (FaceNet, Schroff et al. 2015,
        # section 3.2): a cylinder's image with the label of a cube, not with that of a sphere.
        scores = [
            self.compiled.discriminator.score(features, batch.local_rows(vectors))
            for vectors in self._wrong_conditions(batch)
        ]
        mismatched = torch.stack(scores).amax(dim=0)
        return self.options.mismatch_weight * self.loss.of_mismatch(logits, to_float32(mismatched))

    def _wrong_conditions(self, batch: Batch) -> Iterator[NDArray[np.float32]]:
        for _ in range(self.options.mismatch_candidates):
            yield change_one_group(batch.all_conditions, self.conditions, batch.random)

    def _penalty(
        self,
        batch: Batch,
        number: int,
        real: Tensor,
        fake: Tensor,
        fake_conditions: Tensor,
        metrics: StepMetrics,
    ) -> Tensor | float:
        # In float32: second derivatives lose too much precision in bfloat16.
        def critic(condition: Tensor, images: Tensor) -> Tensor:
            features = self.discriminator.embed(self._to_discriminator_range(images))
            return self.discriminator.score(features, condition)

        total: Tensor | float = 0.0
        if self.options.gp_weight:
            mixed_critic = partial(critic, fake_conditions)
            penalty = gradient_penalty(mixed_critic, real, to_float32(fake), batch.uniform())
            metrics["penalty"] = penalty.detach()
            total = total + self.options.gp_weight * penalty
        if number % self.options.reg_interval == 0:
            for name, weight, condition, images in (
                ("r1", self.options.r1, batch.condition, real),
                ("r2", self.options.r2, fake_conditions, to_float32(fake)),
            ):
                if weight:
                    penalty = r1_penalty(partial(critic, condition), images)
                    metrics[name] = penalty.detach()
                    total = total + self.options.reg_interval * weight * penalty
        return total

    def _discriminate(self, features: Tensor, condition: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return logits, and class logits if the discriminator classifies."""
        discriminator = self.compiled.discriminator
        if discriminator.classifies:
            return discriminator.score_and_classify(features, condition)
        return discriminator.score(features, condition), None

    def _class_loss(self, class_logits: Tensor, condition: Tensor) -> Tensor:
        return classification_loss(self.conditions, to_float32(class_logits), condition)

    def _embed_both(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Return features of both, in one faster pass unless the network uses batch statistics."""
        if self.discriminator.uses_batch_statistics:
            return self._embed(real), self._embed(fake)
        both = self._embed(torch.cat([real, fake]))
        return both[: len(real)], both[len(real) :]

    def _embed(self, images: Tensor) -> Tensor:
        return self.compiled.discriminator.embed(self._to_discriminator_range(images))

    def _to_discriminator_range(self, images: Tensor) -> Tensor:
        return (images + 1) / 2 if self.options.unit_range else images

    def _train_generator(self, batch: Batch, fake_conditions: Tensor, fake: Tensor) -> StepMetrics:
        # The discriminator's weights need no gradient here, which saves time.
        self.discriminator.requires_grad_(False)
        with self._autocast(fake.device):
            features = self._embed(self.augmentation(fake, batch))
            logits, class_logits = self._discriminate(features, fake_conditions)
            real_logits = self._real_logits(batch)
            loss = self.loss.of_generator(to_float32(logits), real_logits)
        metrics = {"g_loss": loss.detach()}
        if class_logits is not None and self.options.classify_generator:
            class_loss = self._class_loss(class_logits, fake_conditions)
            loss = loss + self.options.classify_generator * class_loss
            metrics["g_class"] = class_loss.detach()
        loss = loss + self._further_losses(batch, fake, fake_conditions, metrics)
        self._optimizer_step("generator", loss)
        self.discriminator.requires_grad_(True)
        return metrics

    def _further_losses(
        self, batch: Batch, fake: Tensor, fake_conditions: Tensor, metrics: StepMetrics
    ) -> Tensor | float:
        classifier_loss = self._classifier_loss(fake, fake_conditions, metrics)
        return classifier_loss + self.diversity.loss(to_float32(fake), self.processes, metrics)

    def _classifier_loss(
        self, fake: Tensor, fake_conditions: Tensor, metrics: StepMetrics
    ) -> Tensor | float:
        """Return the weighted loss of generated images under the classifier."""
        if self.classifier is None:
            return 0.0
        with self._autocast(fake.device):
            class_logits = self.classifier(fake)
        class_loss = self._class_loss(class_logits, fake_conditions)
        metrics["g_classifier"] = class_loss.detach()
        return self.options.classifier_weight * class_loss

    def _real_logits(self, batch: Batch) -> Tensor | None:
        """Return the discriminator's new logits of real images, for a paired loss."""
        if not self.loss.paired:
            return None
        real = self.augmentation(batch.real, batch)
        with torch.no_grad():
            return to_float32(self._discriminate(self._embed(real), batch.condition)[0])


def frequent_colors(images: NDArray[np.uint8], rows: NDArray[np.int64], count: int) -> Tensor:
    """Return the most frequent colors (up to `count`, C) of images (N, H, W, C), in [-1, 1]."""
    chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), _COUNTED)).astype(np.int64)]
    pixels = images[chosen].reshape(-1, images.shape[-1])
    colors, counts = np.unique(pixels, axis=0, return_counts=True)
    frequent = torch.from_numpy(colors[np.argsort(-counts, kind="stable")[:count]])
    return to_signed(frequent[:, :, None, None])[:, :, 0, 0]


def _check_options(
    method: MethodOptions, discriminator: Discriminator, conditions: Conditions
) -> None:
    fix = "Change the recipe, or override it with --set."
    if method.mismatch_weight:
        check_groups(conditions)
        if not discriminator.conditional:
            place, expected = "method.mismatch_weight", "a discriminator with conditional logits"
            raise RecipeError(place, expected, type(discriminator).__name__, fix)
    if (method.gp_weight or method.r1 or method.r2) and discriminator.norm == "batch":
        place, expected = "method.gp_weight, r1, r2", "a discriminator without batch norm"
        raise RecipeError(place, expected, "network.norm = batch", fix)
    if method.diversity_weight and (LOSSES[method.loss].paired or method.gp_weight):
        expected = "generated images whose conditions may differ from those of the real ones"
        found = "method.gp_weight" if method.gp_weight else f"method.loss = {method.loss}"
        raise RecipeError("method.diversity_weight", expected, found, fix)
    if min(method.discriminator_steps, method.generator_steps) > 1:
        expected = "several steps of at most one network"
        raise RecipeError("method.generator_steps", expected, "several steps of both", fix)
