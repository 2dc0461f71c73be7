"""The folder of a run: what it was made from, and where its parts lie."""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
import torch

from ganport_models.migrations import SCHEMA_VERSION, migrate_recipe, migrate_run
from ganport_runtime.files import atomic_write
from ganport_train.config.parsing import RecipeError, parse
from ganport_train.config.recipe import Recipe, differences
from ganport_train.runs.recovery import NEVER, Reload

CONFIG = "config.toml"
SAMPLES = "samples"


@dataclass(frozen=True)
class Surroundings:
    """What besides the recipe a run was made from."""

    data: str
    """Path of the data set."""
    data_digest: str
    device: str
    threads: int
    python_version: str
    torch_version: str
    numpy_version: str
    skip_bad: bool = False
    """Whether pictures that could not be used were left out."""
    judge: str = ""
    """Path of the judge whose verdicts score the run; empty = none."""
    judge_digest: str = ""
    processes: int = 1
    """How many shared the work."""
    rollback: Reload = NEVER
    """What came of a divergence."""

    @classmethod
    def now(
        cls,
        data: Path,
        digest: str,
        device: torch.device,
        *,
        skip_bad: bool = False,
        judge: Path | None = None,
        judge_digest: str = "",
        processes: int = 1,
    ) -> Surroundings:
        """Those of this process; raises RecipeError for a path that no text file can hold."""
        return cls(
            data=_text(data.resolve(), "--data"),
            data_digest=digest,
            skip_bad=skip_bad,
            judge=_text(judge.resolve(), "--judge") if judge else "",
            judge_digest=judge_digest,
            # Of several processes each has its own, which the next part need not name.
            device=str(device) if processes == 1 else device.type,
            processes=processes,
            threads=torch.get_num_threads(),
            python_version=platform.python_version(),
            torch_version=str(torch.__version__),
            numpy_version=str(np.__version__),
        )

    def inexact(self, earlier: Surroundings) -> list[str]:
        """Changes since an earlier part of the run after which it is no longer bit for bit."""
        names = ("device", "processes", "threads", "torch_version", "numpy_version")
        return [
            f"{name}: {getattr(earlier, name)} -> {getattr(self, name)}"
            for name in names
            if getattr(earlier, name) != getattr(self, name)
        ]


def check_free(folder: Path) -> None:
    """Raises RecipeError when something stands where a new run is to be."""
    if not folder.exists():
        return
    # A kill can leave a half-written temporary file in a folder that never became a run.
    if not folder.is_dir():
        raise RecipeError(
            f"--out {folder}", expected="a folder", found="a file", fix="Name another place."
        )
    if any(not path.match(".*.tmp") for path in folder.iterdir()):
        held = "a run" if (folder / CONFIG).exists() else "files"
        raise RecipeError(
            f"--out {folder}",
            expected="a new or empty folder",
            found=f"one that holds {held}",
            fix=f"Go on with train-gan --resume {folder}, or name another folder.",
        )


def create(folder: Path) -> None:
    """Makes the folder of a new run; raises RecipeError when that cannot be."""
    check_free(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecipeError(
            f"--out {folder}",
            expected="a folder that can be made",
            found=error.strerror or str(error),
            fix="Name another place.",
        ) from None


def check_same(before: Recipe, after: Recipe, place: str) -> None:
    """Raises RecipeError naming each difference of a recipe that a resumed run must not have."""
    changed = differences(before.to_json(), after.to_json())
    if changed:
        raise RecipeError(
            place,
            expected="changes of length, logging, recovery and device alone",
            found="; ".join(changed),
            fix="Take those out, or start a new run with --out.",
        )


def write_config(folder: Path, recipe: Recipe, surroundings: Surroundings) -> None:
    """Saves the resolved recipe and its surroundings, whole."""
    recipe_tables = recipe.to_json()
    tables = {"schema_version": SCHEMA_VERSION, **recipe_tables, "run": asdict(surroundings)}
    atomic_write(folder / CONFIG, tomli_w.dumps(tables).encode())


def note_reload(folder: Path, reload: Reload) -> None:
    """Adds a reload to the saved configuration of a run, before it is acted on."""
    recipe, surroundings = read_config(folder)
    write_config(folder, recipe, replace(surroundings, rollback=reload))


def read_config(folder: Path) -> tuple[Recipe, Surroundings]:
    """The recipe and surroundings a run was made from; raises RecipeError when there are none."""
    place = folder / CONFIG
    try:
        tables: dict[str, Any] = tomllib.loads(place.read_text(encoding="utf-8"))
        surroundings = tables.pop("run")
        if not isinstance(surroundings, Mapping):
            raise ValueError("no [run] section")
        if tables.pop("schema_version", 1) == 1:
            tables, surroundings = migrate_recipe(tables), migrate_run(surroundings)
    except (OSError, KeyError, ValueError) as error:
        raise RecipeError(
            str(place),
            expected="the saved configuration of a run",
            found="no such file" if isinstance(error, FileNotFoundError) else str(error),
            fix="Name the folder that train-gan --out made.",
        ) from None
    return (
        parse(Recipe, tables, place=str(place)),
        parse(Surroundings, surroundings, place=str(place), prefix="run."),
    )


def _text(path: Path, option: str) -> str:
    try:
        return str(path).encode().decode()
    except UnicodeEncodeError:
        raise RecipeError(
            option,
            expected="a path that is UTF-8",
            found=ascii(str(path)),
            fix="Rename it.",
        ) from None
