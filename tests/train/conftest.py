"""What tests of training share: drawn faces, and numbers that make a run tiny."""

from pathlib import Path

import pytest

from ganport_train.synthetic.writer import write_faces


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of 130 drawn faces of 16 pixels."""
    path = tmp_path_factory.mktemp("faces") / "faces.zip"
    write_faces(path, 130, 16)
    return path


@pytest.fixture(scope="session")
def tiny() -> list[str]:
    """Overrides of `quick` that make a step take milliseconds, with a tick at every step."""
    return [
        "data.resolution=16",
        "network.features=2",
        "network.latent=8",
        "network.embedding=8",
        "training.batch=4",
        "training.precision=fp32",
        "average.refresh=128",
        "logging.tick=1",
    ]
