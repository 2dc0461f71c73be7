"""A judge's training that is not over: what the last whole epoch left, kept in the judge's folder.

Each epoch is written under a name of its own before the one before it goes, so that a kill at any
moment leaves a whole one.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from ganport_runtime import strictjson
from ganport_runtime.errors import GanportError
from ganport_runtime.files import atomic_directory, atomic_write, sha256_of
from ganport_runtime.strictjson import JsonObject, check_number
from ganport_runtime.values import sanitize
from ganport_train.evaluation.judge.file import WEIGHTS, JudgeError
from ganport_train.runs.checkpoint_io import State, sweep

FOLDER = "training"
_PROGRESS = "progress.json"
_EPOCH = re.compile(r"epoch-\d{5}")
_LEFTOVER = re.compile(r"\..+\.tmp")
_MOST = 1 << 20  # epochs


@dataclass(frozen=True)
class Kept:
    """An epoch on disk; `losses` holds the mean of each so far, so its length is their number."""

    folder: Path
    losses: Sequence[float]
    made_from: Mapping[str, Any]
    """The data set and settings; another training has others."""
    made_on: Mapping[str, Any]
    """Device, precision, threads and version; with others the result is not bit for bit."""


def holds_nothing_else(judge: Path) -> bool:
    """Whether all that lies in a folder was left there by an unfinished training, if by any."""
    return _only(judge, f"{FOLDER}|{re.escape(WEIGHTS)}") and (
        not (judge / FOLDER).exists() or _only(judge / FOLDER, _EPOCH.pattern)
    )


def prepare(judge: Path) -> None:
    """Make the folder in which epochs are kept, and sweep what a kill left half-written in it."""
    with room(judge):
        (judge / FOLDER).mkdir(parents=True, exist_ok=True)
        sweep(judge)


def keep(judge: Path, state: State, losses: Sequence[float], made: Mapping[str, Any]) -> None:
    """Write an epoch, then remove those before it; `made` holds `made_from` and `made_on`.

    Raises JudgeError when the disk is full; the epoch before is kept then.
    """
    prepare(judge)
    with room(judge), atomic_directory(judge / FOLDER / f"epoch-{len(losses):05d}") as folder:
        state.save(folder)
        progress = {**made, "losses": losses, "digests": _digests(folder)}
        atomic_write(folder / _PROGRESS, json.dumps(progress).encode())
    for older in _epochs(judge)[:-1]:
        shutil.rmtree(older, ignore_errors=True)


def newest(judge: Path) -> Kept | None:
    """The last epoch that was kept, if any; raises JudgeError when it is torn or altered."""
    epochs = _epochs(judge)
    return _read(epochs[-1]) if epochs else None


def remove(judge: Path) -> None:
    """Remove all that was kept: the training is over."""
    shutil.rmtree(judge / FOLDER, ignore_errors=True)


@contextmanager
def room(judge: Path) -> Iterator[None]:
    """Turn what goes wrong when a judge's folder is written to into a JudgeError."""
    try:
        yield
    # What torch and safetensors make of a full disk.
    except (OSError, RuntimeError, SafetensorError) as error:
        words = (isinstance(error, OSError) and error.strerror) or str(error)
        raise JudgeError(
            str(judge),
            expected="a folder that can be written to, and room in it",
            found=sanitize(" ".join(words.split()), 200),
            fix="Mend that; the same command goes on after the last whole epoch.",
        ) from None


def _epochs(judge: Path) -> list[Path]:
    found = (judge / FOLDER).iterdir() if (judge / FOLDER).is_dir() else ()
    return sorted(path for path in found if _EPOCH.fullmatch(path.name))


def _read(folder: Path) -> Kept:
    place = str(folder / _PROGRESS)
    try:
        fields = JsonObject(strictjson.parse((folder / _PROGRESS).read_bytes(), place), place)
        losses = [check_number(loss, place) for loss in fields.items("losses", limit=_MOST)]
        kept = Kept(folder, losses, fields.mapping("made_from"), fields.mapping("made_on"))
        if _digests(folder) != fields.mapping("digests"):
            raise _damaged(folder, "files that are torn or altered")
        return kept
    except OSError as error:
        raise _damaged(folder, error.strerror or str(error)) from None
    except JudgeError:
        raise
    except GanportError as error:
        raise _damaged(folder, f"{_PROGRESS} with {error.found} for {error.expected}") from None


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.name: sha256_of(path) for path in sorted(folder.iterdir()) if path.name != _PROGRESS
    }


def _damaged(folder: Path, found: str) -> JudgeError:
    return JudgeError(
        str(folder),
        expected="the state of an unfinished training",
        found=found,
        fix=f"Remove {folder.parent} and train again.",
    )


def _only(folder: Path, names: str) -> bool:
    return all(
        re.fullmatch(names, path.name) or _LEFTOVER.fullmatch(path.name)
        for path in folder.iterdir()
    )
