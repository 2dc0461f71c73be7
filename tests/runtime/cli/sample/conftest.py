"""Fixtures that read the images and the metadata of written files."""

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

ReadFile = tuple[Any, list[dict[str, Any]]]


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


@pytest.fixture
def read_file() -> Callable[[Path], ReadFile]:
    """Return a function that reads the pixels of a file and the metadata of its images."""

    def read(path: Path) -> ReadFile:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB")), json.loads(
                read_metadata(path)["ganport.pictures"]
            )

    return read


@pytest.fixture
def read_frames() -> Callable[[Path], list[Any]]:
    """Return a function that reads the pixels of each frame of an animation."""

    def read(path: Path) -> list[Any]:
        pages = []
        with Image.open(path) as image:
            for index in range(image.n_frames):  # type: ignore[attr-defined]
                image.seek(index)
                pages.append(np.asarray(image.convert("RGB")))
        return pages

    return read


@pytest.fixture
def contains() -> Callable[[Any, Any, int], bool]:
    """Return a function that finds an enlarged image anywhere on a page."""

    def find(page: Any, image: Any, scale: int) -> bool:
        large = image.repeat(scale, axis=0).repeat(scale, axis=1)
        height, width = large.shape[:2]
        corners = np.argwhere((page[: 1 - height, : 1 - width] == large[0, 0]).all(axis=2))
        return any(np.array_equal(page[y : y + height, x : x + width], large) for y, x in corners)

    return find


@pytest.fixture
def regenerate() -> Callable[[Path, list[dict[str, Any]]], Any]:
    """Return a function that generates the images that the metadata of a page describe."""

    def generate(bundle: Path, entries: list[dict[str, Any]]) -> Any:
        seeds = [int(entry["seed"]) for entry in entries]
        requests = [entry["condition"] for entry in entries]
        return Generator.load(bundle).generate(requests, seeds=seeds)

    return generate
