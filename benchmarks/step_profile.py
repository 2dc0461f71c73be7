"""A training step as the trainer runs it, and the time of each of its parts."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from timing import synchronized, time_interleaved

from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset
from ganport_train.engine.batch_source import BatchSource
from ganport_train.engine.ema import GeneratorEma
from ganport_train.methods.build import build_method


class Engine:
    """Batches, method and EMA of a run, as `Trainer` combines them."""

    def __init__(self, dataset: Dataset, recipe: Recipe, device: torch.device) -> None:
        torch.manual_seed(recipe.training.seed)
        self.method = build_method(recipe, dataset.conditions, device)
        self.method.compile(recipe.training.compile)
        self.ema = GeneratorEma(self.method.generator, recipe.ema, recipe.training.batch_size)
        rows, _ = dataset.split(recipe.data.val_fraction)
        self.method.prepare_data(dataset.images, dataset.vectors, rows)
        self.batches = BatchSource(dataset.images, dataset.vectors, rows, recipe, device)
        self.device, self.number = device, 0

    def step(self) -> None:
        """Run a step as the trainer does."""
        torch.manual_seed(self.number)
        self.train_batch()
        self.update_ema()

    def train_batch(self) -> None:
        """Load a batch and run the step of the method."""
        self.method.step(self.batches.batch(self.number), self.number)
        self.number += 1

    def train_first_batch(self) -> None:
        """Run step 0; with two discriminator steps it trains the discriminator only."""
        self.method.step(self.batches.batch(0), 0)

    def load_batch(self) -> None:
        """Load a batch."""
        self.batches.batch(self.number)
        self.number += 1

    def update_ema(self) -> None:
        """Update the EMA once."""
        self.ema.update_parameters(self.method.generator)


@dataclass(frozen=True)
class StepProfile:
    """Seconds of the parts of a step, and of the whole step."""

    title: str
    parts: Mapping[str, float]
    whole: float

    def line(self) -> str:
        """Return a row of the report, with a fraction of the step for each part."""
        parts = (f"{name} {seconds / self.whole:.1%}" for name, seconds in self.parts.items())
        return f"{self.title:<58} {1e3 * self.whole:>9.2f} ms: {', '.join(parts)}"


def profile_step(
    dataset: Dataset, recipe: Recipe, device: torch.device, rounds: int
) -> StepProfile:
    """Return the parts of a step, as differences of whole steps with and without a part.

    Timing inside a step would measure the launches of a GPU, not its work.
    """
    plain = replace(recipe, method=replace(recipe.method, gp_weight=0.0, r1=0.0, r2=0.0))
    method = replace(plain.method, discriminator_steps=2, generator_steps=1)
    variants = (recipe, plain, replace(plain, method=method))
    full, without_penalties, only_discriminator = (
        Engine(dataset, variant, device) for variant in variants
    )
    works = (
        full.step,
        without_penalties.train_batch,
        only_discriminator.train_first_batch,
        without_penalties.load_batch,
        without_penalties.update_ema,
    )
    columns = time_interleaved([synchronized(work, device) for work in works], rounds)
    step, both, discriminator, data, ema = map(statistics.median, columns)
    parts = {
        "data": data,
        "discriminator": discriminator - data,
        "generator": both - discriminator,
        "penalties": max(0.0, step - both - ema) if recipe != plain else 0.0,
        "EMA": ema,
    }
    return StepProfile(f"{recipe.title}: parts of a step", parts, step)
