"""Containers of a bundle's files: a folder, a stored zip, or a single file."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from ganport_runtime.bundle.schema import MAX_FILES, check_file_name
from ganport_runtime.errors import BundleError
from ganport_runtime.values import sanitize

# Windows has no O_NOFOLLOW: there the check before opening is the only guard against links.
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
ZIP_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    ValueError,
    OverflowError,
    EOFError,
    RuntimeError,
    struct.error,
)
"""What `zipfile` raises for a damaged or unsupported archive."""
_END_RECORD = struct.Struct("<4s4H2LH")
_END_RECORD_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_MAX_ENTRY_BYTES = 1024  # of the central directory, with the extra fields of common tools
_BUNDLE = "a bundle folder or a stored zip"

OpenFile = tuple[IO[bytes], int]
"""An open file and its size in bytes."""


def check_directory(file: BinaryIO, max_entries: int, place: str) -> None:
    """Raise `BundleError` for a zip of more than `max_entries` entries, before they are read.

    `zipfile` reads a directory of any size. Raises `ValueError` unless the directory ends the file:
    other readers might find another one.
    """
    size = file.seek(0, os.SEEK_END)
    data = _read_at(file, size - _END_RECORD.size, _END_RECORD.size)
    signature, *_, count, length, start, comment = _END_RECORD.unpack(data)
    if signature != b"PK\5\6" or comment:
        raise ValueError("no zip directory at the end of the file")
    end = size - _END_RECORD.size
    locator = _LOCATOR_64.unpack(_read_at(file, end - _LOCATOR_64.size, _LOCATOR_64.size))
    if locator[0] == b"PK\6\7":
        end -= _LOCATOR_64.size + _END_RECORD_64.size
        record = _END_RECORD_64.unpack(_read_at(file, end, _END_RECORD_64.size))
        *_, count, length, start = record
        if record[0] != b"PK\6\6" or locator[2] != end:
            raise ValueError("a zip directory that is not at the end of the file")
    if start + length != end:
        raise ValueError("a zip directory that is not at the end of the file")
    if count > max_entries or length > max_entries * _MAX_ENTRY_BYTES:
        raise BundleError(place, f"at most {max_entries} files", f"{count} in {length:,} bytes")


def check_stored(info: zipfile.ZipInfo, place: str) -> None:
    """Raise `BundleError` for a member that is encrypted, compressed, or not a regular file."""
    if info.flag_bits & 0x1:
        raise BundleError(place, "a member without a password", "an encrypted one")
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise BundleError(place, "a stored member (zip -0)", "a compressed one")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        raise BundleError(place, "a regular file", "a link, folder or device")


def _read_at(file: BinaryIO, position: int, size: int) -> bytes:
    file.seek(max(0, position))
    return file.read(size).ljust(size, b"\0")


class SingleFileContainer:
    """One file that is the whole bundle.

    Every container has the methods `names()` and `open(name)`, which yields a file and its size.
    They raise `BundleError` for files that are not allowed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """Return the name of the file."""
        return [self._path.name]

    def open(self, name: str) -> AbstractContextManager[OpenFile]:
        """Open the file."""
        # The user named this file, so a link to it is followed.
        return _open_regular_file(self._path, str(self._path), follow_links=True)


class FolderContainer:
    """A folder of regular files: no links, no folders, no pipes or devices."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the sorted names of all entries."""
        names = sorted(entry.name for entry in self._folder.iterdir())
        if len(names) > MAX_FILES + 2:
            raise BundleError(str(self._folder), f"at most {MAX_FILES} files", f"{len(names)}")
        return names

    def open(self, name: str) -> AbstractContextManager[OpenFile]:
        """Open a file."""
        place = str(self._folder / name)
        return _open_regular_file(self._folder / check_file_name(name, place), place)


class ZipContainer:
    """A zip of stored members with plain names: without compression there are no zip bombs."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """Return the names of all members."""
        with self._open_zip() as (_, members):
            return list(members)

    @contextmanager
    def open(self, name: str) -> Iterator[OpenFile]:
        """Open a member."""
        with self._open_zip() as (archive, members):
            if name not in members:
                raise BundleError(str(self._path / name), "a file in the zip", "none")
            with archive.open(members[name]) as file:
                yield file, members[name].file_size

    @contextmanager
    def _open_zip(self) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
        place = str(self._path)
        try:
            if not stat.S_ISREG(self._path.stat().st_mode):  # /dev/zero would be read for ever
                raise BundleError(place, _BUNDLE, "a device or pipe")
            with self._path.open("rb") as file:
                check_directory(file, MAX_FILES + 2, place)
                with zipfile.ZipFile(file) as archive:
                    yield archive, self._members(archive)
        except FileNotFoundError:
            raise BundleError(place, "a bundle", "no such file", "Check the path.") from None
        except OSError as error:
            found = error.strerror or str(error)
            raise BundleError(place, "a readable bundle", found) from error
        except ZIP_ERRORS as error:
            found = f"a file that is neither ({str(error)[:200] or type(error).__name__})"
            raise BundleError(place, _BUNDLE, found) from error

    def _members(self, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        place = str(self._path)
        infos = archive.infolist()
        for info in infos:
            name = check_file_name(info.orig_filename, f"{place}: member")
            if name in members:
                raise BundleError(place, "each member once", f"{name} twice")
            check_stored(info, f"{place}/{name}")
            members[name] = info
        # Overlapping members would exceed the size of the zip.
        total = sum(info.file_size for info in infos)
        if total > self._path.stat().st_size:
            raise BundleError(place, "members within the zip", f"{total} bytes declared")
        return members


Container = SingleFileContainer | FolderContainer | ZipContainer


@contextmanager
def _open_regular_file(path: Path, place: str, *, follow_links: bool = False) -> Iterator[OpenFile]:
    try:
        status = path.stat() if follow_links else path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise BundleError(place, "a regular file", "a link, folder or device")
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | (0 if follow_links else _NO_LINKS)
        with os.fdopen(os.open(path, flags), "rb") as file:
            yield file, status.st_size
    except FileNotFoundError:
        raise BundleError(place, "a file", "no such file") from None
    except OSError as error:
        raise BundleError(place, "a readable file", error.strerror or str(error)) from error
    except ValueError as error:  # a null byte in the name
        raise BundleError(sanitize(place, 200), "a file name", str(error)) from error
