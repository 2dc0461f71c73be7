"""What the readers share: tables read with care, and the pictures that their names mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from ganport_runtime import strictjson
from ganport_runtime.errors import BundleError
from ganport_train.data.pictures import SUFFIXES
from ganport_train.data.problems import DataError, Fault, Problem
from ganport_train.data.source import Source

MAX_TABLE = 256 << 20
"""Bytes of a table of labels."""


def read_table(source: Source, name: str) -> bytes:
    """The content of a table; raises `DataError` if it cannot be read or holds nothing."""
    try:
        data = source.read(name, MAX_TABLE)
    except Fault as fault:
        raise Problem.of(fault, "source", name).error(str(source)) from fault
    if not data.strip():
        raise damaged(source, name, "a table of labels", "an empty file")
    return data


def read_json(source: Source, name: str) -> object:
    """The JSON in a table; raises `DataError` if it is none."""
    try:
        return strictjson.parse(read_table(source, name), name, MAX_TABLE)
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


def is_picture(name: str) -> bool:
    """Whether a file is called like a picture."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


class Pictures:
    """The pictures of a source by the names that a table gives them."""

    def __init__(self, source: Source, folders: Sequence[str] = ()) -> None:
        self._names = frozenset(name for name in source.names if is_picture(name))
        self._folders = ["", *(f"{folder}/" for folder in folders)]
        self._by_base: dict[str, list[str]] = {}
        for name in sorted(self._names):
            self._by_base.setdefault(name.rpartition("/")[2], []).append(name)

    def find(self, name: str) -> str:
        """The file that a table's `name` means: that path, one in the usual folders, or the only
        one so called anywhere. Raises `Fault`."""
        for folder in self._folders:
            if folder + name in self._names:
                return folder + name
        found = self._by_base.get(name, [])
        if len(found) == 1:
            return found[0]
        raise Fault(
            expected=f"one picture {name}",
            found=" and ".join(found[:3]) if found else "none",
            fix="Remove all but one." if found else "Add the picture or remove its line.",
        )
