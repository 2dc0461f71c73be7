"""The files of a dataset: an interface for folders and zips, the folder, and a folder in it."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

from ganport_train.data.issues import DataError, EntryError, Issue, quote

MAX_FILES = 2_000_000
"""Files in one dataset."""

_DRIVE = re.compile(r"[A-Za-z]:")
_CLUTTER = ("thumbs.db", "desktop.ini")


class Source(ABC):
    """The files of a dataset by name. Names are relative and use forward slashes.

    `names` leaves out every unsafe entry (a name that leaves the dataset, a link out of it, a
    duplicate name); `rejected` holds an issue for each of them. Hidden files and files of file
    managers are in neither.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    @abstractmethod
    def digest(self) -> str:
        """SHA-256 of the whole content, in lower-case hex."""

    @property
    def names(self) -> frozenset[str]:
        """Names of the files that may be read."""
        return frozenset(self._entries[0])

    @property
    def rejected(self) -> list[Issue]:
        """Issues of the entries that must not be read, sorted by name."""
        return self._entries[1]

    @property
    @abstractmethod
    def _entries(self) -> tuple[Collection[str], list[Issue]]:
        """The names of the files that may be read, and the issues of the other entries."""

    @property
    def notes(self) -> list[Issue]:
        """Warnings about the source as a whole, such as an assumed encoding of its names."""
        return []

    @abstractmethod
    def read(self, name: str, limit: int) -> bytes:
        """Read the file `name`, one of `names`. Several threads may call it.

        Raises `EntryError` for a corrupt file and for one of more than `limit` bytes.
        """

    @abstractmethod
    def read_start(self, name: str, size: int) -> bytes:
        """Read at most `size` bytes of the file `name`; raises `EntryError` for a corrupt file."""

    def close(self) -> None:  # noqa: B027  a folder has nothing to close
        """Close open files."""

    def __str__(self) -> str:
        return str(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FolderSource(Source):
    """The regular files below a folder; links that leave it and links to folders are rejected."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._root = path.resolve()

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names and contents in order of names, then over the rejected names."""
        digest = hashlib.sha256()
        for name in sorted(self.names):
            digest.update(_length_prefixed(name) + _content_digest(self._root / name))
        for issue in self.rejected:
            digest.update(b"refused" + _length_prefixed(issue.file))
        return digest.hexdigest()

    def read(self, name: str, limit: int) -> bytes:
        data = self.read_start(name, limit + 1)
        if len(data) > limit:
            raise size_error(len(data), limit)
        return data

    def read_start(self, name: str, size: int) -> bytes:
        try:
            with (self._root / name).open("rb") as file:
                return file.read(size)
        except OSError as error:
            found = error.strerror or type(error).__name__
            raise EntryError("a readable file", found, "Check its name and permissions.") from error

    @cached_property
    def _entries(self) -> tuple[frozenset[str], list[Issue]]:
        names: list[str] = []
        rejected: list[Issue] = []
        for name in self._walk():
            try:
                check_name(name)
                self._check_entry(self._root / name)
                names.append(name)
            except EntryError as error:
                rejected.append(Issue.from_error(error, "source", name))
        return frozenset(names), sorted(rejected, key=lambda issue: issue.file)

    def _walk(self) -> list[str]:
        found: list[str] = []

        def add_unreadable(error: OSError) -> None:
            # os.walk skips a folder that cannot be listed, which would look like an empty one.
            found.append(Path(error.filename).relative_to(self._root).as_posix())

        for parent, folders, files in os.walk(self._root, onerror=add_unreadable):
            base = Path(parent).relative_to(self._root)
            links = [f for f in folders if (Path(parent) / f).is_symlink()]
            names = [(base / f).as_posix() for f in (*files, *links)]
            found += [name for name in names if not is_clutter(name)]
            folders[:] = [f for f in folders if not is_clutter(f)]
            check_count(self.path, len(found))
        return found

    def _check_entry(self, path: Path) -> None:
        if self._leaves_root(path):
            raise EntryError(
                "files inside the dataset", "a link that leads out of it", "Copy the file itself."
            )
        try:
            mode = path.stat().st_mode
        except OSError:
            mode = 0
        if stat.S_ISDIR(mode) and not path.is_symlink():
            raise EntryError("readable folders", "an unreadable one", "Check its permissions.")
        if not stat.S_ISREG(mode):
            found = "a link to a folder" if stat.S_ISDIR(mode) else "something else"
            raise EntryError("regular files", found, "Remove it or copy the file itself.")

    def _leaves_root(self, path: Path) -> bool:
        try:
            return path.is_symlink() and not path.resolve().is_relative_to(self._root)
        except (OSError, RuntimeError):  # an unreadable folder or a cycle of links
            return False


class Subfolder(Source):
    """The files of `source` below its folder `folder`; names are relative to the folder.

    Programs that pack a folder put the folder itself into the zip.
    """

    def __init__(self, source: Source, folder: str) -> None:
        super().__init__(source.path / folder)
        self._source = source
        self._prefix = f"{folder}/"

    @property
    def digest(self) -> str:
        return self._source.digest

    @cached_property
    def _entries(self) -> tuple[frozenset[str], list[Issue]]:
        prefix, issues = self._prefix, self._source.rejected
        rejected = [replace(issue, file=issue.file.removeprefix(prefix)) for issue in issues]
        return frozenset(name.removeprefix(prefix) for name in self._source.names), rejected

    @property
    def notes(self) -> list[Issue]:
        return self._source.notes

    def read(self, name: str, limit: int) -> bytes:
        return self._source.read(self._prefix + name, limit)

    def read_start(self, name: str, size: int) -> bytes:
        return self._source.read_start(self._prefix + name, size)


def top_folder(source: Source) -> str | None:
    """Return the folder that holds all files of a source, or None."""
    tops = {name.partition("/")[0] for name in source.names}
    is_folder = all("/" in name for name in source.names)
    return next(iter(tops)) if len(tops) == 1 and is_folder else None


def check_name(name: str) -> None:
    """Raise `EntryError` for a name that is absolute, leaves the dataset or is not portable."""
    reason = _unsafe_reason(name)
    if reason:
        raise EntryError(
            "a relative name inside the dataset, with forward slashes",
            f"{quote(name, 120)}, which {reason}",
            "Pack the dataset again from inside its folder.",
        )


def _unsafe_reason(name: str) -> str | None:
    if "\\" in name:
        return "has a backslash"
    if any(not c.isprintable() for c in name):
        return "has a control character"
    if name.startswith("/") or _DRIVE.match(name):
        return "is absolute"
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        return "leaves the dataset"
    if "" in parts or "." in parts:
        return "has an empty part"
    return None


def is_clutter(name: str) -> bool:
    """Return whether a file is hidden or left by a file manager."""
    parts = name.split("/")
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return hidden or parts[-1].lower() in _CLUTTER


def check_count(path: Path, count: int) -> None:
    """Raise `DataError` for more than `MAX_FILES` files."""
    if count > MAX_FILES:
        expected = f"at most {MAX_FILES:,} files"
        raise DataError(str(path), expected, f"{count:,} or more", "Split the dataset.")


def size_error(size: int, limit: int) -> EntryError:
    """Return the error of a file of `size` bytes where `limit` bytes are allowed."""
    return EntryError(
        f"at most {limit / 2**20:.0f} MiB",
        f"{size / 2**20:.1f} MiB",
        "Leave the file out or make it smaller.",
    )


def _content_digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b"unreadable"  # `read` raises the error if the file is needed


def _length_prefixed(name: str) -> bytes:
    # The length separates a name from the bytes after it.
    data = name.encode("utf-8", "surrogateescape")
    return len(data).to_bytes(4, "big") + data
