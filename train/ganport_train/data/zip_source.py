"""A dataset in a zip file, read member by member without unpacking it on disk."""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from ganport_runtime.bundle.containers import ZIP_ERRORS
from ganport_train.data.issues import DataError, EntryError, Issue
from ganport_train.data.source import Source, check_count, check_name, is_clutter, size_error
from ganport_train.data.zip_names import ZipNames

MAX_RATIO = 200
"""Largest ratio of unpacked to packed size; text and images stay far below it."""

_MIN_CHECKED_SIZE = 1 << 20  # bytes; the ratio of a smaller file cannot exhaust the memory
_MAX_TABLES, _MAX_TABLE_SIZE = 20, 4 << 20  # tables that decide the encoding of names, bytes
_ENCRYPTED = 0x1
_READ_ERRORS = (*ZIP_ERRORS, zlib.error, OSError)
_REPACK = "Pack the dataset again from its folder."
_DANGER = "Do not use this file. Pack the dataset again from its folder."


class ZipSource(Source):
    """The members of a zip file. Only stored and deflated members can be read in pieces."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._file = path.open("rb")
        except OSError as error:
            found = error.strerror or type(error).__name__
            raise DataError(
                str(path), "a readable file", found, "Check its permissions."
            ) from error

    def close(self) -> None:
        if "_zip" in self.__dict__:
            self._zip.close()
        self._file.close()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the zip file's bytes."""
        self._file.seek(0)
        return hashlib.file_digest(self._file, "sha256").hexdigest()

    @property
    def notes(self) -> list[Issue]:
        return self._names.notes(self._zip.infolist())

    def read(self, name: str, limit: int) -> bytes:
        return self._read(self._entries[0][name], limit)

    def read_start(self, name: str, size: int) -> bytes:
        member = self._entries[0][name]
        _check_packing(member)
        return self._unpack(member, min(size, member.file_size))

    def _read(self, member: zipfile.ZipInfo, limit: int) -> bytes:
        _check_packing(member)
        _check_sizes(member, limit)
        # The declared size bounds the memory, whatever the packed stream contains.
        return self._unpack(member, member.file_size)

    def _unpack(self, member: zipfile.ZipInfo, size: int) -> bytes:
        try:
            with self._zip.open(member) as file:
                data = file.read(size)
            if len(data) != size:
                raise EOFError(f"{len(data)} of {size} bytes")
        except _READ_ERRORS as error:
            found = f"a corrupt one ({error})"
            fix = "Pack or download the dataset again."
            raise EntryError("a complete member of the zip", found, fix) from error
        return data

    @cached_property
    def _zip(self) -> zipfile.ZipFile:
        try:
            archive = zipfile.ZipFile(self._file)
        except (*ZIP_ERRORS, OSError) as error:
            found = f"a file that cannot be opened as a zip ({error})"
            fix = "Pack or download it again."
            raise DataError(str(self.path), "a folder or a complete zip", found, fix) from error
        members = archive.infolist()
        check_count(self.path, len(members))
        if sum(member.compress_size for member in members) > self.path.stat().st_size:
            found = "members that overlap, as in a zip bomb"
            raise DataError(str(self.path), "members that do not overlap", found, _DANGER)
        return archive

    @cached_property
    def _names(self) -> ZipNames:
        return ZipNames.of(self._zip.infolist(), self._read_tables)

    def _read_tables(self, members: Sequence[zipfile.ZipInfo]) -> Iterator[bytes]:
        for member in members[:_MAX_TABLES]:
            with suppress(EntryError):
                yield self._read(member, _MAX_TABLE_SIZE)

    @cached_property
    def _entries(self) -> tuple[dict[str, zipfile.ZipInfo], list[Issue]]:
        members: dict[str, zipfile.ZipInfo] = {}
        rejected: list[Issue] = []
        for member in self._zip.infolist():
            name = member.orig_filename
            try:
                name = self._names.decode(member)
                check_name(name)
                if member.is_dir() or is_clutter(name):
                    continue
                _check_member(member, name, members)
                members[name] = member
            except EntryError as error:
                rejected.append(Issue.from_error(error, "source", name))
        return members, sorted(rejected, key=lambda issue: issue.file)


def _check_member(member: zipfile.ZipInfo, name: str, known: dict[str, zipfile.ZipInfo]) -> None:
    if stat.S_ISLNK(member.external_attr >> 16):
        raise EntryError("regular files", "a link", "Pack the file itself.")
    if name in known:
        raise EntryError("each name once", "a second member of this name", _REPACK)


def _check_packing(member: zipfile.ZipInfo) -> None:
    if member.flag_bits & _ENCRYPTED:
        fix = "Pack the dataset without a password."
        raise EntryError("an unencrypted file", "an encrypted one", fix)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        found = f"compression method {member.compress_type}"
        fix = "Pack the dataset with deflate or without compression."
        raise EntryError("a stored or deflated file", found, fix)


def _check_sizes(member: zipfile.ZipInfo, limit: int) -> None:
    if member.file_size > limit:
        raise size_error(member.file_size, limit)
    packed = max(member.compress_size, 1)
    if member.file_size > _MIN_CHECKED_SIZE and member.file_size > MAX_RATIO * packed:
        expected = f"a file that unpacks to at most {MAX_RATIO} times its packed size"
        found = f"{member.file_size // packed} times, as in a zip bomb"
        raise EntryError(expected, found, _DANGER)
