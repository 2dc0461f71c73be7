"""What is wrong with a data set: faults, issues with a place, and the error a load ends with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ganport_runtime.errors import GanportError
from ganport_runtime.values import sanitize

MAX_ERRORS = 10_000

Level = Literal["error", "warning"]
Kind = Literal["source", "tags", "vocabulary", "duplicate", "missing", "unreadable", "untagged"]


class DataError(GanportError):
    """A data set, or a way of asking for one, that cannot be used."""


class EntryError(Exception):
    """Something wrong, found where neither file nor line is known; callers make it a `Issue`."""

    def __init__(self, *, expected: str, found: str, fix: str) -> None:
        super().__init__(f"expected {expected}; found {found}. {fix}")
        self.expected = expected
        self.found = found
        self.fix = fix


@dataclass(frozen=True)
class Issue:
    """One thing wrong with a data set.

    `file` is a path inside the source and `line` counts from 1 in it; `picture` is the file the
    line speaks of. An "error" stops a strict load, a "warning" does not.
    """

    kind: Kind
    file: str
    expected: str
    found: str
    fix: str
    line: int | None = None
    picture: str | None = None
    level: Level = "error"

    @classmethod
    def of(
        cls,
        fault: EntryError,
        kind: Kind,
        file: str,
        line: int | None = None,
        picture: str | None = None,
    ) -> Issue:
        """The issue that `fault` is at this place."""
        return cls(kind, file, fault.expected, fault.found, fault.fix, line, picture)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Issue:
        """The inverse of `to_json`."""
        return cls(**fields)

    def to_json(self) -> dict[str, Any]:
        """Every field by name, as plain JSON."""
        return asdict(self)

    def place(self, source: str) -> str:
        """Where it is, as `faces.zip/tags.csv:12 (images/7.jpg)`."""
        place = f"{source}/{sanitize(self.file, 200)}" if self.file else source
        place += f":{self.line}" if self.line is not None else ""
        if self.picture and self.picture != self.file:
            place += f" ({sanitize(self.picture, 200)})"
        return place

    def sentence(self, source: str) -> str:
        """The whole message on one line."""
        return str(self.error(source))

    def error(self, source: str) -> DataError:
        """The error that a strict load of `source` raises for it."""
        return DataError(self.place(source), expected=self.expected, found=self.found, fix=self.fix)


class IssueLog:
    """The issues met so far; a strict collection raises `DataError` on the first error."""

    def __init__(self, source: str, *, strict: bool) -> None:
        self.source = source
        self.strict = strict
        self._items: list[Issue] = []
        self._errors = 0

    def __iter__(self) -> Iterator[Issue]:
        return iter(self._items)

    def add(self, issue: Issue) -> None:
        """Take note of `issue`; raises `DataError` if strict, or if there is no end to them."""
        self._items.append(issue)
        if issue.level == "warning":
            return
        if self.strict:
            raise issue.error(self.source)
        self._errors += 1
        if self._errors > MAX_ERRORS:
            raise DataError(
                self.source,
                expected="a data set with a few faults at most",
                found=f"more than {MAX_ERRORS} errors, the last: {issue.sentence(self.source)}",
                fix="Check that this is a data set of the kind it was taken for.",
            )

    def add_all(self, issues: Iterable[Issue]) -> None:
        """`add` each of them."""
        for issue in issues:
            self.add(issue)


def quoted(text: str, limit: int = 60) -> str:
    """`printable` text between single quotes."""
    return f"'{sanitize(text, limit)}'"
