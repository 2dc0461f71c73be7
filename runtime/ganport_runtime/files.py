"""Files that are written whole or not at all, and their digests."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ganport_runtime.errors import RequestError


def sha256_of(data: bytes | Path) -> str:
    """SHA-256 of some bytes, or of a file's content, in lower-case hex (64 characters)."""
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest()
    with data.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_output(path: Path, suffixes: Sequence[str]) -> None:
    """Refuse an output path before any work is done for it.

    Raises `RequestError` for a suffix outside `suffixes`, a missing or unwritable folder, or a
    path that is a folder.
    """
    if path.suffix.lower() not in suffixes:
        raise RequestError(
            str(path),
            expected=f"a name ending in {' or '.join(suffixes)}",
            found=f"the suffix {path.suffix!r}",
            fix=f"Call it {path.stem + suffixes[0]!r}.",
        )
    if path.is_dir():
        raise RequestError(
            str(path), expected="a file to write", found="a folder", fix="Name a file inside it."
        )
    check_folder(path.parent)


def check_folder(folder: Path) -> None:
    """Refuse a folder that new files cannot be written to; raises `RequestError`."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing there"
        raise RequestError(
            str(folder),
            expected="an existing folder",
            found=found,
            fix="Create the folder first or write somewhere else.",
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RequestError(
            str(folder),
            expected="a folder you may write to",
            found="no write permission",
            fix="Change its permissions or write somewhere else.",
        )


def atomic_write(path: Path, data: bytes) -> None:
    """Write `data` under a temporary sibling name, then rename: a reader sees all of it or none."""
    temporary = _sibling(path)
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


@contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling folder that becomes `path` when the block ends without an error.

    An older `path` is replaced. On any error the temporary folder is removed and `path` is as
    it was.
    """
    temporary = _sibling(path)
    temporary.mkdir()
    try:
        yield temporary
        _sync_tree(temporary)
        _replace_folder(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync_folder(path.parent)


def remove_stale_temporaries(folder: Path, names: re.Pattern[str], *, age: float) -> None:
    """Remove what `atomic_directory` left behind in `folder` when its program was killed.

    Only the temporary siblings of paths whose names match `names` whole, in which nothing was
    written for `age` seconds: a younger one may be the work of another program.
    """
    for path in folder.iterdir():
        temporary = _TEMPORARY.fullmatch(path.name)
        if temporary and names.fullmatch(temporary[1]) and _last_change(path) < time.time() - age:
            shutil.rmtree(path, ignore_errors=True)


def _last_change(folder: Path) -> float:
    try:
        states = [path.lstat() for path in (folder, *folder.rglob("*"))]
    except OSError:  # someone else is at work in it
        return time.time()
    # A folder that has just stepped aside is as old as its content; only its ctime tells.
    return max(max(state.st_mtime, state.st_ctime) for state in states)


_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{12}\.tmp")  # as `_sibling` calls it


def _sibling(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")


def _replace_folder(new: Path, path: Path) -> None:
    # A folder cannot be renamed over a filled one, so the old one steps aside first.
    old = _sibling(path)
    try:
        path.rename(old)
    except FileNotFoundError:
        new.rename(path)
        return
    try:
        new.rename(path)
    except BaseException:
        old.rename(path)
        raise
    if old.is_dir() and not old.is_symlink():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.unlink(missing_ok=True)


def _sync_tree(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            with (Path(parent) / name).open("rb+") as file:
                os.fsync(file.fileno())
        _sync_folder(Path(parent))


def _sync_folder(folder: Path) -> None:
    # Windows and some network file systems cannot sync a folder; the rename stands without it.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
