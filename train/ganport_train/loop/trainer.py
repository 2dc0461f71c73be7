"""The training loop: steps, ticks, checkpoints and sheets, whatever the method."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ganport_models import build_discriminator, build_generator
from ganport_models.choice import FOLDER, newest
from ganport_train.data import Dataset
from ganport_train.loop import samples, snapshots
from ganport_train.loop.average import averaged, ready
from ganport_train.loop.device import memory_gib
from ganport_train.loop.feed import Feed
from ganport_train.loop.figures import Figures, check_weights, means
from ganport_train.loop.folder import SAMPLES, check_same
from ganport_train.loop.interrupt import Interrupt
from ganport_train.loop.records import Records
from ganport_train.loop.report import Board, tick_line
from ganport_train.methods.adversarial import Adversarial
from ganport_train.options import RecipeError
from ganport_train.recipe import Recipe


@dataclass
class Progress:
    """How far a run has come."""

    step: int = 0
    seconds: float = 0.0
    """Time spent training, resumed parts counted in."""
    window: list[Figures] = field(default_factory=list)
    """Figures of the steps since the last tick."""


class Trainer:
    """A run in memory: builds all it needs from recipe and data, trains to the recipe's length."""

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        dataset: Dataset,
        device: torch.device,
        say: Callable[[str], None],
    ) -> None:
        self.folder, self.recipe, self.device, self.say = folder, recipe, device, say
        self.conditions = dataset.conditions
        self.shape = recipe.shape(dataset.conditions)
        torch.manual_seed(recipe.training.seed)
        generator = build_generator(recipe.network.generator, self.shape)
        discriminator = build_discriminator(recipe.network.discriminator, self.shape)
        for network in (generator, discriminator):
            network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.method = Adversarial(
            generator, discriminator, recipe.method, recipe.optimizer, recipe.training.precision
        )
        self.average = averaged(generator, recipe.average, recipe.training.batch)
        self.state = snapshots.State(
            networks={
                "generator": generator,
                "discriminator": discriminator,
                "average": self.average,
            },
            optimizers=self.method.optimizers,
        )
        train, _ = dataset.split(recipe.data.held_out)
        _check_any(len(train), len(dataset), recipe.data.held_out)
        self.feed = Feed(
            dataset.images,
            dataset.vectors,
            train,
            dataset.conditions,
            recipe,
            generator.z_shape,
            device,
        )
        self.progress = Progress()
        self._saved_step = -1

    @property
    def images(self) -> int:
        """Real pictures seen."""
        return self.progress.step * self.recipe.training.batch

    def resume(self) -> None:
        """Takes up the newest whole checkpoint of the run, if there is one.

        Raises CheckpointError when none is whole, and RecipeError when this recipe differs from
        the checkpoint's in more than what may change.
        """
        snapshots.sweep(self.folder)
        if not any((self.folder / FOLDER).glob("[0-9]*")):
            return
        checkpoint, card = newest(self.folder)
        check_same(card.get("recipe", {}), self.recipe.to_json(), str(checkpoint))
        self.state.load(checkpoint)
        self.progress = Progress(step=int(card["step"]), seconds=float(card.get("seconds", 0)))
        self._saved_step = self.progress.step
        self.say(f"resumed at step {self.progress.step:,} from {checkpoint}")
        for aside in snapshots.set_aside_newer(checkpoint):
            self.say(f"set aside {aside}: it is torn, or of a newer ganport")

    def train(self, interrupt: Interrupt) -> bool:
        """Trains until the length is reached or somebody interrupts; True when it is complete.

        Raises DivergedError when a loss or weight is no longer finite, and CheckpointError when
        a checkpoint cannot be written.
        """
        with Records(self.folder, self.progress.step) as records, self._board() as board:
            self._loop(interrupt, [records, *([board] if board else [])])
        return self.complete

    def _loop(self, interrupt: Interrupt, logs: Sequence[Records | Board]) -> None:
        logging = self.recipe.logging
        begun = time.perf_counter() - self.progress.seconds
        ticked = saved = time.perf_counter()
        if self._saved_step < 0:
            self.save()
        while not self.complete and not interrupt.asked:
            # Take the step.
            self.progress.window.append(self._step())
            self.progress.step += 1
            self.progress.seconds = time.perf_counter() - begun
            if self.progress.step % logging.tick:
                continue

            # Write the record of a tick.
            self._tick(time.perf_counter() - ticked, logs)
            ticked = time.perf_counter()

            # Save a checkpoint and its sheet.
            if ticked - saved >= 60 * logging.save_minutes:
                self.save()
                ticked = saved = time.perf_counter()
        if self.progress.window:
            self._tick(time.perf_counter() - ticked, logs)
        if self.progress.step != self._saved_step:
            self.save()

    def _tick(self, seconds: float, logs: Sequence[Records | Board]) -> None:
        record = self._record(seconds)
        for log in logs:
            log.write(record)
        self.say(tick_line(record, self.recipe.length))

    def _board(self) -> AbstractContextManager[Board | None]:
        return Board(self.folder, self.images) if self.recipe.logging.tensorboard else nullcontext()

    def save(self) -> Path:
        """Writes a checkpoint and, from its averaged generator, a sample sheet."""
        generator = ready(self.average, *self.feed.refresh(self.recipe.average.refresh))
        check_weights(generator.state_dict(), self.progress.step, self.folder)
        # The sheet comes first: a kill in between must not lose it for good.
        sheet = self.folder / SAMPLES / f"{self.images:09d}.png"
        note = f"{self.recipe.title}, {self.images:,} pictures seen"
        samples.save(sheet, generator, self.conditions, self.device, note)
        folder = snapshots.save(
            self.folder, self.state, generator, self._card(), keep=self.recipe.logging.keep
        )
        self._saved_step = self.progress.step
        self.say(f"saved {folder.relative_to(self.folder)} and {sheet.relative_to(self.folder)}")
        return folder

    def _step(self) -> Figures:
        # For layers that draw numbers of their own, dropout for one: a function of the step too.
        seed = self.recipe.training.seed * 1_000_003 + self.progress.step
        torch.manual_seed(seed % 2**63)
        figures = self.method.step(self.feed.batch(self.progress.step))
        self.average.update_parameters(self.method.generator)
        return figures

    @property
    def complete(self) -> bool:
        """Whether the recipe's length is reached."""
        length = self.recipe.length
        bound = length.minutes * 60 or math.inf
        return self.images >= length.images or self.progress.seconds >= bound

    def _record(self, seconds: float) -> dict[str, Any]:
        """The figures of the steps since the last tick, averaged; raises DivergedError."""
        window, self.progress.window = self.progress.window, []
        return {
            "step": self.progress.step,
            "images": self.images,
            **means(window, self.progress.step, self.folder),
            "images_per_second": round(len(window) * self.recipe.training.batch / seconds, 1),
            "seconds": round(self.progress.seconds, 2),
            "memory_gib": round(memory_gib(self.device), 3),
        }

    def _card(self) -> dict[str, Any]:
        return {
            "step": self.progress.step,
            "images": self.images,
            "seconds": self.progress.seconds,
            "architecture": self.recipe.network.generator,
            "shape": self.shape.to_json(),
            "conditions": self.conditions.to_json(),
            "recipe": self.recipe.to_json(),
        }


def _check_any(count: int, total: int, held_out: float) -> None:
    if not count:
        raise RecipeError(
            "data.held_out",
            expected="at least one picture left to train on",
            found=f"none of {total}, with a share of {held_out:g} held out",
            fix="Set data.held_out=0, or bring more pictures.",
        )
