"""The state of an unfinished judge training: the last complete epoch, in the judge's folder.

Each epoch is written under its own name before the previous one is removed, so a kill at any moment
leaves a complete epoch.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganport_runtime import strictjson
from ganport_runtime.errors import GanportError
from ganport_runtime.files import atomic_directory, atomic_write, sha256_of
from ganport_runtime.strictjson import JsonObject, check_number
from ganport_train.evaluation.judge.storage import (
    WEIGHTS,
    JudgeError,
    disk_errors,
    migrate_settings,
)
from ganport_train.runs.checkpoint_manager import ModelState, remove_temporaries
from ganport_train.runs.run_dir import HOLDER, LOCK

FOLDER = "training"
_PROGRESS = "progress.json"
_EPOCH = re.compile(r"epoch-\d{5}")
_TEMPORARY = re.compile(r"\..+\.tmp")
_MAX_EPOCHS = 1 << 20


@dataclass(frozen=True)
class EpochState:
    """A complete epoch on disk; `losses` holds the mean loss of each epoch so far."""

    folder: Path
    losses: Sequence[float]
    made_from: Mapping[str, Any]
    """Data set and settings, which a resumed training must share."""
    made_on: Mapping[str, Any]
    """Device, precision, threads, and torch version, which decide the exact bits."""

    @classmethod
    def read(cls, folder: Path) -> EpochState:
        """Read and verify an epoch; raise JudgeError for missing or altered files."""
        try:
            return cls._parse(folder)
        except OSError as error:
            found = error.strerror or str(error)
        except GanportError as error:
            found = f"{error.found} ({error.place})"
        fix = f"Remove {folder.parent} and train again."
        raise JudgeError(str(folder), "the state of an unfinished training", found, fix)

    @classmethod
    def _parse(cls, folder: Path) -> EpochState:
        place = str(folder / _PROGRESS)
        fields = JsonObject(strictjson.parse((folder / _PROGRESS).read_bytes(), place), place)
        losses = [check_number(loss, place) for loss in fields.items("losses", limit=_MAX_EPOCHS)]
        made_from = migrate_settings(fields.mapping("made_from"))
        state = cls(folder, losses, made_from, fields.mapping("made_on"))
        if _digests(folder) != fields.mapping("digests"):
            raise JudgeError(place, "files with these digests", "corrupt or altered files")
        return state


def holds_only_training(judge: Path) -> bool:
    """Return whether a judge's folder holds only the files of an unfinished training."""
    return _all_match(judge, "|".join(map(re.escape, (FOLDER, WEIGHTS, LOCK, HOLDER)))) and (
        not (judge / FOLDER).exists() or _all_match(judge / FOLDER, _EPOCH.pattern)
    )


def prepare_folder(judge: Path) -> None:
    """Create the folder of the epochs and remove temporary files that a kill left."""
    with disk_errors(judge):
        (judge / FOLDER).mkdir(parents=True, exist_ok=True)
        remove_temporaries(judge)


def save_epoch(
    judge: Path, state: ModelState, losses: Sequence[float], made: Mapping[str, Any]
) -> None:
    """Write an epoch, then remove earlier ones; `made` holds `made_from` and `made_on`.

    Raises JudgeError if the disk is full; the previous epoch stays.
    """
    prepare_folder(judge)
    with (
        disk_errors(judge),
        atomic_directory(judge / FOLDER / f"epoch-{len(losses):05d}") as folder,
    ):
        state.save(folder)
        progress = {**made, "losses": losses, "digests": _digests(folder)}
        atomic_write(folder / _PROGRESS, json.dumps(progress).encode())
    for older in _epoch_folders(judge)[:-1]:
        shutil.rmtree(older, ignore_errors=True)


def read_latest(judge: Path) -> EpochState | None:
    """Read the last complete epoch, or return None; raise JudgeError if it is corrupt."""
    epochs = _epoch_folders(judge)
    return EpochState.read(epochs[-1]) if epochs else None


def remove_state(judge: Path) -> None:
    """Remove all epochs of a finished training."""
    shutil.rmtree(judge / FOLDER, ignore_errors=True)


def _epoch_folders(judge: Path) -> list[Path]:
    paths = (judge / FOLDER).iterdir() if (judge / FOLDER).is_dir() else ()
    return sorted(path for path in paths if _EPOCH.fullmatch(path.name))


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.name: sha256_of(path) for path in sorted(folder.iterdir()) if path.name != _PROGRESS
    }


def _all_match(folder: Path, names: str) -> bool:
    return all(
        re.fullmatch(names, path.name) or _TEMPORARY.fullmatch(path.name)
        for path in folder.iterdir()
    )
