"""The cache of decoded datasets: entries are written atomically and verified when opened."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.errors import GanportError
from ganport_runtime.files import atomic_directory, remove_stale_temporaries, sha256_of
from ganport_runtime.images.format import ImageFormat
from ganport_train.data.issues import DataError

FORMAT = 6
"""Version of an entry. Raise it when a reader, the decoder, the groups or these files change."""

_IMAGES = "images.u8"
_INDEX = "index.json"
_INDEX_DIGEST = "index.sha256"
_ENTRY_NAME = re.compile("[0-9a-f]{32}")
_BLOCK = 1024  # images rewritten at a time
_DAY = 24 * 60 * 60.0

Settings = Mapping[str, Any]
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Entry:
    """One cached dataset.

    `images` is uint8 (N, H, W, C), memory-mapped, in the format that `metadata` states as `image`;
    `arrays` are the smaller arrays by name; `metadata` is plain JSON.
    """

    images: NDArray[np.uint8]
    arrays: Arrays
    metadata: dict[str, Any]


class EntryWriter:
    """Takes the images of an entry one by one, and its arrays and metadata at the end.

    `metadata` must get the format of the images as `image`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._images = path.open("xb")
        self.arrays: Arrays = {}
        self.metadata: dict[str, Any] = {}

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """Append one uint8 (H, W, C) image."""
        self._images.write(np.ascontiguousarray(pixels).data)

    def rewrite(
        self, shape: tuple[int, ...], change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
    ) -> None:
        """Replace the images so far, of (H, W, C) `shape`, by what `change` returns for them."""
        self.close()
        old = self._path.with_suffix(".old")
        self._path.rename(old)
        self._images = self._path.open("xb")
        if old.stat().st_size:
            images = np.memmap(old, np.uint8, "r").reshape(-1, *shape)
            for start in range(0, len(images), _BLOCK):
                self.add(change(images[start : start + _BLOCK]))
            del images
        old.unlink()

    def clear(self) -> None:
        """Drop the images so far."""
        self._images.seek(0)
        self._images.truncate()

    def close(self) -> None:
        """Close the file of the images."""
        self._images.close()


def default_cache_root() -> Path:
    """Return `$GANPORT_CACHE`, else `$XDG_CACHE_HOME/ganport`, else `~/.cache/ganport`."""
    if configured := os.environ.get("GANPORT_CACHE"):
        return Path(configured)
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG base directory specification ignores relative paths.
    return (base if base.is_absolute() else Path.home() / ".cache") / "ganport"


def entry_folder(root: Path, settings: Settings) -> Path:
    """Return the folder of the entry of `settings`, which may not exist yet."""
    return root / sha256_of(_json({"format": FORMAT, **settings}))[:32]


def open_entry(root: Path, settings: Settings) -> Entry | None:
    """Open the entry of `settings`; None if there is no entry or it is corrupt."""
    try:
        return _open(entry_folder(root, settings), settings)
    except (OSError, ValueError, KeyError, TypeError, GanportError):
        return None


@contextmanager
def new_entry(root: Path, settings: Settings) -> Iterator[EntryWriter]:
    """Write the entry of `settings`; it exists once the block ends without an error.

    Removes unfinished entries that are a day old or older first.
    """
    root.mkdir(parents=True, exist_ok=True)
    remove_stale_temporaries(root, _ENTRY_NAME, age=_DAY)
    with atomic_directory(entry_folder(root, settings)) as folder:
        writer = EntryWriter(folder / _IMAGES)
        with closing(writer):
            yield writer
        _finish(folder, writer, settings)


def check_free_space(root: Path, count: int, shape: tuple[int, int, int]) -> None:
    """Raise `DataError` if `count` images of (H, W, C) `shape` do not fit on the disk of `root`."""
    folder = next(parent for parent in (root, *root.absolute().parents) if parent.exists())
    needed, free = count * prod(shape), shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"cache folder {root}",
            f"{needed / 2**20:,.0f} MiB free for the decoded images",
            f"{free / 2**20:,.0f} MiB",
            "Free some space, or set GANPORT_CACHE to a folder on a larger disk.",
        )


def _finish(folder: Path, writer: EntryWriter, settings: Settings) -> None:
    for name, array in writer.arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    digests = {name: sha256_of(folder / f"{name}.npy") for name in writer.arrays}
    size = (folder / _IMAGES).stat().st_size
    index = {"settings": settings, "bytes": size, "arrays": digests, "metadata": writer.metadata}
    (folder / _INDEX).write_bytes(_json(index))
    (folder / _INDEX_DIGEST).write_text(sha256_of(_json(index)))


def _open(folder: Path, settings: Settings) -> Entry | None:
    data = (folder / _INDEX).read_bytes()
    if (folder / _INDEX_DIGEST).read_text() != sha256_of(data):
        return None
    index = json.loads(data)
    arrays = {name: folder / f"{name}.npy" for name in index["arrays"]}
    if any(sha256_of(path) != index["arrays"][name] for name, path in arrays.items()):
        return None
    images = folder / _IMAGES
    if _json(index["settings"]) != _json(settings) or images.stat().st_size != index["bytes"]:
        return None
    image = ImageFormat.from_json(index["metadata"]["image"], "cache: image")
    return Entry(
        np.memmap(images, np.uint8, "r").reshape(-1, *image.size, image.channels),
        {name: np.load(path, allow_pickle=False) for name, path in arrays.items()},
        index["metadata"],
    )


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
