"""Checkpoints of a run: the whole training state, written atomically, so that resume is exact."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ganport_models import CheckpointError, Generator
from ganport_models.checkpoint import check_tensors, read_tensors
from ganport_models.metadata import METADATA, WEIGHTS, describe_files
from ganport_models.migrations import SCHEMA_VERSION
from ganport_models.selection import FOLDER, best, newest
from ganport_runtime.bundle.manifest import DIRECTIONS_NAME
from ganport_runtime.conditions import Conditions
from ganport_runtime.files import atomic_directory, atomic_write
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.strictjson import JsonObject, check_number
from ganport_train.backend.device import is_device_lost, is_out_of_memory
from ganport_train.config.parsing import parse
from ganport_train.config.recipe import Recipe
from ganport_train.runs.optimizer_state import (
    FIX,
    WHAT,
    check_networks,
    match_optimizer,
    read_optimizers,
)
from ganport_train.runs.run_dir import check_same_recipe
from ganport_train.runs.train_state import Rollback, TrainState, last_good_hint

NETWORKS = "networks.safetensors"
OPTIMIZERS = "optimizers.pt"


@dataclass(frozen=True)
class ModelState:
    """The networks and optimizers that change from step to step."""

    networks: Mapping[str, nn.Module]
    optimizers: Mapping[str, torch.optim.Optimizer]

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor of every network as `network/name`."""
        return {
            f"{name}/{key}": tensor
            for name, network in self.networks.items()
            for key, tensor in network.state_dict().items()
        }

    def optimizer_tensors(self) -> dict[str, Tensor]:
        """Return every tensor of every optimizer as `optimizer/number of the parameter/name`."""
        return {
            f"{name}/{number}/{key}": value
            for name, optimizer in self.optimizers.items()
            for number, values in optimizer.state_dict()["state"].items()
            for key, value in values.items()
        }

    def save(self, folder: Path) -> None:
        """Write networks and optimizers into a folder."""
        _write_tensors(folder / NETWORKS, self.tensors())
        states = {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()}
        torch.save(states, folder / OPTIMIZERS)

    def load(self, folder: Path, trained: Collection[str] = ()) -> None:
        """Load networks and optimizers in place; `trained` optimizers must have a state.

        Raise CheckpointError, with the name of a tensor, before anything is loaded if a tensor has
        another name, shape or dtype than in this model, or values that no training writes.
        """
        tensors = read_tensors(folder / NETWORKS)
        check_tensors(folder / NETWORKS, tensors, self.tensors(), WHAT, FIX)
        check_networks(folder / NETWORKS, tensors)
        path = folder / OPTIMIZERS
        states = read_optimizers(path)
        matching = {
            name: match_optimizer(
                optimizer, states.get(name), name, path, is_trained=name in trained
            )
            for name, optimizer in self.optimizers.items()
        }
        for name, network in self.networks.items():
            network.load_state_dict(_select_prefix(tensors, f"{name}/"))
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(matching[name])


@dataclass(frozen=True)
class CheckpointManager:
    """Writes the checkpoints of a run, removes old ones, and restores the newest."""

    run: Path
    recipe: Recipe
    conditions: Conditions
    image: ImageFormat
    state: ModelState

    def save(
        self,
        position: TrainState,
        generator: Generator,
        rollback: Rollback,
        score: Mapping[str, Any] | None,
        directions: Mapping[str, Tensor],
    ) -> Path:
        """Write a checkpoint and return its folder; keep the newest checkpoints and the best.

        `generator` is the EMA in eval mode, and `directions` are the latent directions of a flow.
        Raise CheckpointError for a full disk.
        """
        folder = self.run / FOLDER / f"{position.step:09d}"
        metadata = self._metadata(position, rollback, score)
        try:
            folder.parent.mkdir(exist_ok=True)
            with atomic_directory(folder) as temporary:
                _write_tensors(temporary / WEIGHTS, generator.state_dict())
                if directions:
                    _write_tensors(temporary / DIRECTIONS_NAME, directions)
                self.state.save(temporary)
                metadata["files"] = describe_files(temporary)
                atomic_write(temporary / METADATA, json.dumps(metadata, indent=1).encode())
        except (OSError, RuntimeError, SafetensorError) as error:
            # Copying tensors from a device can fail as well as the disk.
            if is_out_of_memory(error) or is_device_lost(error):
                raise
            raise CheckpointError(
                str(folder),
                expected="space for a checkpoint",
                found=" ".join(str(error).split())[:200],
                fix=f"{last_good_hint(self.run)}Free some space, then continue with: "
                f"train-gan --resume {self.run}",
            ) from None
        self._remove_old()
        return folder

    def restore(self, position: TrainState, log: Callable[[str], None]) -> bool:
        """Load the newest intact checkpoint; return False for a run without checkpoints.

        Raise CheckpointError if no checkpoint is intact, and RecipeError if its recipe differs in
        options that a resumed run must not change.
        """
        remove_temporaries(self.run)
        if not any((self.run / FOLDER).glob("[0-9]*")):
            return False
        folder, metadata = newest(self.run)
        place = str(folder)
        # Parsing gives options that are newer than the checkpoint their defaults.
        recipe = parse(Recipe, JsonObject(metadata, place).mapping("recipe"), place=place)
        recipe = recipe.with_image(self.image)
        check_same_recipe(recipe, self.recipe, place)
        seconds = _read_seconds(metadata, place)
        step = int(metadata["step"])
        self.state.load(folder, self._trained_optimizers(step))
        position.restore(step, seconds)
        log(f"resumed at step {step:,} from {folder}")
        for moved in quarantine_newer(folder):
            log(f"moved to {moved}: it is corrupt, or of a newer ganport")
        return True

    def _trained_optimizers(self, step: int) -> list[str]:
        """Return the optimizers that have made a step: the generator's may begin later."""
        first = {"generator": self.recipe.method.discriminator_steps}
        return [name for name in self.state.optimizers if step >= first.get(name, 1)]

    def _metadata(
        self, position: TrainState, rollback: Rollback, score: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "step": position.step,
            "images": position.images,
            "seconds": position.seconds,
            "architecture": self.recipe.network.generator,
            "network_config": self.recipe.network_config(self.conditions).to_json(),
            "image": self.image.to_json(),
            "conditions": self.conditions.to_json(),
            "recipe": self.recipe.to_json(),
            **({"rollback": asdict(rollback)} if rollback.happened else {}),
            **({"score": score} if score else {}),
        }

    def _remove_old(self) -> None:
        best_folder = best(self.run)
        for old in sorted((self.run / FOLDER).glob("[0-9]*"))[: -self.recipe.logging.keep]:
            if old != best_folder:
                shutil.rmtree(old, ignore_errors=True)


def quarantine_newer(folder: Path) -> list[Path]:
    """Rename the checkpoints after `folder`, and return their new paths.

    They are corrupt, or of a newer ganport, so they are not deleted. Under their old names they
    would count as the newest checkpoints and displace intact ones.
    """
    moved = []
    for other in sorted(folder.parent.glob("[0-9]*")):
        if other.name > folder.name:
            target = other.with_name(f"set-aside-{other.name}")
            shutil.rmtree(target, ignore_errors=True)
            moved.append(other.rename(target))
    return moved


def remove_temporaries(run: Path) -> None:
    """Remove the unfinished files and folders that a killed run left."""
    for path in run.rglob(".*.tmp"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _read_seconds(metadata: Mapping[str, Any], place: str) -> float:
    seconds = check_number(metadata.get("seconds", 0), f"{place}: seconds")
    if seconds < 0:
        expected = "a number of at least 0"
        raise CheckpointError(f"{place}: seconds", expected, f"{seconds:g}", FIX)
    return seconds


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    on_cpu = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    safetensors.torch.save_file(on_cpu, path)


def _select_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
