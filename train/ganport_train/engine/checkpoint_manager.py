"""The checkpoints of a run: each written with its sheet and score, and the newest taken up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from ganport_models import Flow, Generator, Translator
from ganport_models.selection import FOLDER, newest
from ganport_runtime.conditions import Conditions
from ganport_runtime.strictjson import JsonObject
from ganport_train.config.parsing import parse
from ganport_train.config.recipe import Recipe
from ganport_train.engine import latent_directions, sample_grids, translation_grids
from ganport_train.engine.batch_source import Feed
from ganport_train.engine.collapse_monitor import Logs, Watch
from ganport_train.engine.ema import ready
from ganport_train.runs import checkpoint_io
from ganport_train.runs.recovery import Reload
from ganport_train.runs.run_dir import SAMPLES, check_same
from ganport_train.runs.step_metrics import check_weights
from ganport_train.runs.train_state import Progress


@dataclass
class Archive:
    """Where a run's checkpoints lie, and all that goes into one.

    The averaged generator is what is drawn with, scored and kept beside the training state.
    """

    folder: Path
    recipe: Recipe
    conditions: Conditions
    device: torch.device
    state: checkpoint_io.State
    average: AveragedModel
    feed: Feed
    watch: Watch
    say: Callable[[str], None]

    def write(self, progress: Progress, reload: Reload, score_logs: Logs) -> None:
        """Writes a sheet, a score and a checkpoint of a run that has come so far.

        Raises DivergedError for a weight that is not finite, CheckpointError for a full disk.
        """
        generator = self._drawing()
        weights = self.state.tensors() | generator.state_dict()
        check_weights(weights, progress.step, self.folder)
        # Sheet and score come first: a kill in between must not lose them for good.
        sheet = self.folder / SAMPLES / f"{progress.images:09d}.png"
        note = f"{self.recipe.title}, {progress.images:,} pictures seen"
        sample_grids.save(sheet, self._page(generator), note)
        score = self.watch.score(generator, progress.place(), score_logs)
        folder = checkpoint_io.save(
            self.folder,
            self.state,
            generator,
            self._card(progress, reload, score),
            keep=self.recipe.logging.keep,
            directions=self._directions(generator),
        )
        self.say(f"saved {folder.relative_to(self.folder)} and {sheet.relative_to(self.folder)}")

    def take_up(self, progress: Progress) -> bool:
        """Brings weights, optimisers and progress to the newest whole checkpoint, if there is one.

        Raises CheckpointError when none is whole, and RecipeError when the recipe differs from the
        checkpoint's in more than what may change.
        """
        checkpoint_io.sweep(self.folder)
        if not any((self.folder / FOLDER).glob("[0-9]*")):
            return False
        checkpoint, card = newest(self.folder)
        place = str(checkpoint)
        # Parsed, so that options which are newer than the checkpoint take their defaults.
        earlier = parse(Recipe, JsonObject(card, place).mapping("recipe"), place=place)
        check_same(earlier, self.recipe, place)
        self.state.load(checkpoint)
        progress.taken_up(int(card["step"]), float(card.get("seconds", 0)))
        self.say(f"resumed at step {progress.step:,} from {checkpoint}")
        for aside in checkpoint_io.set_aside_newer(checkpoint):
            self.say(f"set aside {aside}: it is torn, or of a newer ganport")
        return True

    def _drawing(self) -> Generator:
        count, average = self.recipe.ema.bn_calibration_images, self.average.module
        assert isinstance(average, Generator)
        return ready(self.average, lambda: self.feed.refresh(count, average.z_shape))

    def _page(self, generator: Generator) -> sample_grids.Page:
        if not isinstance(generator, Translator):
            return sample_grids.page(generator, self.conditions, self.device)
        pictures = self.feed.picked(translation_grids.ROWS)
        return translation_grids.page(generator, self.conditions, *pictures, self.device)

    def _directions(self, generator: Generator) -> dict[str, Tensor]:
        if not isinstance(generator, Flow):
            return {}
        return latent_directions.measure(
            generator, self.conditions, *self.feed.picked(latent_directions.PICTURES)
        )

    def _card(
        self, progress: Progress, reload: Reload, score: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        return {
            "step": progress.step,
            "images": progress.images,
            "seconds": progress.seconds,
            "architecture": self.recipe.network.generator,
            "network_config": self.recipe.network_config(self.conditions).to_json(),
            "conditions": self.conditions.to_json(),
            "recipe": self.recipe.to_json(),
            **({"rollback": asdict(reload)} if reload.happened else {}),
            **({"score": score} if score else {}),
        }
