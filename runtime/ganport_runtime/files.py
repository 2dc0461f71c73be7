"""Atomic writing of files and folders, output checks, digests."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ganport_runtime.errors import FileError, GanportError, RequestError

_MAX_TEXT = 2**20
_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{12}\.tmp")  # the names of `_temporary_path`


def sha256_of(data: bytes | Path) -> str:
    """Return the SHA-256 of bytes, or of a file's content, in lower-case hex (64 characters)."""
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest()
    with data.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_lines(file: Path, what: str) -> list[str]:
    """Return the lines of a UTF-8 text file of at most 1 MiB, with one `what` on each.

    Raises `RequestError`.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(_MAX_TEXT + 1)
    except OSError as error:
        found = error.strerror or str(error)
        raise RequestError(str(file), "a text file", found, "Check the path.") from error
    if len(data) > _MAX_TEXT:
        fix = f"Write one {what} on each line."
        raise RequestError(str(file), "at most 1 MiB of text", "a larger file", fix)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        found = f"the byte 0x{data[error.start]:02x}"
        fix = f"Save the file as UTF-8, with one {what} on each line."
        raise RequestError(f"{file}:{line}", "text in UTF-8", found, fix) from error
    # Not str.splitlines: editors count only these line breaks.
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def check_output(path: Path, suffixes: Sequence[str]) -> None:
    """Raise `RequestError` if a file cannot be written at `path`.

    The error names a suffix outside `suffixes`, a missing or unwritable folder, or a path that is
    a folder.
    """
    if path.suffix.lower() not in suffixes:
        raise RequestError(
            str(path),
            f"a name ending in {' or '.join(suffixes)}",
            f"the suffix {path.suffix!r}",
            f"Call it {path.stem + suffixes[0]!r}.",
        )
    if path.is_dir():
        raise RequestError(str(path), "a file to write", "a folder", "Name a file inside it.")
    check_folder(path.parent)


def check_folder(folder: Path) -> None:
    """Raise `RequestError` unless `folder` exists and is writable."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
        fix = "Create the folder first or write somewhere else."
        raise RequestError(str(folder), "an existing folder", found, fix)
    if not os.access(folder, os.W_OK | os.X_OK):
        fix = "Change its permissions or write somewhere else."
        raise RequestError(str(folder), "a writable folder", "no write permission", fix)


def atomic_write(path: Path, data: bytes) -> None:
    """Write `data` to a temporary sibling, then rename it: readers see all of it or none.

    Raises `FileError`, for a full disk for example; then `path` is unchanged.
    """
    with atomic_file(path) as file:
        file.write(data)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a temporary sibling file that is renamed to `path` if the block succeeds.

    On any error the temporary file is removed and `path` is unchanged. Raises `FileError` for an
    error of the file system.
    """
    temporary = _temporary_path(path)
    with _write_errors(path, lambda: temporary.unlink(missing_ok=True)):
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    _sync_folder(path.parent)


@contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling folder that is renamed to `path` if the block succeeds.

    An existing `path` is replaced. On any error the temporary folder is removed and `path` is
    unchanged. Raises `FileError` for an error of the file system.
    """
    temporary = _temporary_path(path)
    with _write_errors(path, lambda: shutil.rmtree(temporary, ignore_errors=True)):
        temporary.mkdir()
        yield temporary
        _sync_tree(temporary)
        _replace_folder(temporary, path)
    _sync_folder(path.parent)


@contextmanager
def _write_errors(path: Path, clean_up: Callable[[], None]) -> Iterator[None]:
    """Clean up after any error; turn an `OSError` into the `FileError` of `path`."""
    try:
        yield
    except BaseException as error:
        clean_up()
        if isinstance(error, OSError) and not isinstance(error, GanportError):
            raise FileError.from_os_error(error, str(path)) from error
        raise


def remove_stale_temporaries(folder: Path, names: re.Pattern[str], *, age: float) -> None:
    """Remove the temporary folders that killed programs left behind in `folder`.

    Only siblings of paths whose whole name matches `names`, and that were not written to for `age`
    seconds, are removed: another program may still write to a younger one.
    """
    for path in folder.iterdir():
        match = _TEMPORARY.fullmatch(path.name)
        if match and names.fullmatch(match[1]) and _last_change(path) < time.time() - age:
            shutil.rmtree(path, ignore_errors=True)


def _last_change(folder: Path) -> float:
    try:
        states = [path.lstat() for path in (folder, *folder.rglob("*"))]
    except OSError:  # another program is changing it
        return time.time()
    # A renamed folder keeps the mtime of its content; only the ctime changes.
    return max(max(state.st_mtime, state.st_ctime) for state in states)


def _temporary_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")


def _replace_folder(new: Path, path: Path) -> None:
    # A folder cannot be renamed over a non-empty one, so the old one is renamed first.
    old = _temporary_path(path)
    try:
        path.rename(old)
    except FileNotFoundError:
        new.rename(path)
        return
    try:
        new.rename(path)
    except BaseException:
        try:
            old.rename(path)
        except OSError:  # another program has replaced the folder at the same time
            shutil.rmtree(old, ignore_errors=True)
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
    # Windows and some network file systems cannot sync a folder; the rename is valid without it.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
