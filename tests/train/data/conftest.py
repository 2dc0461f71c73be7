"""Small datasets: their files by name, and fixtures that write a folder or a zip."""

from __future__ import annotations

import io
import itertools
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganport_train.data.formats.registry import open_source
from ganport_train.data.source import Source

Files = dict[str, bytes]
HAIR = ("pink", "red", "blue")
EYES = ("black", "green")
IMAGE_NAMES = {
    "iclevr": [f"images/{name}.png" for name in ("a_0", "a_1", "a_2", "b_0", "c_0")],
    "celeba": [f"img_align_celeba/{i}.png" for i in range(5)],
    "image_folder": [f"{'cat' if i < 2 else 'dog'}/{i}.png" for i in range(5)],
    "stylegan_json": [f"00000/{i}.png" for i in range(5)],
}
TABLES: dict[str, dict[str, str]] = {
    "iclevr": {
        "train.json": '{"a_0.png": ["cube"], "a_1.png": ["cube", "ball"], "b_0.png": ["ball"],'
        ' "a_2.png": ["cube", "ball", "cone"], "c_0.png": ["ball"]}',
        "objects.json": '{"cube": 0, "ball": 1, "cone": 2}',
        "test.json": '[["cube", "cone"], ["ball"]]',
    },
    "celeba": {
        "list_attr_celeba.txt": "5\nBald Smiling Young\n"
        "0.png 1 1 -1\n1.png -1 1 -1\n2.png -1 -1 -1\n3.png -1 1 1\n4.png 1 -1 -1\n",
    },
    "image_folder": {},
    "stylegan_json": {
        "dataset.json": '{"labels": [["00000/0.png", 3], ["00000/1.png", 12], ["00000/2.png", 3],'
        ' ["00000/3.png", 12], ["00000/4.png", 3]]}',
    },
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of cached datasets, which each test has for itself."""
    monkeypatch.setenv("GANPORT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def make_image() -> Callable[..., Image.Image]:
    """Return a function that makes a smooth RGB image from a seed."""

    def make(seed: int, size: int | tuple[int, int] = 32) -> Image.Image:
        coarse = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
        shape = (size, size) if isinstance(size, int) else size
        return Image.fromarray(coarse).resize(shape, Image.Resampling.BICUBIC)

    return make


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """Return a function that encodes an image as a file."""

    def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        return buffer.getvalue()

    return encode


@pytest.fixture
def tagged_files(
    make_image: Callable[..., Image.Image], encode: Callable[..., bytes]
) -> Callable[..., Files]:
    """Return a function that makes a tagged dataset of PNG images 0, 1, ... with cyclic tags."""

    def make(count: int = 6, size: int = 32, first_seed: int = 0) -> Files:
        files = {f"images/{i}.png": encode(make_image(first_seed + i, size)) for i in range(count)}
        lines = [f"{i},{HAIR[i % 3]} hair {EYES[i % 2]} eyes\n" for i in range(count)]
        return files | {"tags.csv": "".join(lines).encode()}

    return make


@pytest.fixture
def format_files(
    make_image: Callable[..., Image.Image], encode: Callable[..., bytes]
) -> Callable[..., Files]:
    """Return a function that makes a dataset of a format: five images, 40 wide and 32 high."""

    def make(kind: str) -> Files:
        names = enumerate(IMAGE_NAMES[kind])
        images = {name: encode(make_image(seed, (40, 32))) for seed, name in names}
        return images | {name: text.encode() for name, text in TABLES[kind].items()}

    return make


@pytest.fixture
def write_folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes files to a folder."""

    def write(files: Files, name: str = "faces") -> Path:
        for file, data in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path / name

    return write


@pytest.fixture
def write_zip(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes files to a zip."""

    def write(files: Files, name: str = "faces.zip", method: int = zipfile.ZIP_STORED) -> Path:
        with zipfile.ZipFile(tmp_path / name, "w", method) as archive:
            for file, data in files.items():
                archive.writestr(file, data)
        return tmp_path / name

    return write


@pytest.fixture(scope="session")
def open_zip(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Files], AbstractContextManager[Source]]:
    """Return a function that opens files as a source; Hypothesis needs session scope."""
    folder, numbers = tmp_path_factory.mktemp("zips"), itertools.count()

    @contextmanager
    def pack(files: Files) -> Iterator[Source]:
        path = folder / f"{next(numbers)}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file, data in files.items():
                archive.writestr(file, data)
        with open_source(path) as source:
            yield source
        path.unlink()

    return pack
