"""Containers of a bundle's files: a folder, a stored zip, or a single file."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganport_runtime.bundle.schema import MAX_FILES, check_file_name
from ganport_runtime.errors import BundleError

# Windows has no O_NOFOLLOW: there the check before opening is the only guard against links.
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    ValueError,
    OverflowError,
    EOFError,
    RuntimeError,
    struct.error,
)
_BUNDLE = "a bundle folder or a stored zip"


class SingleFileContainer:
    """One file that is the whole bundle.

    Every container has the methods `names()` and `read(name, limit=...)`, which returns at most
    `limit` bytes. They raise `BundleError` for files that are not allowed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """Return the name of the file."""
        return [self._path.name]

    def read(self, name: str, *, limit: int) -> bytes:
        """Return the content of the file."""
        # The user named this file, so a link to it is followed.
        return _read_regular_file(self._path, str(self._path), limit, follow_links=True)


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

    def read(self, name: str, *, limit: int) -> bytes:
        """Return the content of a file."""
        place = str(self._folder / name)
        return _read_regular_file(self._folder / check_file_name(name, place), place, limit)


class ZipContainer:
    """A zip of stored members with plain names: without compression there are no zip bombs."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """Return the names of all members."""
        with self._open() as (_, members):
            return list(members)

    def read(self, name: str, *, limit: int) -> bytes:
        """Return the content of a member."""
        place = str(self._path / name)
        with self._open() as (archive, members):
            if name not in members:
                raise BundleError(place, "a file in the zip", "none")
            if members[name].file_size > limit:
                raise BundleError(place, f"at most {limit} bytes", f"{members[name].file_size}")
            with archive.open(members[name]) as file:
                return file.read(limit + 1)

    @contextmanager
    def _open(self) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
        place = str(self._path)
        try:
            if not stat.S_ISREG(self._path.stat().st_mode):  # /dev/zero would be read for ever
                raise BundleError(place, _BUNDLE, "a device or pipe")
            with zipfile.ZipFile(self._path) as archive:
                yield archive, self._members(archive)
        except FileNotFoundError:
            raise BundleError(place, "a bundle", "no such file", "Check the path.") from None
        except OSError as error:
            found = error.strerror or str(error)
            raise BundleError(place, "a readable bundle", found) from error
        except _ZIP_ERRORS as error:
            found = f"a file that is neither ({str(error)[:200] or type(error).__name__})"
            raise BundleError(place, _BUNDLE, found) from error

    def _members(self, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        place = str(self._path)
        infos = archive.infolist()
        if len(infos) > MAX_FILES + 2:
            raise BundleError(place, f"at most {MAX_FILES} files", f"{len(infos)}")
        for info in infos:
            name = check_file_name(info.orig_filename, f"{place}: member")
            if name in members:
                raise BundleError(place, "each member once", f"{name} twice")
            _check_member(info, f"{place}/{name}")
            members[name] = info
        # Overlapping members would exceed the size of the zip.
        total = sum(info.file_size for info in infos)
        if total > self._path.stat().st_size:
            raise BundleError(place, "members within the zip", f"{total} bytes declared")
        return members


Container = SingleFileContainer | FolderContainer | ZipContainer


def _check_member(info: zipfile.ZipInfo, place: str) -> None:
    if info.flag_bits & 0x1:
        raise BundleError(place, "a member without a password", "an encrypted one")
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise BundleError(place, "a stored member (zip -0)", "a compressed one")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        raise BundleError(place, "a regular file", "a link, folder or device")


def _read_regular_file(path: Path, place: str, limit: int, *, follow_links: bool = False) -> bytes:
    try:
        status = path.stat() if follow_links else path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise BundleError(place, "a regular file", "a link, folder or device")
        if status.st_size > limit:
            raise BundleError(place, f"at most {limit} bytes", f"{status.st_size}")
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | (0 if follow_links else _NO_LINKS)
        with os.fdopen(os.open(path, flags), "rb") as file:
            return file.read(limit + 1)
    except FileNotFoundError:
        raise BundleError(place, "a file", "no such file") from None
    except OSError as error:
        raise BundleError(place, "a readable file", error.strerror or str(error)) from error
