"""What a written file shows and says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganport_runtime import Generator
from ganport_runtime.images.encode import read_metadata

Opened = tuple[Any, list[dict[str, Any]]]


@pytest.fixture
def bundle(data: Path) -> Path:
    return data / "tiny.ganport"


@pytest.fixture
def every_kind(data: Path) -> Path:
    """A generator with a group of each kind."""
    return data / "tiny-every-kind.onnx"


@pytest.fixture
def translator(data: Path) -> Path:
    return data / "tiny-translator.ganport"


@pytest.fixture
def flow(data: Path) -> Path:
    return data / "tiny-flow.ganport"


@pytest.fixture
def portraits(tmp_path: Path) -> list[Path]:
    """Three pictures of 8 x 8."""
    paths = [tmp_path / name for name in ("ann.png", "bob.png", "cleo.png")]
    for seed, path in enumerate(paths):
        pixels = np.random.default_rng(seed).integers(100, 156, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    return paths


@pytest.fixture
def opened() -> Callable[[Path], Opened]:
    """The pixels of a file, and what it says of its pictures."""

    def read(path: Path) -> Opened:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB")), json.loads(
                read_metadata(path)["ganport.pictures"]
            )

    return read


@pytest.fixture
def frames() -> Callable[[Path], list[Any]]:
    """The pixels of each frame of an animation."""

    def read(path: Path) -> list[Any]:
        pages = []
        with Image.open(path) as image:
            for index in range(image.n_frames):  # type: ignore[attr-defined]
                image.seek(index)
                pages.append(np.asarray(image.convert("RGB")))
        return pages

    return read


@pytest.fixture
def shows() -> Callable[[Any, Any, int], bool]:
    """Whether a page shows a picture, enlarged, anywhere."""

    def find(page: Any, picture: Any, scale: int) -> bool:
        large = picture.repeat(scale, axis=0).repeat(scale, axis=1)
        height, width = large.shape[:2]
        corners = np.argwhere((page[: 1 - height, : 1 - width] == large[0, 0]).all(axis=2))
        return any(np.array_equal(page[y : y + height, x : x + width], large) for y, x in corners)

    return find


@pytest.fixture
def drawn_again() -> Callable[[Path, list[dict[str, Any]]], Any]:
    """The pictures that the metadata of a page tell, drawn from Python."""

    def draw(bundle: Path, pictures: list[dict[str, Any]]) -> Any:
        seeds = [int(picture["seed"]) for picture in pictures]
        requests = [picture["condition"] for picture in pictures]
        return Generator.load(bundle).generate(requests, seeds=seeds)

    return draw
