"""A set of drawn pictures: its tables and `images/`, in a zip or a folder."""

from __future__ import annotations

import os
import secrets
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
from ganport_runtime.files import atomic_directory, check_folder

SIZES = range(16, 513)
SEEDS = range(2**63)
MOST = 1_000_000
"""Pictures in one set."""
MOST_WORKERS = 256

_CHUNK = 16  # pictures a worker draws before it reports
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that equal settings give equal bytes

Job = TypeVar("Job")
Write = Callable[[str, bytes], None]
Progress = Callable[[Iterator[bytes]], Iterator[bytes]]


@dataclass(frozen=True)
class DatasetSpec(Generic[Job]):
    """What goes into a set: every table whole, and how each picture is drawn.

    `title` says what it is ("tagged faces"). `tables` come first, in their order; a folder that
    holds the first of them is such a set. `jobs` are the pictures by name inside `images`, and
    `draw` turns one into a PNG file. Both travel to other processes: `draw` is a function of a
    module, or a partial of one.
    """

    title: str
    tables: Mapping[str, bytes]
    jobs: Mapping[str, Job]
    draw: Callable[[Job], bytes]


def write_dataset(
    out: Path,
    contents: DatasetSpec[Job],
    *,
    workers: int = 1,
    replace: bool = False,
    progress: Progress = iter,
) -> None:
    """Write a set into `out`: a zip if it is called so, else a folder.

    Equal contents give equal bytes, whatever the number of worker processes. `progress` may wrap
    the stream of finished PNG files. `out` is written whole or not at all. Raises GanportError
    for an `out` that exists (unless `replace`), a folder that cannot be written, and a worker
    that dies.
    """
    check_range("workers", workers, range(1, MOST_WORKERS + 1))
    _check_target(out, contents, replace)
    pictures = _drawn(contents.jobs.values(), contents.draw, workers)
    opened = _zip_writer if _is_zip(out) else _folder_writer
    try:
        with opened(out) as write:
            for name, table in contents.tables.items():
                write(name, table)
            for name, png in zip(contents.jobs, progress(pictures), strict=True):
                write(f"images/{name}", png)
    except BrokenProcessPool as error:
        raise GanportError(
            "workers",
            expected="worker processes that live until the set is drawn",
            found="one that was killed, perhaps for want of memory",
            fix="Draw again with fewer workers.",
        ) from error
    except OSError as error:
        raise GanportError(
            str(out),
            expected="a place that can be written",
            found=error.strerror or str(error),
            fix="Free some space or choose another place.",
        ) from error


def check_range(name: str, value: int, allowed: range) -> None:
    """Raise GanportError for an option `name` outside `allowed`."""
    if value not in allowed:
        raise GanportError(
            name,
            expected=f"a whole number from {allowed[0]} to {allowed[-1]}",
            found=str(value),
            fix=f"Give another {name}.",
        )


def _drawn(jobs: Iterable[Job], draw: Callable[[Job], bytes], workers: int) -> Iterator[bytes]:
    if workers == 1:
        yield from map(draw, jobs)
        return
    # spawn: a fork of a process that runs threads (torch, tqdm) can hang.
    # Ctrl-C reaches every process of the terminal; the workers leave it to this one.
    ignore = (signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(workers, get_context("spawn"), signal.signal, ignore) as pool:
        yield from pool.map(draw, jobs, chunksize=_CHUNK)


def _check_target(out: Path, contents: DatasetSpec[Job], replace: bool) -> None:
    check_folder(out.parent)
    if out.exists() and not replace:
        raise GanportError(
            str(out),
            expected="a name that is free",
            found="a folder" if out.is_dir() else "a file",
            fix="Choose another name, or replace it with --force.",
        )
    if out.exists() and not _is_set(out, next(iter(contents.tables))):
        raise GanportError(
            str(out),
            expected=f"a {'zip' if _is_zip(out) else 'folder'} of {contents.title} to replace",
            found="a folder of something else" if out.is_dir() else "another file",
            fix="Choose another name.",
        )


def _is_zip(out: Path) -> bool:
    return out.suffix.lower() == ".zip"


def _is_set(out: Path, table: str) -> bool:
    if _is_zip(out):
        return out.is_file()
    return out.is_dir() and ((out / table).is_file() or not any(out.iterdir()))


@contextmanager
def _zip_writer(path: Path) -> Iterator[Write]:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                yield lambda name, data: archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _folder_writer(path: Path) -> Iterator[Write]:
    with atomic_directory(path) as folder:
        (folder / "images").mkdir()
        yield lambda name, data: _write(folder / name, data)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
