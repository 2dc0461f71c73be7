"""The run folder: its config file, and the environment of the run."""

from __future__ import annotations

import json
import os
import platform
import socket
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
import torch
from filelock import FileLock, Timeout

from ganport_models.migrations import (
    IMAGES_SINCE,
    SCHEMA_VERSION,
    migrate_recipe,
    migrate_run,
    pin_images,
)
from ganport_runtime.errors import GanportError
from ganport_runtime.files import atomic_write
from ganport_runtime.values import sanitize
from ganport_train.backend.distributed import SINGLE, ProcessGroup
from ganport_train.config.parsing import RecipeError, parse
from ganport_train.config.recipe import Recipe, differences
from ganport_train.runs.train_state import NO_ROLLBACK, Rollback

CONFIG = "config.toml"
SAMPLES = "samples"
LOCK, HOLDER = ".lock", ".lock.json"
"""The lock of a folder that a training writes, and the process that holds it."""
_REPRODUCIBILITY = ("device", "processes", "threads", "torch_version", "numpy_version")


@dataclass(frozen=True)
class RunEnvironment:
    """What a run depends on besides the recipe."""

    data: str
    """Path of the data set."""
    data_digest: str
    device: str
    threads: int
    python_version: str
    torch_version: str
    numpy_version: str
    skip_bad: bool = False
    """Whether unusable images are skipped."""
    judge: str = ""
    """Path of the judge that scores the run; empty = none."""
    judge_digest: str = ""
    processes: int = 1
    """Number of processes."""
    start_from: str = ""
    """Checkpoint whose networks the run started with; empty = new networks."""
    base_recipe: str = ""
    """Shipped recipe that the recipe is or extends; empty = none, or a run of an older version."""
    resolved: tuple[str, ...] = ()
    """Options that were `auto` when the run started."""
    rollback: Rollback = NO_ROLLBACK

    @classmethod
    def current(
        cls,
        data: Path,
        digest: str,
        device: torch.device,
        skip_bad: bool = False,
        judge: Path | None = None,
        judge_digest: str = "",
        processes: int = 1,
    ) -> RunEnvironment:
        """Return the environment of this process; raise RecipeError for a path without UTF-8.

        A run without a `judge_digest` has no judge.
        """
        return cls(
            data=_encode_path(data.resolve(), "--data"),
            data_digest=digest,
            skip_bad=skip_bad,
            judge=_encode_path(judge.resolve(), "--judge") if judge and judge_digest else "",
            judge_digest=judge_digest,
            # Each of several processes has a device of its own; save only the device type.
            device=str(device) if processes == 1 else device.type,
            processes=processes,
            threads=torch.get_num_threads(),
            python_version=platform.python_version(),
            torch_version=str(torch.__version__),
            numpy_version=str(np.__version__),
        )

    def continuing(self, previous: RunEnvironment) -> RunEnvironment:
        """Return this environment with what the run recorded when it started, and its rollback."""
        return replace(
            self,
            start_from=previous.start_from,
            base_recipe=previous.base_recipe,
            resolved=previous.resolved,
            rollback=previous.rollback,
        )

    def nondeterminism_notes(self, previous: RunEnvironment) -> list[str]:
        """Return the changes since an earlier part of the run that prevent exact results."""
        return [
            f"{name}: {getattr(previous, name)} -> {getattr(self, name)}"
            for name in _REPRODUCIBILITY
            if getattr(previous, name) != getattr(self, name)
        ]


class LockedError(GanportError):
    """A folder that another training writes."""

    default_fix = "Wait for that training, or stop it. Its lock ends with it."


@contextmanager
def lock_folder(folder: Path, processes: ProcessGroup = SINGLE) -> Iterator[None]:
    """Hold the lock of a folder on rank 0; raise LockedError, with the holder, if it is taken.

    The operating system frees the lock when the process ends, also by a crash.
    """
    with ExitStack() as stack:
        with processes.synchronized_section():
            if processes.is_main:
                _acquire(folder, stack)
        yield


def _acquire(folder: Path, stack: ExitStack) -> None:
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        stack.enter_context(lock)
    except Timeout:
        expected = "a folder that no other training writes"
        raise LockedError(str(folder), expected, _holder(folder)) from None
    except OSError as error:
        found = error.strerror or str(error)
        fix = "Change its permissions, or name another folder."
        raise RecipeError(str(folder), "a writable folder", found, fix) from None
    since = datetime.now().astimezone().isoformat(" ", "seconds")
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
    stack.callback((folder / HOLDER).unlink, missing_ok=True)
    with suppress(OSError):  # only the message about the lock needs this file
        atomic_write(folder / HOLDER, json.dumps(holder).encode())


def _holder(folder: Path) -> str:
    try:
        holder = json.loads((folder / HOLDER).read_text())
        text = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        text = "another process"
    return sanitize(text, 200)


def check_empty(folder: Path) -> None:
    """Raise RecipeError unless a new run can use the folder."""
    place = f"--out {folder}"
    if not folder.exists():
        return
    if not folder.is_dir():
        raise RecipeError(place, "a folder", "a file", "Name another path.")
    # A killed run may leave a temporary file in a folder without a config.
    names = [path.name for path in folder.iterdir() if not path.match(".*.tmp")]
    if {*names} - {LOCK, HOLDER}:
        content = "a run" if (folder / CONFIG).exists() else "files"
        raise RecipeError(
            place,
            expected="a new or empty folder",
            found=f"a folder with {content}",
            fix=f"Continue with train-gan --resume {folder}, or name another folder.",
        )


def create_run_dir(folder: Path) -> None:
    """Create the folder of a new run; raise RecipeError if that is not possible."""
    check_empty(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        found = error.strerror or str(error)
        raise RecipeError(
            f"--out {folder}", "a folder that can be created", found, "Name another path."
        ) from None


def check_same_recipe(before: Recipe, after: Recipe, place: str) -> None:
    """Raise RecipeError, with each difference, for changes that a resumed run must not have."""
    changes = differences(before.to_json(), after.to_json())
    if changes:
        raise RecipeError(
            place,
            expected="changes of length, logging, recovery and device only",
            found="; ".join(changes),
            fix="Remove the other changes, or start a new run with --out.",
        )


def check_same_data(path: Path, found: str, expected: str) -> None:
    """Raise RecipeError for the digest of another data set than that of a run."""
    if found != expected:
        raise RecipeError(
            f"data set {path}",
            expected=f"the data set of the run (digest {expected[:16]})",
            found=f"another one (digest {found[:16]})",
            fix="Name the data set of the run with --data, or start a new run with --out.",
        )


def write_config(folder: Path, recipe: Recipe, environment: RunEnvironment) -> None:
    """Write the resolved recipe and the environment of a run."""
    tables = recipe.to_json()
    tables = {"schema_version": SCHEMA_VERSION, **tables, "run": asdict(environment)}
    atomic_write(folder / CONFIG, tomli_w.dumps(tables).encode())


def save_rollback(folder: Path, rollback: Rollback) -> None:
    """Add a rollback to the config of a run, before the run continues."""
    recipe, environment = read_config(folder)
    write_config(folder, recipe, replace(environment, rollback=rollback))


def read_config(folder: Path) -> tuple[Recipe, RunEnvironment]:
    """Return the recipe and the environment of a run, of any schema; or raise RecipeError."""
    path = folder / CONFIG
    try:
        tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        run = tables.pop("run")
        if not isinstance(run, Mapping):
            raise ValueError("no [run] section")
    except (OSError, KeyError, ValueError) as error:
        raise RecipeError(
            str(path),
            expected="the saved config of a run",
            found="no such file" if isinstance(error, FileNotFoundError) else str(error),
            fix="Name the folder that train-gan --out created.",
        ) from None
    version = tables.pop("schema_version", 1)
    if version == 1:
        tables, run = migrate_recipe(tables), migrate_run(run)
    if isinstance(version, int) and version < IMAGES_SINCE:
        tables = pin_images(tables)
    return (
        parse(Recipe, tables, place=str(path)),
        parse(RunEnvironment, run, place=str(path), prefix="run."),
    )


def _encode_path(path: Path, option: str) -> str:
    try:
        return str(path).encode().decode()
    except UnicodeEncodeError:
        found = ascii(str(path))
        raise RecipeError(option, "a path in UTF-8", found, "Rename it.") from None
