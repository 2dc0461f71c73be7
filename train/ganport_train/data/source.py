"""Where a data set lies: a folder or a zip behind one interface, hostile until checked."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from ganport_train.data.issues import (
    DataError,
    EntryError,
    Issue,
    quoted,
)

MAX_ENTRIES = 2_000_000
"""Files in one data set."""

_DRIVE = re.compile(r"[A-Za-z]:")


class Source(ABC):
    """The files of a data set by name; names are relative, with forward slashes.

    What must not be touched (a name that climbs out, a link, a double name) is left out of
    `names` and stands in `refused`. Hidden files and the litter of file managers are in neither.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    @abstractmethod
    def digest(self) -> str:
        """SHA-256 of the whole content, lower-case hex."""

    @property
    @abstractmethod
    def names(self) -> frozenset[str]:
        """Every file that may be read."""

    @property
    @abstractmethod
    def refused(self) -> list[Issue]:
        """Every entry that may not, sorted by name."""

    @abstractmethod
    def read(self, name: str, limit: int) -> bytes:
        """The content of one of `names`; raises `EntryError` if damaged or over `limit` bytes.

        Safe to call from several threads.
        """

    def close(self) -> None:  # noqa: B027  a folder holds nothing open
        """Let go of what is open; the source cannot be read afterwards."""

    def __str__(self) -> str:
        return str(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def check_name(name: str) -> None:
    """Raise `EntryError` for a name that is absolute, climbs out or is not portable."""
    reason = _name_fault(name)
    if reason:
        raise EntryError(
            expected="a relative name inside the data set, with forward slashes",
            found=f"{quoted(name, 120)}, {reason}",
            fix="Pack the data set again from inside its folder.",
        )


def _name_fault(name: str) -> str | None:
    if "\\" in name:
        return "which has a backslash"
    if any(not c.isprintable() for c in name):
        return "which has a control character"
    if name.startswith("/") or _DRIVE.match(name):
        return "which is absolute"
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        return "which climbs out of the data set"
    if "" in parts or "." in parts:
        return "which has an empty part"
    return None


def is_litter(name: str) -> bool:
    """Whether a file is hidden, or one that file managers leave behind."""
    parts = name.split("/")
    return any(part.startswith(".") or part == "__MACOSX" for part in parts) or parts[
        -1
    ].lower() in ("thumbs.db", "desktop.ini")


def check_count(path: Path, count: int) -> None:
    """Raise `DataError` for more than `MAX_ENTRIES` entries."""
    if count > MAX_ENTRIES:
        raise DataError(
            str(path),
            expected=f"at most {MAX_ENTRIES:,} files",
            found=f"{count:,} or more",
            fix="Split the data set.",
        )


def size_fault(size: int, limit: int) -> EntryError:
    """The fault of a file over its limit, both in bytes."""
    return EntryError(
        expected=f"at most {limit / 2**20:.0f} MiB",
        found=f"{size / 2**20:.1f} MiB",
        fix="Leave the file out or make it smaller.",
    )
