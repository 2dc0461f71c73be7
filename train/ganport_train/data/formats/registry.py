"""What a data set can be: every kind of source and of reader, and the choice among them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ganport_runtime.conditions import Conditions, SignedMultiHot
from ganport_runtime.values import closest_match, format_choices
from ganport_train.data.folder_source import Folder
from ganport_train.data.formats.celeba import CelebA
from ganport_train.data.formats.iclevr import IClevr
from ganport_train.data.formats.image_folder import ClassFolders
from ganport_train.data.formats.reader import Reader
from ganport_train.data.formats.stylegan_json import Indexed
from ganport_train.data.formats.tagged_csv import TaggedFaces
from ganport_train.data.issues import DataError, quoted
from ganport_train.data.source import Source
from ganport_train.data.zip_source import Archive

READERS: tuple[Reader, ...] = (TaggedFaces(), IClevr(), CelebA(), Indexed(), ClassFolders())
"""In the order they are asked: the first that recognises a source reads it."""
AUTO = "auto"
FORMATS = (AUTO, *(reader.kind for reader in READERS))
"""What `kind` may be: that of a reader, or the first that recognises the source."""


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


def choose_reader(source: Source, kind: str = AUTO, attributes: Sequence[str] = ()) -> Reader:
    """The reader that recognises `source`, or the one of a `kind` asked for.

    Raises `DataError` if none does, if it cannot choose the `attributes` asked for, and for a kind
    there is not.
    """
    if kind not in FORMATS:
        raise DataError(
            "kind",
            expected=f"one of {', '.join(FORMATS)}",
            found=quoted(kind),
            fix=f"Did you mean {closest_match(kind, FORMATS)!r}?",
        )
    asked = [reader for reader in READERS if kind in (AUTO, reader.kind)]
    for reader in asked:
        if reader.recognises(source):
            _check_attributes(source, reader, attributes)
            return reader
    raise DataError(
        str(source),
        expected=" or ".join(reader.layout for reader in asked),
        found=_glimpse(source),
        fix="Lay the pictures out so; a zip is packed from inside its folder.",
    )


def settle_attributes(
    reader: Reader, asked: Sequence[str], conditions: Conditions | None
) -> Sequence[str]:
    """The attributes to read: those asked for, else those that pinned `conditions` hold.

    Raises `DataError` where these differ.
    """
    if not reader.selects or conditions is None:
        return asked
    signed = [group for group in conditions.groups if isinstance(group, SignedMultiHot)]
    pinned = [label for group in signed for label in group.labels]
    if asked and pinned and set(asked) != set(pinned):
        # What is pinned and not asked for would pass for an attribute that is off.
        raise DataError(
            "attributes",
            expected=f"those of the pinned conditions, {format_choices(pinned)}",
            found=format_choices(asked),
            fix="Leave the attributes out, or pin these.",
        )
    return asked or pinned


def _check_attributes(source: Source, reader: Reader, attributes: Sequence[str]) -> None:
    if attributes and not reader.selects:
        raise DataError(
            str(source),
            expected="a data set of attributes to choose from",
            found=reader.name,
            fix="Leave the attributes out, or name its kind: celeba.",
        )


def _glimpse(source: Source) -> str:
    names = sorted(source.names, key=lambda name: (name.count("/"), name))
    if not names:
        return "no file that can be used"
    shown = ", ".join(quoted(name) for name in names[:3])
    return f"{len(names):,} file{'s, such as' if len(names) > 1 else ','} {shown}"
