"""Write a drawn dataset: its tables and `images/`, to a zip or a folder."""

from __future__ import annotations

import signal
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Generic, TypeVar

from ganport_runtime.errors import GanportError
from ganport_runtime.files import atomic_directory, atomic_file, check_folder
from ganport_train.data.images import track

SIZES = range(16, 513)
SEEDS = range(2**63)
MAX_IMAGES = 1_000_000
"""Images in one dataset."""
MAX_WORKERS = 256

_CHUNK = 16  # images that a worker draws at a time
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # constant, so that equal settings give equal bytes

Item = TypeVar("Item")
Write = Callable[[str, bytes], None]


@dataclass(frozen=True)
class DatasetSpec(Generic[Item]):
    """The contents of a dataset.

    title: what the dataset is, such as "tagged faces".
    tables: files by name, in order. A folder that holds the first one is such a dataset.
    items: what each image shows, by its name inside `images`.
    draw: draws an item as a PNG file. Worker processes call it, so it is a module-level function
    or a partial of one.
    """

    title: str
    tables: Mapping[str, bytes]
    items: Mapping[str, Item]
    draw: Callable[[Item], bytes]


def write_dataset(
    out: Path, spec: DatasetSpec[Item], *, workers: int = 1, replace: bool = False
) -> None:
    """Draw a dataset to `out` atomically: to a zip if its suffix is `.zip`, else to a folder.

    The bytes do not depend on the number of worker processes. Raises `GanportError` for an `out`
    that exists (unless `replace`), an unwritable folder, and a worker that dies.
    """
    check_range("workers", workers, range(1, MAX_WORKERS + 1))
    _check_target(out, spec, replace)
    drawn = _draw_all(spec.items.values(), spec.draw, workers)
    images = track(drawn, "drawing", len(spec.items), "images")
    open_writer = _zip_writer if _is_zip(out) else _folder_writer
    try:
        with open_writer(out) as write:
            for name, table in spec.tables.items():
                write(name, table)
            for name, png in zip(spec.items, images, strict=True):
                write(f"images/{name}", png)
    except BrokenProcessPool as error:
        raise GanportError(
            "workers",
            "worker processes that run to the end",
            "one that was killed, possibly because memory ran out",
            "Use fewer workers.",
        ) from error


def check_range(name: str, value: int, allowed: range) -> None:
    """Raise `GanportError` for an option `name` outside `allowed`."""
    if value not in allowed:
        expected = f"a whole number from {allowed[0]} to {allowed[-1]}"
        raise GanportError(name, expected, str(value), f"Give another {name}.")


def _draw_all(
    items: Iterable[Item], draw: Callable[[Item], bytes], workers: int
) -> Iterator[bytes]:
    if workers == 1:
        yield from map(draw, items)
        return
    # Use spawn, because a fork of a process with threads (torch, tqdm) can hang. Workers ignore
    # Ctrl-C, which reaches every process of the terminal: this process stops them.
    ignore = (signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(workers, get_context("spawn"), signal.signal, ignore) as pool:
        yield from pool.map(draw, items, chunksize=_CHUNK)


def _check_target(out: Path, spec: DatasetSpec[Item], replace: bool) -> None:
    check_folder(out.parent)
    if out.exists() and not replace:
        found = "a folder" if out.is_dir() else "a file"
        fix = "Choose another name, or replace it with --force."
        raise GanportError(str(out), "an unused name", found, fix)
    if out.exists() and not _is_dataset(out, next(iter(spec.tables))):
        expected = f"a {'zip' if _is_zip(out) else 'folder'} of {spec.title} to replace"
        found = "a folder of something else" if out.is_dir() else "another file"
        raise GanportError(str(out), expected, found, "Choose another name.")


def _is_zip(out: Path) -> bool:
    return out.suffix.lower() == ".zip"


def _is_dataset(out: Path, table: str) -> bool:
    if _is_zip(out):
        return out.is_file()
    return out.is_dir() and ((out / table).is_file() or not any(out.iterdir()))


@contextmanager
def _zip_writer(path: Path) -> Iterator[Write]:
    with atomic_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        yield lambda name, data: archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), data)


@contextmanager
def _folder_writer(path: Path) -> Iterator[Write]:
    with atomic_directory(path) as folder:
        (folder / "images").mkdir()

        def write(name: str, data: bytes) -> None:
            (folder / name).write_bytes(data)

        yield write
