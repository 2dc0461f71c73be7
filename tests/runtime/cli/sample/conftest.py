"""Fixtures that run a command, and read the images and the metadata of the file that it writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from ganport_runtime import Generator
from ganport_runtime.images.encode import read_metadata


@pytest.fixture
def bundle(data: Path) -> Path:
    return data / "tiny.ganport"


@pytest.fixture
def every_kind(data: Path) -> Path:
    """Return a generator with a group of each kind."""
    return data / "tiny-every-kind.onnx"


@pytest.fixture
def translator(data: Path) -> Path:
    return data / "tiny-translator.ganport"


@pytest.fixture
def flow(data: Path) -> Path:
    return data / "tiny-flow.ganport"


@pytest.fixture
def portraits(tmp_path: Path) -> list[Path]:
    """Write three images of 8 x 8."""
    paths = [tmp_path / name for name in ("ann.png", "bob.png", "cleo.png")]
    for seed, path in enumerate(paths):
        pixels = np.random.default_rng(seed).integers(100, 156, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    return paths


class Sheet:
    """A written file: the pixels of its frames, and how each image was made."""

    def __init__(self, path: Path, out: str = "", mode: str = "RGB") -> None:
        self.path, self.out = path, out
        self.frames: list[NDArray[np.uint8]] = []
        with Image.open(path) as image:
            for frame in ImageSequence.Iterator(image):
                pixels = np.asarray(frame.convert(mode))
                self.frames.append(pixels.reshape(*pixels.shape[:2], -1))
        self.page = self.frames[0]

    @cached_property
    def entries(self) -> list[dict[str, Any]]:
        """The metadata of the images."""
        entries: list[dict[str, Any]] = json.loads(read_metadata(self.path)["ganport.pictures"])
        return entries

    def shows(self, image: NDArray[np.uint8], scale: int, frame: int = 0) -> bool:
        """Return whether an enlarged image is anywhere on a frame."""
        page, large = self.frames[frame], image.repeat(scale, axis=0).repeat(scale, axis=1)
        height, width = large.shape[:2]
        corners = np.argwhere((page[: 1 - height, : 1 - width] == large[0, 0]).all(axis=2))
        return any(np.array_equal(page[y : y + height, x : x + width], large) for y, x in corners)

    def regenerate(self, bundle: Path) -> NDArray[np.uint8]:
        """Generate the images that the metadata describe."""
        seeds = [int(entry["seed"]) for entry in self.entries]
        requests = [entry["condition"] for entry in self.entries]
        return Generator.load(bundle).generate(requests, seeds=seeds)


@pytest.fixture
def read_sheet() -> type[Sheet]:
    return Sheet


@pytest.fixture
def sample(run: Callable[..., Any], tmp_path: Path) -> Callable[..., Sheet]:
    """Return a function that runs a command of `sample-gan`, and reads the file that it writes."""

    def write(*words: object, name: str = "a.png") -> Sheet:
        result = run("sample-gan", *words, "--out", tmp_path / name)
        assert result.code == 0, result.err
        return Sheet(tmp_path / name, result.out)

    return write
