"""Fixtures of the training tests: drawn faces, a tiny recipe, and a run of the two."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ganport_models.metadata import WEIGHTS
from ganport_models.selection import newest
from ganport_runtime.conditions import Conditions
from ganport_runtime.files import sha256_of
from ganport_train.config import recipes
from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset, load_dataset
from ganport_train.engine.trainer import Trainer
from ganport_train.runs.checkpoint_manager import NETWORKS, OPTIMIZERS
from ganport_train.runs.metrics import STATS, read_log
from ganport_train.runs.run_dir import create_run_dir
from ganport_train.synthetic.writer import write_faces

TIMING = {"seconds", "images_per_second", "memory_gib"}


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a zip of 130 drawn faces of 16 pixels."""
    path = tmp_path_factory.mktemp("faces") / "faces.zip"
    write_faces(path, 130, 16)
    return path


@pytest.fixture(scope="session")
def tiny() -> list[str]:
    """Return overrides of `quick` that make a step take milliseconds, with a tick at every step."""
    return [
        "data.resolution=16",
        "network.base_channels=2",
        "network.z_dim=8",
        "network.embed_dim=8",
        "training.batch_size=4",
        "training.precision=fp32",
        "ema.bn_calibration_images=128",
        "logging.log_interval=1",
    ]


@pytest.fixture(scope="session")
def dataset(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Return the drawn faces, loaded."""
    return load_dataset(faces, resolution=16, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture
def recipe(tiny: list[str]) -> Recipe:
    """`quick` at a size that trains in milliseconds, for six steps, without a score."""
    return recipes.load("quick", [*tiny, "length.max_images=24", "logging.eval_images=0"])


@pytest.fixture
def trainer(dataset: Dataset) -> Callable[[Path, Recipe], Trainer]:
    """Return a silent run of a recipe in a folder, which is created if it is missing."""

    def started(folder: Path, recipe: Recipe) -> Trainer:
        if not folder.exists():
            create_run_dir(folder)
        return Trainer(folder, recipe, dataset, torch.device("cpu"), log=lambda line: None)

    return started


@pytest.fixture(scope="session")
def untrained_judge() -> Callable[..., Path]:
    """Write an untrained judge of conditions to a new folder, and return the folder."""

    def write(folder: Path, conditions: Conditions, seed: int = 0, accuracy: float = 0.9) -> Path:
        # Imports torchvision, which takes a second.
        from ganport_train.evaluation.judge.network import JudgeNetwork
        from ganport_train.evaluation.judge.storage import save_judge

        folder.mkdir()
        torch.manual_seed(seed)
        fields = {
            "conditions": conditions.to_json(),
            "resolution": 16,
            "width": 4,
            "settings": {"val_fraction": 0.1},
            "accuracy": {group.name: {"value": accuracy} for group in conditions.groups},
        }
        save_judge(folder, JudgeNetwork(conditions.size, 4), fields)
        return folder

    return write


@pytest.fixture(scope="session")
def until() -> Callable[..., Recipe]:
    """Return a recipe with another length in images and other logging options."""

    def changed(recipe: Recipe, images: int, **logging: Any) -> Recipe:
        return replace(
            recipe,
            length=replace(recipe.length, max_images=images),
            logging=replace(recipe.logging, **logging),
        )

    return changed


@pytest.fixture(scope="session")
def digests() -> Callable[[Path], dict[str, str]]:
    """Return the digests of weights and optimizers in the newest checkpoint of a run."""

    def read(run: Path) -> dict[str, str]:
        return {n: sha256_of(newest(run)[0] / n) for n in (WEIGHTS, NETWORKS, OPTIMIZERS)}

    return read


@pytest.fixture(scope="session")
def timing() -> set[str]:
    """Return the keys of a record that differ between any two runs."""
    return TIMING


@pytest.fixture(scope="session")
def timeless() -> Callable[..., list[dict[str, object]]]:
    """Return the lines of a run's record without those keys."""

    def read(run: Path, name: str = STATS) -> list[dict[str, object]]:
        return [{k: v for k, v in r.items() if k not in TIMING} for r in read_log(run, name)]

    return read
