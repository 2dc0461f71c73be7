"""A tiny drawn data set, loaded, and a tiny recipe for it."""

from pathlib import Path

import pytest

from ganport_train import catalogue
from ganport_train.data import Dataset, load
from ganport_train.recipe import Recipe


@pytest.fixture(scope="session")
def dataset(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The drawn faces, loaded."""
    return load(faces, resolution=16, cache=tmp_path_factory.mktemp("cache"), progress=False)


@pytest.fixture
def recipe(tiny: list[str]) -> Recipe:
    """`quick` at a size that trains in milliseconds, for six steps, without a score."""
    return catalogue.load("quick", [*tiny, "length.images=24", "logging.score_pictures=0"])
