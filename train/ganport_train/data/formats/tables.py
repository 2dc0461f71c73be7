"""What the readers share: tables read with care, their labels, and the pictures they name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from ganport_runtime import strictjson
from ganport_runtime.errors import BundleError, ConditionError
from ganport_runtime.values import check_name
from ganport_train.data.images import SUFFIXES
from ganport_train.data.issues import (
    DataError,
    EntryError,
    Issue,
    IssueLog,
    Kind,
    quoted,
)
from ganport_train.data.source import Source

MAX_TABLE = 256 << 20
"""Bytes of a table of lines."""
MAX_JSON = 64 << 20
"""Bytes of a table in JSON, which grows in memory as a whole."""
MAX_LABELS = 1024
"""Labels of one group; more of them are no vocabulary."""

_BOM = b"\xef\xbb\xbf"


def read_table(source: Source, name: str, limit: int = MAX_TABLE) -> bytes:
    """The content of a table without a byte-order mark, at most `limit` bytes.

    Raises `DataError` if it cannot be read or holds nothing.
    """
    try:
        data = source.read(name, limit).removeprefix(_BOM)
    except EntryError as fault:
        raise Issue.of(fault, "source", name).error(str(source)) from fault
    if not data.strip():
        raise damaged(source, name, "a table of labels", "an empty file")
    return data


def read_json(source: Source, name: str) -> object:
    """The JSON in a table; raises `DataError` if it is none."""
    try:
        return strictjson.parse(read_table(source, name, MAX_JSON), name, MAX_JSON)
    except BundleError as error:
        raise damaged(source, name, error.expected, error.found) from error


def damaged(source: Source, name: str, expected: str, found: str) -> DataError:
    """The error of a table that is not what its name says."""
    return DataError(
        f"{source}/{name}",
        expected=expected,
        found=found,
        fix="Put the table back as the data set's makers wrote it.",
    )


def check_labels(group: str, labels: Collection[str], place: str) -> None:
    """Raise `DataError` for none or more than `MAX_LABELS` labels of a group, for one that stands
    there twice, and for one that no condition group can hold."""
    if not 0 < len(labels) <= MAX_LABELS:
        raise DataError(
            place,
            expected=f"1 to {MAX_LABELS} labels of {quoted(group)}",
            found=f"{len(labels)}",
            fix="Check that these are labels that many pictures share.",
        )
    for label, times in Counter(list(labels)).items():  # a mapping would pass for its counts
        try:
            check_name(group, label)
        except ConditionError as error:
            raise _no_label(group, place, error.expected, error.found) from error
        if times > 1:
            raise _no_label(group, place, "each once", f"{quoted(label)} twice")


def table_problem(
    fault: EntryError, table: str, line: int | None = None, picture: str | None = None
) -> Issue:
    """The issue that one entry of a table is."""
    kind: Kind = "missing" if isinstance(fault, _MissingImageError) else "tags"
    return Issue.of(fault, kind, table, line, picture)


def is_picture(name: str) -> bool:
    """Whether a file is called like a picture."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


class Pictures:
    """The pictures of a source by the names that a table gives them, each taken once."""

    def __init__(self, source: Source, folders: Sequence[str] = ()) -> None:
        self._left = {name for name in source.names if is_picture(name)}
        self._names = frozenset(self._left)
        self._folders = ["", *(f"{folder}/" for folder in folders)]
        self._by_base: dict[str, list[str]] = {}
        for name in sorted(self._names):
            self._by_base.setdefault(name.rpartition("/")[2], []).append(name)

    def take(self, name: str) -> str:
        """The file that a table's `name` means: that path, one in the usual folders, or the only
        one so called anywhere. Raises `EntryError` for none, several, and one taken before."""
        picture = self._find(name)
        if picture not in self._left:
            raise EntryError(
                expected="each picture once",
                found=f"{quoted(picture, 120)} again",
                fix="Remove one of the two entries.",
            )
        self._left.remove(picture)
        return picture

    def report_left(self, table: str, issues: IssueLog) -> None:
        """A warning for each picture that no entry of `table` names."""
        for name in sorted(self._left):
            fix = "Add the entry or remove the picture."
            issues.add(untagged(name, f"an entry in {table}", fix))

    def _find(self, name: str) -> str:
        for folder in self._folders:
            if folder + name in self._names:
                return folder + name
        found = self._by_base.get(name, [])
        if len(found) == 1:
            return found[0]
        raise _MissingImageError(
            expected=f"one picture {quoted(name, 120)}",
            found=" and ".join(found[:3]) if found else "none",
            fix="Remove all but one." if found else "Add the picture or remove its entry.",
        )


def untagged(picture: str, expected: str, fix: str) -> Issue:
    """The warning about a picture without labels."""
    return Issue("untagged", picture, expected, found="none", fix=fix, level="warning")


class _MissingImageError(EntryError):
    """There is no single picture of a name."""


def _no_label(group: str, place: str, expected: str, found: str) -> DataError:
    return DataError(
        place,
        expected=f"labels of {quoted(group)}: {expected}",
        found=found,
        fix="Rename the label throughout the data set.",
    )
