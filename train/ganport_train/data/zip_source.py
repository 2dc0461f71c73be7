"""A data set in a zip file, read member by member and never unpacked."""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from functools import cached_property
from pathlib import Path

from ganport_train.data.issues import DataError, EntryError, Issue
from ganport_train.data.source import Source, check_count, check_name, is_litter, size_fault

MAX_RATIO = 200
"""Unpacked over packed size; text and pictures stay far below it."""

_RATIO_FROM = 1 << 20
_ENCRYPTED = 0x1
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)


class Archive(Source):
    """The members of a zip file; only stored and deflated ones, as those unpack piece by piece."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise DataError(
                str(path),
                expected="a file that can be read",
                found=error.strerror or type(error).__name__,
                fix="Check its permissions.",
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
    def names(self) -> frozenset[str]:
        return frozenset(self._members[0])

    @property
    def refused(self) -> list[Issue]:
        return self._members[1]

    def read(self, name: str, limit: int) -> bytes:
        member = self._members[0][name]
        _check_sizes(member, limit)
        try:
            with self._zip.open(member) as file:
                # The size bounds what is unpacked, whatever the packed stream would give.
                data = file.read(member.file_size)
        except _DAMAGE as error:
            raise _damaged(str(error)) from error
        if len(data) != member.file_size:
            raise _damaged(f"{len(data)} of {member.file_size} bytes")
        return data

    @cached_property
    def _zip(self) -> zipfile.ZipFile:
        try:
            archive = zipfile.ZipFile(self._file)
        except (zipfile.BadZipFile, ValueError, OSError, EOFError) as error:
            raise DataError(
                str(self.path),
                expected="a folder, or a whole zip file",
                found=f"a file that cannot be opened as one ({error})",
                fix="Pack or download it again.",
            ) from error
        members = archive.infolist()
        check_count(self.path, len(members))
        if sum(member.compress_size for member in members) > self.path.stat().st_size:
            raise DataError(
                str(self.path),
                expected="members that lie one after the other",
                found="members that overlap, as in a zip bomb",
                fix="Do not use this file; pack the data set again from its folder.",
            )
        return archive

    @cached_property
    def _members(self) -> tuple[dict[str, zipfile.ZipInfo], list[Issue]]:
        members: dict[str, zipfile.ZipInfo] = {}
        refused: list[Issue] = []
        for member in self._zip.infolist():
            name = member.orig_filename
            try:
                check_name(name)
                if member.is_dir() or is_litter(name):
                    continue
                _check_member(member, members)
                members[name] = member
            except EntryError as fault:
                refused.append(Issue.of(fault, "source", name))
        return members, sorted(refused, key=lambda issue: issue.file)


def _check_member(member: zipfile.ZipInfo, known: dict[str, zipfile.ZipInfo]) -> None:
    if stat.S_ISLNK(member.external_attr >> 16):
        raise EntryError(
            expected="plain files",
            found="a link",
            fix="Pack the file itself in place of the link.",
        )
    if member.orig_filename in known:
        raise EntryError(
            expected="each name once",
            found="a second member of this name",
            fix="Pack the data set again from its folder.",
        )


def _check_sizes(member: zipfile.ZipInfo, limit: int) -> None:
    if member.flag_bits & _ENCRYPTED:
        raise EntryError(
            expected="a file that is not encrypted",
            found="an encrypted one",
            fix="Pack the data set without a password.",
        )
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise EntryError(
            expected="a stored or deflated file",
            found=f"compression method {member.compress_type}",
            fix="Pack the data set with the usual method of zip, or with none.",
        )
    if member.file_size > limit:
        raise size_fault(member.file_size, limit)
    packed = max(member.compress_size, 1)
    if member.file_size > _RATIO_FROM and member.file_size > MAX_RATIO * packed:
        raise EntryError(
            expected=f"a file that unpacks to at most {MAX_RATIO} times its packed size",
            found=f"{member.file_size // packed} times, as in a zip bomb",
            fix="Do not use this file; pack the data set again from its folder.",
        )


def _damaged(what: str) -> EntryError:
    return EntryError(
        expected="a whole member of the zip",
        found=f"a damaged one ({what})",
        fix="Pack or download the data set again.",
    )
