"""The folder of a run: what it was made from, and where its parts lie."""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
import torch

from ganport_runtime.files import write_whole
from ganport_train.options import RecipeError, parse
from ganport_train.recipe import Recipe

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

    @classmethod
    def now(cls, data: Path, digest: str, device: torch.device) -> Surroundings:
        """Those of this process."""
        return cls(
            data=str(data.resolve()),
            data_digest=digest,
            device=str(device),
            threads=torch.get_num_threads(),
            python_version=platform.python_version(),
            torch_version=str(torch.__version__),
            numpy_version=str(np.__version__),
        )

    def inexact(self, earlier: Surroundings) -> list[str]:
        """Changes since an earlier part of the run after which it is no longer bit for bit."""
        names = ("device", "threads", "torch_version", "numpy_version")
        return [
            f"{name}: {getattr(earlier, name)} -> {getattr(self, name)}"
            for name in names
            if getattr(earlier, name) != getattr(self, name)
        ]


def create(folder: Path) -> None:
    """Makes the folder of a new run; raises RecipeError when something stands there already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        held = "a run" if (folder / CONFIG).exists() else "files"
        raise RecipeError(
            f"--out {folder}",
            expected="a new or empty folder",
            found=f"one that holds {held}",
            fix=f"Go on with train-gan --resume {folder}, or name another folder.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecipeError(
            f"--out {folder}",
            expected="a folder that can be made",
            found=error.strerror or str(error),
            fix="Name another place.",
        ) from None


def write_config(folder: Path, recipe: Recipe, surroundings: Surroundings) -> None:
    """Saves the resolved recipe and its surroundings, whole."""
    tables = {**recipe.to_json(), "run": vars(surroundings)}
    write_whole(folder / CONFIG, tomli_w.dumps(tables).encode())


def read_config(folder: Path) -> tuple[Recipe, Surroundings]:
    """The recipe and surroundings a run was made from; raises RecipeError when there are none."""
    place = folder / CONFIG
    try:
        tables: dict[str, Any] = tomllib.loads(place.read_text(encoding="utf-8"))
        surroundings = tables.pop("run")
        if not isinstance(surroundings, Mapping):
            raise ValueError("no [run] section")
    except (OSError, KeyError, ValueError) as error:
        raise RecipeError(
            str(place),
            expected="the saved configuration of a run",
            found=f"{type(error).__name__}: {error}",
            fix="Name the folder that train-gan --out made.",
        ) from None
    return (
        parse(Recipe, tables, place=str(place)),
        parse(Surroundings, surroundings, place=str(place), prefix="run."),
    )
