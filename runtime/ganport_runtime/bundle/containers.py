"""Where the files of a bundle lie: a folder, a stored zip, or one file alone."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from ganport_runtime.bundle.constants import MAX_FILES
from ganport_runtime.bundle.manifest import check_file_name
from ganport_runtime.errors import BundleError

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


class Container(Protocol):
    """Files by plain name. Every method raises `BundleError` for what must not be there."""

    def names(self) -> list[str]:
        """Every file that lies here."""

    def read(self, name: str, *, limit: int) -> bytes:
        """The content of a file of at most `limit` bytes."""


class SingleFileContainer:
    """One file that stands for the whole bundle."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        return [self._path.name]

    def read(self, name: str, *, limit: int) -> bytes:
        # The user named this very file, so a link to it is theirs to follow.
        return _read_regular(self._path, str(self._path), limit, links=True)


class FolderContainer:
    """A folder of regular files: no links, no folders, nothing that blocks when opened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        names = sorted(entry.name for entry in self._folder.iterdir())
        if len(names) > MAX_FILES + 2:
            raise _bad(str(self._folder), f"at most {MAX_FILES} files", f"{len(names)}")
        return names

    def read(self, name: str, *, limit: int) -> bytes:
        place = str(self._folder / name)
        return _read_regular(self._folder / check_file_name(name, place), place, limit)


class ZipContainer:
    """A zip of stored members with plain names: no compression, so no bomb."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        with self._opened() as members:
            return list(members[1])

    def read(self, name: str, *, limit: int) -> bytes:
        place = str(self._path / name)
        with self._opened() as (archive, members):
            if name not in members:
                raise _bad(place, "a file in the zip", "none")
            if members[name].file_size > limit:
                raise _bad(place, f"at most {limit} bytes", f"{members[name].file_size}")
            with archive.open(members[name]) as file:
                return file.read(limit + 1)

    @contextmanager
    def _opened(self) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
        try:
            if not stat.S_ISREG(self._path.stat().st_mode):  # /dev/zero has no end to look for
                raise _bad(str(self._path), "a bundle folder or a stored zip", "a device or pipe")
            with zipfile.ZipFile(self._path) as archive:
                yield archive, self._members(archive)
        except FileNotFoundError:
            raise _bad(str(self._path), "a bundle", "nothing there") from None
        except OSError as error:
            raise _bad(
                str(self._path), "a readable bundle", error.strerror or str(error)
            ) from error
        except _ZIP_ERRORS as error:
            found = f"a file that is neither ({str(error)[:200] or type(error).__name__})"
            raise _bad(str(self._path), "a bundle folder or a stored zip", found) from error

    def _members(self, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        place = str(self._path)
        infos = archive.infolist()
        if len(infos) > MAX_FILES + 2:
            raise _bad(place, f"at most {MAX_FILES} files", f"{len(infos)}")
        for info in infos:
            name = check_file_name(info.orig_filename, f"{place}: member")
            if name in members:
                raise _bad(place, "each member once", f"{name} twice")
            _check_member(info, f"{place}/{name}")
            members[name] = info
        # Stored members that overlap would add up to more than the file that holds them.
        total = sum(info.file_size for info in infos)
        if total > self._path.stat().st_size:
            raise _bad(place, "members within the zip", f"{total} bytes declared")
        return members


def _check_member(info: zipfile.ZipInfo, place: str) -> None:
    if info.flag_bits & 0x1:
        raise _bad(place, "a member without a password", "an encrypted one")
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise _bad(place, "a stored member (zip -0)", "a compressed one")
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise _bad(place, "a regular file", "a link, folder or device")


def _read_regular(path: Path, place: str, limit: int, *, links: bool = False) -> bytes:
    try:
        status = path.stat() if links else path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise _bad(place, "a regular file", "a link, folder or device")
        if status.st_size > limit:
            raise _bad(place, f"at most {limit} bytes", f"{status.st_size}")
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags if links else flags | _NO_LINKS), "rb") as file:
            return file.read(limit + 1)
    except FileNotFoundError:
        raise _bad(place, "a file", "nothing there") from None
    except OSError as error:
        raise _bad(place, "a readable file", error.strerror or str(error)) from error


def _bad(place: str, expected: str, found: str) -> BundleError:
    fix = "Copy the bundle again, or write it again with export-gan."
    return BundleError(place, expected=expected, found=found, fix=fix)
