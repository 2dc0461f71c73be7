"""Defects of a dataset: an entry error, an issue with its location, and the log of all issues."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, ParamSpec, TypeVar

from ganport_runtime.errors import GanportError
from ganport_runtime.values import sanitize

MAX_ERRORS = 10_000

Level = Literal["error", "warning"]
IssueKind = Literal[
    "source",
    "labels",
    "vocabulary",
    "missing",
    "unreadable",
    "unlabeled",
    "unread",
    "frames",
    "duplicates",
]

Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")


class DataError(GanportError):
    """A dataset, or an option for reading one, that cannot be used."""


class EntryError(Exception):
    """One entry of a dataset that cannot be used.

    Code that knows neither the file nor the line raises it. The caller turns it into an `Issue`.
    """

    def __init__(self, expected: str, found: str, fix: str) -> None:
        super().__init__(f"expected {expected}; found {found}. {fix}")
        self.expected = expected
        self.found = found
        self.fix = fix


def attempt(
    function: Callable[Parameters, Value], *args: Parameters.args, **options: Parameters.kwargs
) -> Value | EntryError:
    """Return the result of a call, or the `EntryError` that it raises."""
    try:
        return function(*args, **options)
    except EntryError as error:
        return error


@dataclass(frozen=True)
class Issue:
    """One defect of a dataset and its location.

    `file` is a path inside the source, `line` counts from 1 in it, and `image` is the image file
    that the line names. An "error" stops a strict load, a "warning" does not.
    """

    kind: IssueKind
    file: str
    expected: str
    found: str
    fix: str
    line: int | None = None
    image: str | None = None
    level: Level = "error"

    @classmethod
    def from_error(
        cls,
        error: EntryError,
        kind: IssueKind,
        file: str,
        line: int | None = None,
        image: str | None = None,
    ) -> Issue:
        """Give `error` its location."""
        return cls(kind, file, error.expected, error.found, error.fix, line, image)

    def location(self, source: str) -> str:
        """Return the location as text, such as `faces.zip/tags.csv:12 (images/7.jpg)`."""
        location = f"{source}/{sanitize(self.file, 200)}" if self.file else source
        location += f":{self.line}" if self.line is not None else ""
        if self.image and self.image != self.file:
            location += f" ({sanitize(self.image, 200)})"
        return location

    def message(self, source: str) -> str:
        """Return the whole message on one line."""
        return str(self.to_error(source))

    def to_error(self, source: str) -> DataError:
        """Return the error that a strict load of `source` raises for this issue."""
        return DataError(self.location(source), self.expected, self.found, self.fix)


class IssueLog:
    """The issues found so far in `source`; a strict log raises `DataError` on the first error."""

    def __init__(self, source: str, *, strict: bool) -> None:
        self.source = source
        self.strict = strict
        self._issues: list[Issue] = []
        self._errors = 0

    def __iter__(self) -> Iterator[Issue]:
        return iter(self._issues)

    def add(self, issue: Issue) -> None:
        """Record `issue`; raises `DataError` for an error in a strict log or too many errors."""
        self._issues.append(issue)
        if issue.level == "warning":
            return
        if self.strict:
            raise issue.to_error(self.source)
        self._errors += 1
        if self._errors > MAX_ERRORS:
            raise DataError(
                self.source,
                f"at most {MAX_ERRORS} errors",
                f"more; the last is {issue.message(self.source)}",
                "Check that the dataset has the format that it was read as.",
            )

    def add_all(self, issues: Iterable[Issue]) -> None:
        """Record several issues."""
        for issue in issues:
            self.add(issue)


def summarize(issues: Iterable[Issue], source: str) -> Iterator[tuple[Level, str]]:
    """Yield the level and a message for each kind of problem, errors first.

    Issues that differ only in their location and value share one message, that of the first.
    """
    groups: dict[tuple[Level, IssueKind, str], list[Issue]] = {}
    for issue in sorted(issues, key=lambda issue: issue.level != "error"):
        groups.setdefault((issue.level, issue.kind, issue.fix), []).append(issue)
    for (level, _, _), members in groups.items():
        others = f" ({len(members) - 1:,} more of this kind)" if len(members) > 1 else ""
        yield level, members[0].message(source) + others


def quote(text: str, limit: int = 60) -> str:
    """Return `text` in single quotes, printable and cut to `limit` characters."""
    return f"'{sanitize(text, limit)}'"
