"""What a data set can be: every kind of source and of reader, and the choice among them."""

from __future__ import annotations

from pathlib import Path

from ganport_train.data.archive import Archive
from ganport_train.data.faces import TaggedFaces
from ganport_train.data.folder import Folder
from ganport_train.data.problems import DataError, quoted
from ganport_train.data.reader import Reader
from ganport_train.data.source import Source

READERS: tuple[Reader, ...] = (TaggedFaces(),)
"""In the order they are asked: the first that recognises a source reads it."""


def open_source(path: Path | str) -> Source:
    """The data set at `path`, a folder or a zip file; raises `DataError` for anything else."""
    path = Path(path)
    if path.is_dir():
        return Folder(path)
    if path.is_file():
        return Archive(path)
    raise DataError(
        str(path),
        expected="a folder or a zip file",
        found="something else" if path.exists() else "nothing there",
        fix="Check the path.",
    )


def choose_reader(source: Source) -> Reader:
    """The reader that recognises `source`; raises `DataError` if none does."""
    for reader in READERS:
        if reader.recognises(source):
            return reader
    raise DataError(
        str(source),
        expected=" or ".join(reader.layout for reader in READERS),
        found=_glimpse(source),
        fix="Lay the pictures out so; a zip is packed from inside its folder.",
    )


def _glimpse(source: Source) -> str:
    names = sorted(source.names, key=lambda name: (name.count("/"), name))
    if not names:
        return "no file that can be used"
    shown = ", ".join(quoted(name) for name in names[:3])
    return f"{len(names):,} file{'s, such as' if len(names) > 1 else ','} {shown}"
