"""A tagged set of drawn faces: `tags.csv` and `images/`, in a zip or a folder."""

from __future__ import annotations

import io
import os
import secrets
import signal
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from random import Random

from ganport_runtime.errors import GanportError
from ganport_runtime.files import check_folder, whole_directory
from ganport_train.draw.faces import draw_face
from ganport_train.draw.palette import EYES, HAIR

SIZES = range(16, 513)
MOST = 1_000_000  # pictures in one set
MOST_WORKERS = 256

_PAIRS = tuple(product(HAIR, EYES))
_CHUNK = 16  # pictures a worker draws before it reports
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that equal settings give equal bytes

Write = Callable[[str, bytes], None]


def face_seed(seed: int, index: int) -> int:
    """Return the seed for `draw_face` of picture `index` in the set of `seed`."""
    return int.from_bytes(blake2b(f"{seed}/{index}".encode(), digest_size=8).digest())


def labels_of(seed: int, index: int) -> tuple[str, str]:
    """Return hair and eye label of picture `index`.

    Every 120 pictures hold every pair once, in an order of their own.
    """
    block, place = divmod(index, len(_PAIRS))
    order = list(_PAIRS)
    Random(f"ganport pairs 1/{seed}/{block}").shuffle(order)
    return order[place]


def write_faces(
    out: Path,
    count: int,
    size: int,
    *,
    seed: int = 0,
    workers: int = 1,
    replace: bool = False,
    progress: Callable[[Iterator[bytes]], Iterator[bytes]] = iter,
) -> None:
    """Draw `count` faces of `size` pixels into `out`: a zip if it is called so, else a folder.

    Picture i depends on (seed, i) alone, and equal settings give equal bytes, whatever the number
    of worker processes. `progress` may wrap the stream of finished PNG files. `out` is written
    whole or not at all. Raises GanportError for numbers out of range, an `out` that exists
    (unless `replace`), a folder that cannot be written, and a worker that dies.
    """
    _check_range("count", count, range(1, MOST + 1))
    _check_range("size", size, SIZES)
    _check_range("seed", seed, range(2**63))
    _check_range("workers", workers, range(1, MOST_WORKERS + 1))
    _check_target(out, replace)
    tags = "".join(f"{i},{_caption(*labels_of(seed, i))}\n" for i in range(count))
    pictures = _drawn(range(count), partial(_png, seed=seed, size=size), workers)
    opened = _zip_writer if _is_zip(out) else _folder_writer
    try:
        with opened(out) as write:
            write("tags.csv", tags.encode())
            for index, png in enumerate(progress(pictures)):
                write(f"images/{index}.png", png)
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


def _caption(hair: str, eyes: str) -> str:
    return f"{hair} hair {eyes} eyes"


def _png(index: int, *, seed: int, size: int) -> bytes:
    buffer = io.BytesIO()
    draw_face(face_seed(seed, index), *labels_of(seed, index), size).save(buffer, "PNG")
    return buffer.getvalue()


def _drawn(indices: range, draw: Callable[[int], bytes], workers: int) -> Iterator[bytes]:
    if workers == 1:
        yield from map(draw, indices)
        return
    # spawn: a fork of a process that runs threads (torch, tqdm) can hang.
    # Ctrl-C reaches every process of the terminal; the workers leave it to this one.
    ignore = (signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(workers, get_context("spawn"), signal.signal, ignore) as pool:
        yield from pool.map(draw, indices, chunksize=_CHUNK)


def _check_range(name: str, value: int, allowed: range) -> None:
    if value not in allowed:
        raise GanportError(
            name,
            expected=f"a whole number from {allowed[0]} to {allowed[-1]}",
            found=str(value),
            fix=f"Give another {name}.",
        )


def _check_target(out: Path, replace: bool) -> None:
    check_folder(out.parent)
    if out.exists() and not replace:
        raise GanportError(
            str(out),
            expected="a name that is free",
            found="a folder" if out.is_dir() else "a file",
            fix="Choose another name, or replace it with --force.",
        )
    if out.exists() and not _is_set(out):
        raise GanportError(
            str(out),
            expected=f"a {'zip' if _is_zip(out) else 'folder'} of tagged faces to replace",
            found="a folder of something else" if out.is_dir() else "another file",
            fix="Choose another name.",
        )


def _is_zip(out: Path) -> bool:
    return out.suffix.lower() == ".zip"


def _is_set(out: Path) -> bool:
    if _is_zip(out):
        return out.is_file()
    return out.is_dir() and ((out / "tags.csv").is_file() or not any(out.iterdir()))


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
    with whole_directory(path) as folder:
        (folder / "images").mkdir()
        yield lambda name, data: _write(folder / name, data)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
