"""Where a bundle is written: one stored zip, or a folder; whole or not at all."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ganport_export.errors import OptionError
from ganport_runtime.bundle.manifest import MANIFEST_NAME
from ganport_runtime.errors import RequestError
from ganport_runtime.files import atomic_directory, atomic_write, check_folder

SUFFIX = ".ganport"


@dataclass(frozen=True)
class Target:
    """The path of a bundle, and whether it is a folder there."""

    path: Path
    folder: bool

    @classmethod
    def at(cls, path: Path | str, *, overwrite: bool) -> Target:
        """The target of an output path: a folder when it ends in a slash or is one, else a zip.

        Raises OptionError for a name without `.ganport`, a missing parent folder, and for
        something that is there already unless `overwrite` is set and it is a bundle.
        """
        text = os.fspath(path)
        place = Path(text)
        if place.suffix != SUFFIX:
            raise _refuse(place, f"a name ending in {SUFFIX}", "another", "Add the ending.")
        try:
            check_folder(place.parent)
        except RequestError as error:
            raise OptionError(
                error.place, expected=error.expected, found=error.found, fix=error.fix
            ) from error
        if place.exists() or place.is_symlink():
            _check_replaceable(place, overwrite)
        return cls(place, text.endswith(("/", os.sep)) or place.is_dir())

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write every file; a reader sees the whole bundle, or what was there before."""
        if not self.folder:
            atomic_write(self.path, _zipped(files))
            return
        with atomic_directory(self.path) as folder:
            for name, data in files.items():
                (folder / name).write_bytes(data)


def _check_replaceable(path: Path, overwrite: bool) -> None:
    if not overwrite:
        raise _refuse(path, "a new path", "a bundle or file there", "Use --force to replace it.")
    if path.is_dir() and not (path / MANIFEST_NAME).is_file():
        raise _refuse(path, "a bundle to replace", "a folder that is none", "Write somewhere else.")


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of stored members in order of name, dated 1980: the same bytes every time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def _refuse(path: Path, expected: str, found: str, fix: str) -> OptionError:
    return OptionError(str(path), expected=expected, found=found, fix=fix)
