"""Checkpoints of a run: all a step depends on, written whole, so that a resume is exact."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ganport_models import CheckpointError, Generator
from ganport_models.checkpoint import read_tensors
from ganport_models.metadata import (
    METADATA,
    WEIGHTS,
    describe_files,
)
from ganport_models.migrations import SCHEMA_VERSION
from ganport_models.selection import FOLDER, best, newest
from ganport_runtime.bundle.manifest import DIRECTIONS_NAME
from ganport_runtime.files import atomic_directory, atomic_write
from ganport_train.backend.device import is_lost, is_out_of_memory

NETWORKS = "networks.safetensors"
OPTIMIZERS = "optimizers.pt"


@dataclass(frozen=True)
class State:
    """What a run carries from step to step; randomness is no part of it, the step decides that."""

    networks: Mapping[str, nn.Module]
    optimizers: Mapping[str, torch.optim.Optimizer]

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor of every network, by `network/name`."""
        return {
            f"{name}/{key}": tensor
            for name, network in self.networks.items()
            for key, tensor in network.state_dict().items()
        }

    def save(self, folder: Path) -> None:
        """Writes networks and optimisers into a folder."""
        _write(folder / NETWORKS, self.tensors())
        torch.save(
            {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            folder / OPTIMIZERS,
        )

    def load(self, folder: Path) -> None:
        """Reads them back in place; raises CheckpointError when they do not fit."""
        tensors = read_tensors(folder / NETWORKS)
        try:
            for name, network in self.networks.items():
                network.load_state_dict(_part(tensors, f"{name}/"))
            saved = torch.load(folder / OPTIMIZERS, map_location="cpu", weights_only=True)
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(saved[name])
        except (OSError, RuntimeError, KeyError, ValueError, pickle.UnpicklingError) as error:
            raise CheckpointError(
                str(folder),
                expected="the training state of this recipe",
                found=" ".join(str(error).split())[:300],
                fix="Start a new run with --out, or take the folder of another run.",
            ) from None


def save(
    run: Path,
    state: State,
    generator: Generator,
    card: Mapping[str, Any],
    *,
    keep: int,
    directions: Mapping[str, Tensor] | None = None,
) -> Path:
    """Writes the checkpoint of a step, and returns its folder.

    Of the others the newest `keep` stay, and the best. `generator` is the averaged one, ready to
    draw; `card` holds step, images, seconds, architecture, shape, conditions, recipe and, where
    there is one, score; `directions` are those of a flow. Raises CheckpointError when the disk is
    full.
    """
    folder = run / FOLDER / f"{card['step']:09d}"
    try:
        folder.parent.mkdir(exist_ok=True)
        with atomic_directory(folder) as temporary:
            _write(temporary / WEIGHTS, generator.state_dict())
            if directions:
                _write(temporary / DIRECTIONS_NAME, directions)
            state.save(temporary)
            _describe(temporary, card)
    except (OSError, RuntimeError, SafetensorError) as error:
        # While it is copied from there, the device may fail as well as the disk.
        if is_out_of_memory(error) or is_lost(error):
            raise
        raise CheckpointError(
            str(folder),
            expected="room for a checkpoint",
            found=" ".join(str(error).split())[:200],
            fix=f"{last_good(run)}Free some space, then go on with: train-gan --resume {run}",
        ) from None
    kept = best(run)
    for old in sorted(folder.parent.glob("[0-9]*"))[:-keep]:
        if old != kept:
            shutil.rmtree(old, ignore_errors=True)
    return folder


def last_good(run: Path) -> str:
    """A sentence that names the newest whole checkpoint of a run; nothing when there is none."""
    try:
        return f"The last good checkpoint is {newest(run)[0]}. "
    except CheckpointError:
        return ""


def _write(path: Path, tensors: Mapping[str, Tensor]) -> None:
    ours = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    safetensors.torch.save_file(ours, path)


def _describe(folder: Path, card: Mapping[str, Any]) -> None:
    text = {"schema_version": SCHEMA_VERSION, **card, "files": describe_files(folder)}
    atomic_write(folder / METADATA, json.dumps(text, indent=1).encode())


def set_aside_newer(taken: Path) -> list[Path]:
    """Renames the checkpoints after the one taken, and returns their new places.

    They are torn, or of a newer ganport: not ours to delete, but left there they would count as
    the newest and push good ones out.
    """
    moved = []
    for folder in sorted(taken.parent.glob("[0-9]*")):
        if folder.name > taken.name:
            aside = folder.with_name(f"set-aside-{folder.name}")
            shutil.rmtree(aside, ignore_errors=True)
            moved.append(folder.rename(aside))
    return moved


def sweep(run: Path) -> None:
    """Removes what a kill left half-written anywhere in a run."""
    for leftover in run.rglob(".*.tmp"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
