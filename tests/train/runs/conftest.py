"""A checkpoint of two steps that tests may change, and the error of a resume from it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ganport_models import CheckpointError
from ganport_models.metadata import METADATA, describe_files
from ganport_models.selection import newest
from ganport_train.config import recipes
from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset
from ganport_train.engine.trainer import Trainer
from ganport_train.runs.run_dir import create_run_dir
from ganport_train.runs.train_state import StopSignal


@pytest.fixture(scope="session")
def two_steps(dataset: Dataset, tiny: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the last checkpoint of a run of two steps."""
    run = tmp_path_factory.mktemp("two steps") / "run"
    create_run_dir(run)
    recipe = recipes.load("quick", [*tiny, "length.max_images=8", "logging.eval_images=0"])
    Trainer(run, recipe, dataset, torch.device("cpu"), log=lambda line: None).train(StopSignal())
    return newest(run)[0]


@pytest.fixture
def checkpoint(two_steps: Path, tmp_path: Path) -> Path:
    """Return a copy of that checkpoint in a run of its own."""
    return Path(shutil.copytree(two_steps, tmp_path / "run" / "checkpoints" / two_steps.name))


@pytest.fixture(scope="session")
def update_digests() -> Callable[[Path], None]:
    """Describe changed files in the metadata, as an edit by another program may do."""

    def update(folder: Path) -> None:
        metadata = json.loads((folder / METADATA).read_text())
        (folder / METADATA).unlink()
        metadata["files"] = describe_files(folder)
        (folder / METADATA).write_text(json.dumps(metadata))

    return update


@pytest.fixture
def refusal(
    update_digests: Callable[[Path], None], trainer: Callable[..., Trainer], recipe: Recipe
) -> Callable[..., str]:
    """Return the error of a resume, which must not change the networks or the optimizers."""

    def refuse(checkpoint: Path, recipe: Recipe = recipe) -> str:
        update_digests(checkpoint)
        session = trainer(checkpoint.parents[1], recipe)
        before = {name: value.clone() for name, value in session.model.tensors().items()}
        with pytest.raises(CheckpointError) as caught:
            session.resume()
        for name, value in session.model.tensors().items():
            assert torch.equal(value, before[name]), name
        assert session.model.optimizer_tensors() == {}
        return str(caught.value)

    return refuse
