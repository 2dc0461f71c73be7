"""The training loop of every method: steps, metrics, checkpoints and sample grids."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganport_models import Flow, Generator, Translator
from ganport_train.backend.device import peak_memory_gib
from ganport_train.backend.distributed import SINGLE, ProcessGroup
from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset
from ganport_train.engine import sample_grids
from ganport_train.engine.batch_source import BatchSource
from ganport_train.engine.classifier import load_classifier
from ganport_train.engine.collapse_monitor import CollapseMonitor
from ganport_train.engine.ema import GeneratorEma, finalize_ema
from ganport_train.engine.validation import CheckpointEvaluator
from ganport_train.engine.warm_start import WarmStart
from ganport_train.methods.build import build_method
from ganport_train.methods.flow import DIRECTION_IMAGES, measure_directions
from ganport_train.runs.checkpoint_manager import CheckpointManager, ModelState
from ganport_train.runs.metrics import NULL_WRITER, MetricsWriter, format_tick
from ganport_train.runs.run_dir import SAMPLES, save_rollback
from ganport_train.runs.train_state import (
    NO_ROLLBACK,
    DivergedError,
    Rollback,
    StepMetrics,
    StopSignal,
    TrainState,
    check_finite,
    mean_metrics,
    plan_rollback,
    scale_lr,
)

if TYPE_CHECKING:
    from ganport_train.evaluation.judge.judge import Judge


class Trainer:
    """A run in memory, built from a recipe and a data set.

    A judge scores the checkpoints; without a judge the scores compare pixels. Of several ranks
    each trains on its rows of every batch, and rank 0 scores and writes. Raise RecipeError for a
    data set that the recipe cannot use, a batch that the ranks cannot share, or a compile mode that
    is not available; CompileError without a compiler; and JudgeError for a judge of other
    conditions.
    """

    def __init__(
        self,
        run: Path,
        recipe: Recipe,
        dataset: Dataset,
        device: torch.device,
        log: Callable[[str], None],
        judge: Judge | None = None,
        processes: ProcessGroup = SINGLE,
    ) -> None:
        recipe = recipe.with_image(dataset.image)
        self.run, self.recipe, self.device, self.processes = run, recipe, device, processes
        self.image = dataset.image
        self.log = processes.main_only(log)
        self.conditions = dataset.conditions
        local_rows = processes.local_rows(recipe.training.batch_size)
        torch.manual_seed(recipe.training.seed)
        classifier = load_classifier(
            recipe.method.classifier, dataset, device, recipe.data.mirror, self.log
        )
        self.method = build_method(recipe, dataset.conditions, device, classifier)
        train, _ = dataset.split(recipe.data.val_fraction)
        self.method.prepare_data(dataset.images, dataset.vectors, train)
        self.ema = GeneratorEma(self.method.generator, recipe.ema, recipe.training.batch_size)
        self.method.set_process_group(processes)
        self.method.compile(recipe.training.compile)
        # "average" is the name of the EMA in the files of schema 1 and 2.
        networks = {**self.method.modules, "average": self.ema}
        self.model = ModelState(networks, self.method.optimizers)
        self.batches = BatchSource(
            dataset.images, dataset.vectors, train, recipe, device, local_rows
        )
        evaluator = CheckpointEvaluator.build(
            dataset,
            train,
            recipe.logging.eval_images if processes.is_main else 0,
            judge,
            translates=isinstance(self.method.generator, Translator),
        )
        self.monitor = CollapseMonitor(run, recipe.logging, evaluator, self.log)
        self.checkpoints = CheckpointManager(
            run, recipe, dataset.conditions, dataset.image, self.model
        )
        self.state = TrainState(recipe.training.batch_size, len(train))
        self.rollback = NO_ROLLBACK
        self._saved_step = -1

    @property
    def images(self) -> int:
        """Number of real images that training has used."""
        return self.state.images

    @property
    def is_complete(self) -> bool:
        """Whether the length of the recipe is reached."""
        return self.recipe.length.is_reached(self.images, self.state.seconds)

    @property
    def is_new(self) -> bool:
        """Whether the run has neither a checkpoint nor a step."""
        return self._saved_step < 0 and self.state.step == 0

    def resume(self, rollback: Rollback = NO_ROLLBACK) -> None:
        """Restore the newest intact checkpoint of the run, if the run has checkpoints.

        `rollback` is the rollback in the config of the run. Raise CheckpointError if no checkpoint
        is intact, and RecipeError if the recipe has changes that a resumed run must not have.
        """
        self.rollback = rollback
        with self.processes.synchronized_section(main_first=True):
            if self.checkpoints.restore(self.state, self.log):
                self._saved_step = self.state.step

    def start_from(self, source: WarmStart) -> None:
        """Load the networks of another run into a new one."""
        for line in source.load_into(
            self.model.networks, self.conditions, self.recipe.training.batch_size
        ):
            self.log(line)

    def train(self, stop: StopSignal) -> bool:
        """Train until the length is reached or a stop is requested; return whether it is reached.

        Two collapsed scores in a row stop the run if the recipe says so (`monitor.collapsed`). A
        run that diverged continues from a checkpoint once if the recipe says so. Raise
        DivergedError for a loss or weight that is not finite, CheckpointError for a checkpoint that
        cannot be written, and LostProcessError for a rank that ended.
        """
        try:
            with ExitStack() as stack:
                with self.processes.synchronized_section():
                    self.processes.check_equal(self.method.networks.values())
                    writer = self._open_writer(stack)
                self._loop(stop, writer)
        except DivergedError as error:
            self.roll_back(error)
            return self.train(stop)
        return self.is_complete

    def save(self, writer: MetricsWriter = NULL_WRITER) -> None:
        """Write a checkpoint with a sample grid and a score of the EMA generator."""
        with self.processes.synchronized_section():
            self.processes.check_equal(self.method.networks.values())
            if self.processes.is_main:
                self._save_on_main(writer)
        self._saved_step = self.state.step

    def _loop(self, stop: StopSignal, writer: MetricsWriter) -> None:
        logging = self.recipe.logging
        start = time.perf_counter() - self.state.seconds
        last_tick = last_save = time.perf_counter()
        if self._saved_step < 0:
            self.save(writer)
        while not self._should_stop(stop):
            self.state.add_step(self._step())
            self.state.seconds = time.perf_counter() - start
            if self.state.step % logging.log_interval:
                continue
            self._write_tick(time.perf_counter() - last_tick, writer)
            last_tick = time.perf_counter()
            (elapsed,) = self.processes.all_reduce_max(last_tick - last_save)
            if elapsed >= 60 * logging.checkpoint_minutes:
                self.save(writer)
                last_tick = last_save = time.perf_counter()
        if self.state.pending_metrics:
            self._write_tick(time.perf_counter() - last_tick, writer)
        if self.state.step != self._saved_step:
            self.save(writer)

    def _step(self) -> StepMetrics:
        # The seed of layers with random numbers, such as dropout, is a function of step and rank.
        step = self.state.step
        seed = self.recipe.training.seed * 1_000_003 + step + (self.processes.rank << 40)
        torch.manual_seed(seed % 2**63)
        self.method.set_learning_rates(self.images)
        scale_lr(self.method.optimizers, self.rollback.lr_factor_at(step))
        metrics = self.method.step(self.batches.batch(step), step)
        self.ema.update_parameters(self.method.generator)
        return metrics

    def _should_stop(self, stop: StopSignal) -> bool:
        # All ranks stop at the same step: they share the clock and the stop request.
        requested = stop.requested or self.monitor.collapsed
        self.state.seconds, stops = self.processes.all_reduce_max(self.state.seconds, requested)
        return self.is_complete or stops > 0

    def _write_tick(self, seconds: float, writer: MetricsWriter) -> None:
        with self.processes.synchronized_section():
            record = self._tick_record(seconds)
        writer.write_stats(record)
        self.log(format_tick(record, self.recipe.length))

    def _tick_record(self, seconds: float) -> dict[str, Any]:
        """Return the record of the steps since the last one, averaged over steps and ranks."""
        window = self.state.drain_metrics()
        self.processes.all_reduce_mean([value for step in window for value in step.values()])
        return {
            **self.state.position(),
            **mean_metrics(window, self.state.step, self.run),
            "images_per_second": round(len(window) * self.state.batch_size / seconds, 1),
            "memory_gib": round(peak_memory_gib(self.device), 3),
            **({"lr_factor": self.rollback.lr_factor} if self.rollback.happened else {}),
        }

    def _save_on_main(self, writer: MetricsWriter) -> None:
        generator = self._finalize_ema()
        check_finite(self.model.tensors() | generator.state_dict(), self.state.step, self.run)
        check_finite(self.model.optimizer_tensors(), self.state.step, self.run, "optimizer state")
        # Grid and score come first: the checkpoint is the mark that both are complete.
        grid = self.run / SAMPLES / f"{self.images:09d}.png"
        title = f"{self.recipe.title}, {self.images:,} training images"
        self._sample_grid(generator).save(grid, title)
        score = self.monitor.score(generator, self.state.position(), writer)
        directions = self._directions(generator)
        folder = self.checkpoints.save(self.state, generator, self.rollback, score, directions)
        self.log(f"saved {folder.relative_to(self.run)} and {grid.relative_to(self.run)}")

    def _finalize_ema(self) -> Generator:
        count, generator = self.recipe.ema.bn_calibration_images, self.method.generator
        return finalize_ema(
            self.ema, lambda: self.batches.calibration_batch(count, generator.z_shape)
        )

    def _sample_grid(self, generator: Generator) -> sample_grids.SampleGrid:
        if not isinstance(generator, Translator):
            return sample_grids.generate_grid(generator, self.conditions, self.image)
        subset = self.batches.fixed_subset(sample_grids.TRANSLATION_ROWS)
        return sample_grids.translate_grid(generator, self.conditions, self.image, *subset)

    def _directions(self, generator: Generator) -> dict[str, Tensor]:
        if not isinstance(generator, Flow):
            return {}
        subset = self.batches.fixed_subset(DIRECTION_IMAGES)
        return measure_directions(generator, self.conditions, *subset)

    def _open_writer(self, stack: ExitStack) -> MetricsWriter:
        if not self.processes.is_main:
            return NULL_WRITER
        tensorboard = self.recipe.logging.tensorboard
        return MetricsWriter.open(stack, self.run, self.state, tensorboard=tensorboard)

    def roll_back(self, error: DivergedError) -> None:
        """Restore the last good checkpoint after a divergence, or raise the error."""
        seconds = self.state.seconds
        rollback = plan_rollback(error, self.recipe.recovery, self.rollback, self.run)
        save_rollback(self.run, rollback)
        if self.processes.world_size > 1:  # the other ranks have ended
            raise error.with_advice("--resume continues from there with lower learning rates.")
        factor = f"{rollback.lr_factor:g} of the learning rates"
        self.log(f"diverged: {rollback.reason}; continues with {factor}")
        self.resume(rollback)
        self.state.seconds = seconds
