"""A data set in a folder."""

from __future__ import annotations

import hashlib
import os
import stat
from functools import cached_property
from pathlib import Path

from ganport_train.data.issues import EntryError, Issue
from ganport_train.data.source import Source, check_count, check_name, is_litter, size_fault


class Folder(Source):
    """The plain files below a folder; links that lead out and links to folders are refused."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._root = path.resolve()

    @cached_property
    def digest(self) -> str:
        """SHA-256 over every name and content, in order of names, and over the refused names."""
        digest = hashlib.sha256()
        for name in sorted(self.names):
            digest.update(_framed(name) + _content_digest(self._root / name))
        for issue in self.refused:
            digest.update(b"refused" + _framed(issue.file))
        return digest.hexdigest()

    @property
    def names(self) -> frozenset[str]:
        return self._scan[0]

    @property
    def refused(self) -> list[Issue]:
        return self._scan[1]

    def read(self, name: str, limit: int) -> bytes:
        try:
            with (self._root / name).open("rb") as file:
                data = file.read(limit + 1)
        except OSError as error:
            raise EntryError(
                expected="a file that can be read",
                found=error.strerror or type(error).__name__,
                fix="Check its permissions.",
            ) from error
        if len(data) > limit:
            raise size_fault(len(data), limit)
        return data

    @cached_property
    def _scan(self) -> tuple[frozenset[str], list[Issue]]:
        names: list[str] = []
        refused: list[Issue] = []
        for name in self._walk():
            try:
                check_name(name)
                self._check_entry(self._root / name)
                names.append(name)
            except EntryError as fault:
                refused.append(Issue.of(fault, "source", name))
        return frozenset(names), sorted(refused, key=lambda issue: issue.file)

    def _walk(self) -> list[str]:
        found: list[str] = []

        def take_closed(error: OSError) -> None:
            # Otherwise a folder that cannot be listed would pass for an empty one.
            found.append(Path(error.filename).relative_to(self._root).as_posix())

        for parent, folders, files in os.walk(self._root, onerror=take_closed):
            base = Path(parent).relative_to(self._root)
            links = [f for f in folders if (Path(parent) / f).is_symlink()]
            found += [
                name for f in (*files, *links) if not is_litter(name := (base / f).as_posix())
            ]
            folders[:] = [f for f in folders if not is_litter(f)]
            check_count(self.path, len(found))
        return found

    def _check_entry(self, path: Path) -> None:
        if self._leads_out(path):
            raise EntryError(
                expected="files that lie inside the data set",
                found="a link that leads out of it",
                fix="Copy the file in place of the link.",
            )
        try:
            mode = path.stat().st_mode
        except OSError:
            mode = 0
        if stat.S_ISDIR(mode) and not path.is_symlink():
            raise EntryError(
                expected="folders that can be opened",
                found="one that is closed",
                fix="Check its permissions.",
            )
        if not stat.S_ISREG(mode):
            raise EntryError(
                expected="plain files",
                found="a link to a folder" if stat.S_ISDIR(mode) else "no plain file",
                fix="Remove it, or put the file itself there.",
            )

    def _leads_out(self, path: Path) -> bool:
        try:
            return path.is_symlink() and not path.resolve().is_relative_to(self._root)
        except (OSError, RuntimeError):  # closed to us, or a circle of links: no file either way
            return False


def _content_digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b"unreadable"  # `read` says why, if the file is wanted


def _framed(name: str) -> bytes:
    # The length in front keeps two names from reading like one.
    data = name.encode("utf-8", "surrogateescape")
    return len(data).to_bytes(4, "big") + data
