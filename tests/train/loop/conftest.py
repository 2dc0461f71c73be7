"""A tiny drawn data set and a tiny recipe on it."""

from pathlib import Path

import pytest

from ganport_train import catalogue
from ganport_train.data import Dataset, load
from ganport_train.draw.writer import write_faces
from ganport_train.recipe import Recipe

TINY = (
    "data.resolution=16",
    "network.features=2",
    "network.latent=8",
    "network.embedding=8",
    "training.batch=4",
    "training.precision=fp32",
    "average.refresh=64",
    "logging.tick=1",
    "length.images=24",
)


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of 130 drawn faces of 16 pixels."""
    path = tmp_path_factory.mktemp("faces") / "faces.zip"
    write_faces(path, 130, 16)
    return path


@pytest.fixture(scope="session")
def dataset(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Those faces, loaded."""
    return load(faces, resolution=16, cache=tmp_path_factory.mktemp("cache"), progress=False)


@pytest.fixture
def recipe() -> Recipe:
    """`quick` at a size that trains in milliseconds."""
    return catalogue.load("quick", TINY)
