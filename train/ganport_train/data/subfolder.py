"""The one folder that a source has at its top, as a source of its own."""

from __future__ import annotations

from dataclasses import replace

from ganport_train.data.issues import Issue
from ganport_train.data.source import Source


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

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name.removeprefix(self._prefix) for name in self._source.names)

    @property
    def rejected(self) -> list[Issue]:
        issues = self._source.rejected
        return [replace(issue, file=issue.file.removeprefix(self._prefix)) for issue in issues]

    @property
    def notes(self) -> list[Issue]:
        return self._source.notes

    def read(self, name: str, limit: int) -> bytes:
        return self._source.read(self._prefix + name, limit)


def top_folder(source: Source) -> str | None:
    """Return the folder that holds all files of a source, or None."""
    tops = {name.partition("/")[0] for name in source.names}
    is_folder = all("/" in name for name in source.names)
    return next(iter(tops)) if len(tops) == 1 and is_folder else None
