"""Folders of small images to tag."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganport_train.tagging.session import TagSession
from ganport_train.tagging.store import TagStore

DrawImage = Callable[[Path, str, int], None]
COLORS = {"red": (220, 40, 40), "green": (40, 180, 60), "blue": (50, 70, 220)}


@pytest.fixture
def draw_image() -> DrawImage:
    """Return a function that writes a noisy image of a color: red, green or blue."""

    def draw(path: Path, color: str, seed: int) -> None:
        noise = np.random.default_rng(seed).integers(-30, 30, (24, 24, 3))
        pixels = np.clip(np.array(COLORS[color]) + noise, 0, 255).astype(np.uint8)
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)

    return draw


@pytest.fixture
def folder(tmp_path: Path, draw_image: DrawImage) -> Path:
    """Return a folder with 12 images of three colors in turn, in `images`."""
    for index in range(12):
        draw_image(tmp_path / "images" / f"{index}.png", list(COLORS)[index % 3], index)
    return tmp_path


@pytest.fixture
def open_session(folder: Path) -> Callable[[], TagSession]:
    """Return a function that opens a new session of the folder."""
    return lambda: TagSession(TagStore(folder))
