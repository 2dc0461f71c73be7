"""The training loop: steps, ticks, checkpoints and sheets, whatever the method."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ganport_models import Translator
from ganport_train.backend.distributed import ALONE, Processes
from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset
from ganport_train.engine import metrics_writer
from ganport_train.engine.batch_source import Feed
from ganport_train.engine.checkpoint_manager import Archive
from ganport_train.engine.collapse_monitor import Watch
from ganport_train.engine.ema import averaged
from ganport_train.engine.metrics_writer import NOWHERE, Ledger
from ganport_train.engine.validation import Scorer
from ganport_train.methods.build import build_method
from ganport_train.runs import checkpoint_io
from ganport_train.runs.recovery import (
    NEVER,
    Reload,
    lower_rates,
    reload_after,
)
from ganport_train.runs.run_dir import note_reload
from ganport_train.runs.step_metrics import DivergedError, Figures
from ganport_train.runs.stop_signal import Interrupt
from ganport_train.runs.tick_report import tick_line
from ganport_train.runs.train_state import Progress

if TYPE_CHECKING:
    from ganport_train.evaluation.judge.judge import Judge


class Trainer:
    """A run in memory: builds all it needs from recipe and data, trains to the recipe's length.

    With a judge the light scores are by its verdicts, else by pixels alone. Of several processes
    each trains on its share of every batch, and the leader alone scores, writes and keeps records.
    Raises RecipeError for a data set that the recipe cannot train on, a batch that the processes
    cannot share, or what cannot be compiled, CompileError for a machine without a compiler, and
    JudgeError for a judge of other conditions.
    """

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        dataset: Dataset,
        device: torch.device,
        say: Callable[[str], None],
        judge: Judge | None = None,
        processes: Processes = ALONE,
    ) -> None:
        self.folder, self.recipe, self.device, self.processes = folder, recipe, device, processes
        self.say = processes.quieted(say)
        share = processes.share(recipe.training.batch_size)
        torch.manual_seed(recipe.training.seed)
        self.method = build_method(recipe, dataset.conditions, device)
        generator = self.method.generator
        self.average = averaged(generator, recipe.ema, recipe.training.batch_size)
        self.method.join(processes)
        self.method.compile(recipe.training.compile)
        self.state = checkpoint_io.State(
            networks={**self.method.modules, "average": self.average},
            optimizers=self.method.optimizers,
        )
        train, _ = dataset.split(recipe.data.val_fraction)
        self.method.meet(dataset.images, dataset.vectors, train)
        self.feed = Feed(dataset.images, dataset.vectors, train, recipe, device, share)
        scorer = Scorer.of(
            dataset,
            train,
            recipe.logging.eval_images if processes.leads else 0,
            judge,
            device,
            translates=isinstance(generator, Translator),
        )
        self.watch = Watch(folder, recipe.logging, scorer, self.say)
        self.archive = Archive(
            folder,
            recipe,
            dataset.conditions,
            device,
            self.state,
            self.average,
            self.feed,
            self.watch,
            self.say,
        )
        self.progress = Progress(recipe.training.batch_size, len(train))
        self.reload = NEVER
        self._saved_step = -1

    @property
    def images(self) -> int:
        """Real pictures seen."""
        return self.progress.images

    def resume(self, reload: Reload = NEVER) -> None:
        """Takes up the newest whole checkpoint of the run, if there is one.

        `reload` is what came of a divergence of an earlier part, as the configuration has it.
        Raises CheckpointError when none is whole, and RecipeError when this recipe differs from
        the checkpoint's in more than what may change.
        """
        self.reload = reload
        with self.processes.united(leader_first=True):
            if self.archive.take_up(self.progress):
                self._saved_step = self.progress.step

    def train(self, interrupt: Interrupt) -> bool:
        """Trains until the length is reached or somebody interrupts; True when it is complete.

        Two collapsed scores in a row end it too, where the recipe says so: `watch.collapsed`. A
        first divergence is followed by a reload, where the recipe says so.
        Raises DivergedError when a loss or weight is no longer finite, CheckpointError when a
        checkpoint cannot be written, and LostProcessError when another process is gone.
        """
        try:
            with ExitStack() as opened:
                with self.processes.united():
                    self.processes.check_equal(self.method.networks.values())
                    records = self._ledger(opened)
                self._loop(interrupt, records)
        except DivergedError as error:
            self._recover(error)
            return self.train(interrupt)
        return self.complete

    def _recover(self, error: DivergedError) -> None:
        seconds = self.progress.seconds
        reload = reload_after(error, self.recipe.recovery, self.reload, self.folder)
        note_reload(self.folder, reload)
        if self.processes.count > 1:  # the others have ended by now
            raise error.advising("--resume goes on from there at lower rates.")
        self.say(f"diverged: {reload.reason}; goes on at {reload.lr_factor:g} of the rates")
        self.resume(reload)
        self.progress.seconds = seconds

    def _ledger(self, opened: ExitStack) -> Ledger:
        if not self.processes.leads:
            return NOWHERE
        tensorboard = self.recipe.logging.tensorboard
        return Ledger.opened(opened, self.folder, self.progress, tensorboard=tensorboard)

    def _loop(self, interrupt: Interrupt, records: Ledger) -> None:
        logging = self.recipe.logging
        begun = time.perf_counter() - self.progress.seconds
        ticked = saved = time.perf_counter()
        if self._saved_step < 0:
            self.save(records)
        while not self._over(interrupt):
            # Take the step.
            self.progress.advance(self._step())
            self.progress.seconds = time.perf_counter() - begun
            if self.progress.step % logging.log_interval:
                continue

            # Write the record of a tick.
            self._tick(time.perf_counter() - ticked, records)
            ticked = time.perf_counter()

            # Save a checkpoint and its sheet.
            if max(self.processes.most(ticked - saved)) >= 60 * logging.checkpoint_minutes:
                self.save(records)
                ticked = saved = time.perf_counter()
        if self.progress.window:
            self._tick(time.perf_counter() - ticked, records)
        if self.progress.step != self._saved_step:
            self.save(records)

    def _over(self, interrupt: Interrupt) -> bool:
        # All stop at the same step: by one clock, and when any of them is asked to.
        asked = interrupt.asked or self.watch.collapsed
        self.progress.seconds, stop = self.processes.most(self.progress.seconds, asked)
        return self.complete or stop > 0

    def _tick(self, seconds: float, records: Ledger) -> None:
        with self.processes.united():
            record = metrics_writer.tick(
                self.progress, seconds, self.folder, self.device, self.processes, self.reload
            )
        records.write(record)
        self.say(tick_line(record, self.recipe.length))

    def save(self, records: Ledger = NOWHERE) -> None:
        """Writes a checkpoint and, from its averaged generator, a sample sheet and a score."""
        with self.processes.united():
            self.processes.check_equal(self.method.networks.values())
            if self.processes.leads:
                self.archive.write(self.progress, self.reload, records.scores)
        self._saved_step = self.progress.step

    def _step(self) -> Figures:
        # For layers that draw numbers of their own, dropout for one: a function of the step too.
        seed = self.recipe.training.seed * 1_000_003 + self.progress.step
        seed += self.processes.rank << 40  # each for its own rows
        torch.manual_seed(seed % 2**63)
        step = self.progress.step
        self.method.set_rates(self.images)
        lower_rates(self.method.optimizers, self.reload.share_at(step))
        figures = self.method.step(self.feed.batch(step), step)
        self.average.update_parameters(self.method.generator)
        return figures

    @property
    def complete(self) -> bool:
        """Whether the recipe's length is reached."""
        return self.recipe.length.is_reached(self.images, self.progress.seconds)
