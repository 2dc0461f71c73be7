"""A step of the engine as the trainer takes it, and what each part of it costs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from timing import synchronized, time_interleaved

from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset
from ganport_train.engine.batch_source import BatchSource
from ganport_train.engine.ema import build_ema
from ganport_train.methods.build import build_method


class Engine:
    """BatchSource, method and average of a run, as `Trainer` puts them together."""

    def __init__(self, dataset: Dataset, recipe: Recipe, device: torch.device) -> None:
        torch.manual_seed(recipe.training.seed)
        self.method = build_method(recipe, dataset.conditions, device)
        self.method.compile(recipe.training.compile)
        self.average = build_ema(self.method.generator, recipe.ema, recipe.training.batch_size)
        rows, _ = dataset.split(recipe.data.val_fraction)
        self.method.prepare_data(dataset.images, dataset.vectors, rows)
        self.batches = BatchSource(dataset.images, dataset.vectors, rows, recipe, device)
        self.device, self.number = device, 0

    def step(self) -> None:
        """What the trainer does at a step."""
        torch.manual_seed(self.number)
        self.learn()
        self.mean()

    def learn(self) -> None:
        """A batch, and what the method does with it."""
        self.method.step(self.batches.batch(self.number), self.number)
        self.number += 1

    def judge(self) -> None:
        """A batch from which the discriminator alone learns, if the recipe gives it two steps."""
        self.method.step(self.batches.batch(0), 0)

    def fetch(self) -> None:
        """A batch that nobody looks at."""
        self.batches.batch(self.number)
        self.number += 1

    def mean(self) -> None:
        """The running average, once."""
        self.average.update_parameters(self.method.generator)


@dataclass(frozen=True)
class Spending:
    """Seconds that the parts of a step take, and of the whole."""

    title: str
    parts: Mapping[str, float]
    whole: float

    def line(self) -> str:
        """One row of the report: a share of the step for each part."""
        shares = (f"{name} {seconds / self.whole:.1%}" for name, seconds in self.parts.items())
        return f"{self.title:<58} {1e3 * self.whole:>9.2f} ms: {', '.join(shares)}"


def measure(dataset: Dataset, recipe: Recipe, device: torch.device, rounds: int) -> Spending:
    """What a step spends, by differences of whole steps with a part and without it.

    A step without its penalties is taken off one with them, and one in which the discriminator
    alone learns off one in which both do: nothing is timed from the inside, where a GPU is asked
    for more than it has done.
    """
    plain = replace(recipe, method=replace(recipe.method, penalty=0.0, r1=0.0, r2=0.0))
    alone = replace(plain, method=replace(plain.method, discriminator_steps=2, generator_steps=1))
    engines = [Engine(dataset, variant, device) for variant in (recipe, plain, alone)]
    whole, bare, single = engines
    works = (whole.step, bare.learn, single.judge, bare.fetch, bare.mean)
    columns = time_interleaved([synchronized(work, device) for work in works], rounds)
    step, learn, judge, fetch, mean = map(statistics.median, columns)
    parts = {
        "data": fetch,
        "discriminator": judge - fetch,
        "generator": learn - judge,
        "penalties": max(0.0, step - learn - mean) if recipe != plain else 0.0,
        "average": mean,
    }
    return Spending(f"{recipe.title}: parts of a step", parts, step)
