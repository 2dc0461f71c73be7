"""A tiny drawn data set, loaded, a tiny recipe for it, and a run of the two."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ganport_train.config import recipes
from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset, load_dataset
from ganport_train.engine.trainer import Trainer
from ganport_train.runs import jsonl_log
from ganport_train.runs.run_dir import create

TIMING = {"seconds", "images_per_second", "memory_gib"}


@pytest.fixture(scope="session")
def dataset(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The drawn faces, loaded."""
    return load_dataset(
        faces, resolution=16, cache=tmp_path_factory.mktemp("cache"), progress=False
    )


@pytest.fixture
def recipe(tiny: list[str]) -> Recipe:
    """`quick` at a size that trains in milliseconds, for six steps, without a score."""
    return recipes.load("quick", [*tiny, "length.images=24", "logging.score_pictures=0"])


@pytest.fixture
def trainer(dataset: Dataset) -> Callable[[Path, Recipe], Trainer]:
    """A run of a recipe in a folder, which is made when it is not there; it says nothing."""

    def started(folder: Path, recipe: Recipe) -> Trainer:
        if not folder.exists():
            create(folder)
        return Trainer(folder, recipe, dataset, torch.device("cpu"), say=lambda line: None)

    return started


@pytest.fixture(scope="session")
def until() -> Callable[..., Recipe]:
    """A recipe with another length in pictures, and other options of logging."""

    def changed(recipe: Recipe, images: int, **logging: Any) -> Recipe:
        return replace(
            recipe,
            length=replace(recipe.length, images=images),
            logging=replace(recipe.logging, **logging),
        )

    return changed


@pytest.fixture(scope="session")
def timing() -> set[str]:
    """The figures of a record that no two runs have in common."""
    return TIMING


@pytest.fixture(scope="session")
def timeless() -> Callable[..., list[dict[str, object]]]:
    """The lines of a run's record, without those figures."""

    def read(run: Path, name: str = jsonl_log.STATS) -> list[dict[str, object]]:
        return [{k: v for k, v in r.items() if k not in TIMING} for r in jsonl_log.read(run, name)]

    return read
