"""The training loop: steps, ticks, checkpoints and sheets, whatever the method."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganport_models import build_discriminator, build_generator
from ganport_models.checkpoint import FOLDER, latest, read_card
from ganport_runtime.errors import GanportError
from ganport_train.data import Dataset
from ganport_train.loop import samples, snapshots
from ganport_train.loop.average import averaged, ready
from ganport_train.loop.device import memory_gib
from ganport_train.loop.feed import Feed
from ganport_train.loop.folder import SAMPLES
from ganport_train.loop.interrupt import Interrupt
from ganport_train.loop.records import Records
from ganport_train.loop.report import Board, tick_line
from ganport_train.methods.adversarial import Adversarial
from ganport_train.recipe import Recipe


class DivergedError(GanportError):
    """A loss or weight that is no longer a finite number."""

    exit_code = 3


@dataclass
class Progress:
    """How far a run has come."""

    step: int = 0
    seconds: float = 0.0
    """Time spent training, resumed parts counted in."""
    window: list[dict[str, Tensor]] = field(default_factory=list)
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
        """Takes up the newest whole checkpoint of the run, if there is one."""
        snapshots.sweep(self.folder)
        if not any((self.folder / FOLDER).glob("[0-9]*")):
            return
        checkpoint = latest(self.folder)
        card = read_card(checkpoint)
        self.state.load(checkpoint)
        self.progress = Progress(step=int(card["step"]), seconds=float(card["seconds"]))
        self._saved_step = self.progress.step
        self.say(f"resumed at step {self.progress.step:,} from {checkpoint}")

    def train(self, interrupt: Interrupt) -> bool:
        """Trains until the length is reached or somebody interrupts; True when it is complete.

        Raises DivergedError when a loss is no longer finite.
        """
        with Records(self.folder, self.progress.step) as records, self._board() as board:
            self._loop(interrupt, [records, *([board] if board else [])])
        return self._complete()

    def _loop(self, interrupt: Interrupt, logs: Sequence[Records | Board]) -> None:
        logging = self.recipe.logging
        begun = time.perf_counter() - self.progress.seconds
        ticked = saved = time.perf_counter()
        if self.progress.step == 0:
            self.save()
        while not self._complete() and not interrupt.asked:
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
        return Board(self.folder) if self.recipe.logging.tensorboard else nullcontext()

    def save(self) -> Path:
        """Writes a checkpoint and, from its averaged generator, a sample sheet."""
        generator = ready(self.average, *self.feed.refresh(self.recipe.average.refresh))
        self._check_weights(generator.state_dict())
        folder = snapshots.save(
            self.folder, self.state, generator, self._card(), keep=self.recipe.logging.keep
        )
        sheet = self.folder / SAMPLES / f"{self.images:09d}.png"
        note = f"{self.recipe.title}, {self.images:,} pictures seen"
        samples.save(sheet, generator, self.conditions, self.device, note)
        self._saved_step = self.progress.step
        self.say(f"saved {folder.relative_to(self.folder)} and {sheet.relative_to(self.folder)}")
        return folder

    def _step(self) -> dict[str, Tensor]:
        # For layers that draw numbers of their own, dropout for one: a function of the step too.
        torch.manual_seed(self.recipe.training.seed * 1_000_003 + self.progress.step)
        figures = self.method.step(self.feed.batch(self.progress.step))
        self.average.update_parameters(self.method.generator)
        return figures

    def _complete(self) -> bool:
        length = self.recipe.length
        bound = length.minutes * 60 or math.inf
        return self.images >= length.images or self.progress.seconds >= bound

    def _record(self, seconds: float) -> dict[str, Any]:
        """The figures of the steps since the last tick, averaged; raises DivergedError."""
        window, self.progress.window = self.progress.window, []
        means: dict[str, float] = {}
        for name in window[0]:
            values = torch.stack([figures[name] for figures in window]).double().cpu()
            self._check_figures(name, values)
            means[name] = round(float(values.mean()), 6)
        return {
            "step": self.progress.step,
            "images": self.images,
            **means,
            "images_per_second": round(len(window) * self.recipe.training.batch / seconds, 1),
            "seconds": round(self.progress.seconds, 2),
            "memory_gib": round(memory_gib(self.device), 3),
        }

    def _check_figures(self, name: str, values: Tensor) -> None:
        broken = torch.nonzero(~torch.isfinite(values))
        if len(broken):
            step = self.progress.step - len(values) + int(broken[0]) + 1
            raise self._diverged(f"{name} at step {step}", str(float(values[broken[0]])))

    def _check_weights(self, weights: Mapping[str, Tensor]) -> None:
        for name, value in weights.items():
            if not bool(torch.isfinite(value).all()):
                raise self._diverged(
                    f"weight {name} at step {self.progress.step}", "NaN or infinity"
                )

    def _diverged(self, place: str, found: str) -> DivergedError:
        kept = sorted((self.folder / FOLDER).glob("[0-9]*"))
        last = f"The last good checkpoint is {kept[-1]}. " if kept else ""
        return DivergedError(
            place,
            expected="a finite number",
            found=found,
            fix=f"{last}Start anew with lower rates (--set optimizer.generator_rate=1e-4 --set "
            "optimizer.discriminator_rate=1e-4) or in fp32 (--set training.precision=fp32).",
        )

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
