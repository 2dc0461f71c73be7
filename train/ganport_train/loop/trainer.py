"""The training loop: steps, ticks, checkpoints and sheets, whatever the method."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganport_models import Flow, Generator, Translator
from ganport_models.choice import FOLDER, newest
from ganport_runtime.strictjson import Fields
from ganport_train.data import Dataset
from ganport_train.loop import directions, samples, snapshots, translations
from ganport_train.loop.average import averaged, ready
from ganport_train.loop.device import memory_gib
from ganport_train.loop.distributed import ALONE, Processes
from ganport_train.loop.feed import Feed
from ganport_train.loop.figures import DivergedError, Figures, check_weights, means
from ganport_train.loop.folder import SAMPLES, check_same, note_reload
from ganport_train.loop.interrupt import Interrupt
from ganport_train.loop.records import SCORES, Records
from ganport_train.loop.recovery import NEVER, Reload, lower_rates, reload_after
from ganport_train.loop.report import Board, tick_line
from ganport_train.loop.scorer import Scorer
from ganport_train.loop.watch import Logs, Watch
from ganport_train.methods.build import build_method
from ganport_train.options import parse
from ganport_train.recipe import Recipe

if TYPE_CHECKING:
    from ganport_train.judge.judge import Judge


@dataclass
class Progress:
    """How far a run has come."""

    step: int = 0
    seconds: float = 0.0
    """Time spent training, resumed parts counted in."""
    window: list[Figures] = field(default_factory=list)
    """Figures of the steps since the last tick."""


class Trainer:
    """A run in memory: builds all it needs from recipe and data, trains to the recipe's length.

    With a judge the light scores are by its verdicts, else by pixels alone. Of several processes
    each trains on its share of every batch, and the leader alone scores, writes and keeps records.
    Raises RecipeError for a data set that the recipe cannot train on, or a batch that the processes
    cannot share, JudgeError for a judge of other conditions.
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
        share = processes.share(recipe.training.batch)
        self.conditions = dataset.conditions
        self.shape = recipe.shape(dataset.conditions)
        torch.manual_seed(recipe.training.seed)
        self.method = build_method(recipe, dataset.conditions, device)
        generator = self.method.generator
        self.average = averaged(generator, recipe.average, recipe.training.batch)
        self.method.join(processes)
        self.state = snapshots.State(
            networks={**self.method.modules, "average": self.average},
            optimizers=self.method.optimizers,
        )
        train, _ = dataset.split(recipe.data.held_out)
        self.feed = Feed(dataset.images, dataset.vectors, train, recipe, device, share)
        scorer = Scorer.of(
            dataset,
            train,
            recipe.logging.score_pictures if processes.leads else 0,
            judge,
            device,
            translates=isinstance(generator, Translator),
        )
        self.watch = Watch(folder, recipe.logging, scorer, self.say)
        self.progress = Progress()
        self.reload = NEVER
        self._saved_step = -1

    @property
    def images(self) -> int:
        """Real pictures seen."""
        return self.progress.step * self.recipe.training.batch

    def resume(self, reload: Reload = NEVER) -> None:
        """Takes up the newest whole checkpoint of the run, if there is one.

        `reload` is what came of a divergence of an earlier part, as the configuration has it.
        Raises CheckpointError when none is whole, and RecipeError when this recipe differs from
        the checkpoint's in more than what may change.
        """
        self.reload = reload
        with self.processes.united(leader_first=True):
            self._take_up()

    def _take_up(self) -> None:
        snapshots.sweep(self.folder)
        if not any((self.folder / FOLDER).glob("[0-9]*")):
            return
        checkpoint, card = newest(self.folder)
        place = str(checkpoint)
        # Parsed, so that options which are newer than the checkpoint take their defaults.
        earlier = parse(Recipe, Fields(card, place).mapping("recipe"), place=place)
        check_same(earlier, self.recipe, place)
        self.state.load(checkpoint)
        self.progress = Progress(step=int(card["step"]), seconds=float(card.get("seconds", 0)))
        self._saved_step = self.progress.step
        self.say(f"resumed at step {self.progress.step:,} from {checkpoint}")
        for aside in snapshots.set_aside_newer(checkpoint):
            self.say(f"set aside {aside}: it is torn, or of a newer ganport")

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
                    logs = self._logs(opened) if self.processes.leads else ([], [])
                self._loop(interrupt, *logs)
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
        self.say(f"diverged: {reload.reason}; goes on at {reload.share:g} of the rates")
        self.resume(reload)
        self.progress.seconds = seconds

    def _logs(self, opened: ExitStack) -> tuple[Logs, Logs]:
        step = self.progress.step
        stats = opened.enter_context(Records(self.folder, step))
        scores = opened.enter_context(Records(self.folder, step, SCORES))
        boards = []
        if self.recipe.logging.tensorboard:
            boards = [opened.enter_context(Board(self.folder, self.images))]
        return [stats, *boards], [scores, *boards]

    def _loop(self, interrupt: Interrupt, logs: Logs, score_logs: Logs) -> None:
        logging = self.recipe.logging
        begun = time.perf_counter() - self.progress.seconds
        ticked = saved = time.perf_counter()
        if self._saved_step < 0:
            self.save(score_logs)
        while not self._over(interrupt):
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
            if max(self.processes.most(ticked - saved)) >= 60 * logging.save_minutes:
                self.save(score_logs)
                ticked = saved = time.perf_counter()
        if self.progress.window:
            self._tick(time.perf_counter() - ticked, logs)
        if self.progress.step != self._saved_step:
            self.save(score_logs)

    def _over(self, interrupt: Interrupt) -> bool:
        # All stop at the same step: by one clock, and when any of them is asked to.
        asked = interrupt.asked or self.watch.collapsed
        self.progress.seconds, stop = self.processes.most(self.progress.seconds, asked)
        return self.complete or stop > 0

    def _tick(self, seconds: float, logs: Logs) -> None:
        with self.processes.united():
            record = self._record(seconds)
        for log in logs:
            log.write(record)
        self.say(tick_line(record, self.recipe.length))

    def save(self, score_logs: Logs = ()) -> None:
        """Writes a checkpoint and, from its averaged generator, a sample sheet and a score."""
        with self.processes.united():
            self.processes.check_equal(self.method.networks.values())
            if self.processes.leads:
                self._write(score_logs)
        self._saved_step = self.progress.step

    def _write(self, score_logs: Logs) -> None:
        count, z_shape = self.recipe.average.refresh, self.method.generator.z_shape
        generator = ready(self.average, lambda: self.feed.refresh(count, z_shape))
        weights = self.state.tensors() | generator.state_dict()
        check_weights(weights, self.progress.step, self.folder)
        # Sheet and score come first: a kill in between must not lose them for good.
        sheet = self.folder / SAMPLES / f"{self.images:09d}.png"
        note = f"{self.recipe.title}, {self.images:,} pictures seen"
        samples.save(sheet, self._page(generator), note)
        score = self.watch.score(generator, self._place(), score_logs)
        card = self._card() | ({"score": score} if score else {})
        folder = snapshots.save(
            self.folder,
            self.state,
            generator,
            card,
            keep=self.recipe.logging.keep,
            directions=self._directions(generator),
        )
        self.say(f"saved {folder.relative_to(self.folder)} and {sheet.relative_to(self.folder)}")

    def _page(self, generator: Generator) -> samples.Page:
        if not isinstance(generator, Translator):
            return samples.page(generator, self.conditions, self.device)
        pictures = self.feed.picked(translations.ROWS)
        return translations.page(generator, self.conditions, *pictures, self.device)

    def _directions(self, generator: Generator) -> dict[str, Tensor]:
        if not isinstance(generator, Flow):
            return {}
        return directions.measure(
            generator, self.conditions, *self.feed.picked(directions.PICTURES)
        )

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
        return self.recipe.length.reached(self.images, self.progress.seconds)

    def _record(self, seconds: float) -> dict[str, Any]:
        """The figures of the steps since the last tick, averaged; raises DivergedError."""
        window, self.progress.window = self.progress.window, []
        self.processes.average([figure for step in window for figure in step.values()])
        return {
            **self._place(),
            **means(window, self.progress.step, self.folder),
            "images_per_second": round(len(window) * self.recipe.training.batch / seconds, 1),
            "memory_gib": round(memory_gib(self.device), 3),
            **({"rate_share": self.reload.share} if self.reload.happened else {}),
        }

    def _place(self) -> dict[str, Any]:
        """How far the run has come, as its records say it."""
        return {
            "step": self.progress.step,
            "images": self.images,
            "epoch": round(self.images / len(self.feed.indices), 4),
            "seconds": round(self.progress.seconds, 2),
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
            **({"reload": asdict(self.reload)} if self.reload.happened else {}),
        }
