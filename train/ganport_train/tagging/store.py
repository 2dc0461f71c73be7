"""The files of a tagged folder: the table that every command reads, and the unfinished tags.

`.tagging.json` holds everything, also images that still lack a label. The table holds the rows
that are complete. Both are written whole or not at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ganport_runtime import strictjson
from ganport_runtime.errors import BundleError, RequestError
from ganport_runtime.files import atomic_write, check_folder, sha256_of
from ganport_runtime.values import check_name
from ganport_train.data.file_formats import is_image
from ganport_train.data.formats.tagged_csv import FOLDER
from ganport_train.data.issues import DataError
from ganport_train.data.source import FolderSource
from ganport_train.tagging.state import Choice, ImageTags, TagState
from ganport_train.tagging.table import FoundTags, read_tags

STATE = ".tagging.json"
LOCK = ".tagging.lock"
_SCHEMA = 1
_MAX_STATE, _MAX_VALUES = 256 << 20, 1 << 24
"""Bytes and JSON values of the state, which hold the tags of 1,000,000 images in five groups."""
_NUMBER = re.compile(r"(\d+)")


@contextmanager
def lock_tags(folder: Path) -> Iterator[None]:
    """Hold the tags of a folder; raises `RequestError` if another tagger holds them."""
    check_folder(folder)
    try:
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout:
        expected, fix = "a folder that no other tagger has open", "Use its page, or stop it."
        raise RequestError(str(folder), expected, "another one", fix) from None


class TagStore:
    """The images and the files of a folder.

    `images` are the names of its images in natural order, and `layout` is the form of its table.
    `notices` are sentences for the user about files that somebody else wrote. Raises `DataError`
    for a folder without images, or with labels that the tagger cannot keep.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.source = folder, FolderSource(folder)
        names = sorted(filter(is_image, self.source.names), key=_natural)
        inside = [name for name in names if name.startswith(f"{FOLDER}/")]
        self.images = tuple(inside or names)
        self.notices: list[str] = []
        if not self.images:
            expected, fix = "a folder of images", "Name the folder that holds the images."
            raise DataError(str(folder), expected, "no image", fix)
        self._found = read_tags(self.source)
        self.layout = self._found.table
        self._known = {""}

    @property
    def table(self) -> Path:
        """The table that every command reads."""
        return self.folder / self.layout.name

    def load(self) -> TagState:
        """Return the saved tags; a table that was changed since overrules them."""
        state = self._read_state()
        is_new = not (self.folder / STATE).exists()
        if is_new or self._table_digest() not in self._known:
            state = _merge(state, self._found)
            if self._found.bad:
                name = self.layout.name
                self.notices.append(f"{self._found.bad:,} lines of {name} could not be read.")
        if self.layout.extras:
            columns = ", ".join(self.layout.extras)
            self.notices.append(f"The columns {columns} of {self.layout.name} are kept.")
        tags = {image: state.images[image] for image in self.images if image in state.images}
        return TagState(state.groups, tags, state.multiple)

    def save(self, state: TagState) -> int:
        """Write the tags and the table; return the number of its rows.

        A table that somebody else wrote is copied first. Raises `FileError` for a full disk.
        """
        rows = self.rows(state)
        labels = {image: dict(state.of(image).labels) for image in rows}
        table = self.layout.format(self.images, labels, state.table_groups())
        self._back_up()
        digest = sha256_of(table) if rows else ""
        # A kill between the two writes leaves the table of before, which is known as well.
        known = {"table": digest, "previous_table": self._table_digest()}
        saved = {**known, **_describe(state), **self.layout.to_json()}
        content = {"schema_version": _SCHEMA, **saved}
        atomic_write(self.folder / STATE, json.dumps(content, ensure_ascii=False).encode())
        if rows:
            atomic_write(self.table, table)
        else:
            self.table.unlink(missing_ok=True)
        self._known = {digest}
        return len(rows)

    def rows(self, state: TagState) -> list[str]:
        """Return the images that have a row in the table."""
        images = filter(self.layout.takes, self.images)
        return state.complete(images, state.table_groups())

    def _back_up(self) -> None:
        digest = self._table_digest()
        if not digest or digest in self._known:
            return
        name = self.table.name
        paths = (self.table.with_name(f"{name}.bak{end}") for end in ("", *range(2, 10_000)))
        target = next(path for path in paths if not path.exists())
        atomic_write(target, self.table.read_bytes())
        self.notices.append(f"{name} was written by another program. A copy is {target.name}.")

    def _table_digest(self) -> str:
        return sha256_of(self.table) if self.table.is_file() else ""

    def _read_state(self) -> TagState:
        path = self.folder / STATE
        if not path.exists():
            return TagState({}, {})
        try:
            data = path.read_bytes()
            saved: Any = strictjson.parse(data, str(path), _MAX_STATE, _MAX_VALUES)
            state = _parse_state(saved)
            self._known = {"", str(saved["table"]), str(saved["previous_table"])}
            self.layout = self._found.table.with_cells(saved)
        except (BundleError, KeyError, TypeError, ValueError, AttributeError):
            expected = "the tags that `ganport dataset tag` wrote"
            fix = f"Restore the file, or remove it to start from {self.layout.name}."
            raise DataError(str(path), expected, "something else", fix) from None
        return state


def _merge(state: TagState, found: FoundTags) -> TagState:
    """Return the tags with those of a table, which replace older ones."""
    rows = {image: ImageTags(row) for image, row in found.labels.items() if row}
    labels: dict[str, tuple[str, ...]] = {**dict.fromkeys(found.groups, ()), **state.groups}
    for group in found.groups:
        choices = [row[group] for row in found.labels.values() if group in row]
        read = {label for choice in choices for label in _labels_of(choice)}
        labels[group] = (*labels[group], *sorted(read - {*labels[group]}))
    multiple = state.multiple - {*found.groups} | found.multiple
    kept = {
        image: tags.with_labels(dict.fromkeys(state.multiple ^ multiple))
        for image, tags in state.images.items()
    }
    return TagState(labels, {**kept, **rows}, multiple)


def _labels_of(choice: Choice) -> tuple[str, ...]:
    return (choice,) if isinstance(choice, str) else choice


def _describe(state: TagState) -> dict[str, Any]:
    images = {
        image: {"labels": dict(tags.labels), **({"left_out": True} if tags.left_out else {})}
        for image, tags in state.images.items()
    }
    return {
        "groups": {name: list(labels) for name, labels in state.groups.items()},
        "multiple": sorted(state.multiple),
        "images": images,
    }


def _parse_state(saved: Any) -> TagState:
    if saved["schema_version"] != _SCHEMA:
        raise ValueError
    groups = {name: tuple(labels) for name, labels in saved["groups"].items()}
    for group, labels in groups.items():
        for name in (group, *labels):
            check_name(group, name)
    tags = {
        str(image): ImageTags(_parse_labels(entry["labels"]), bool(entry.get("left_out", False)))
        for image, entry in saved["images"].items()
    }
    multiple = frozenset(saved.get("multiple", ()))
    TagState(groups, {}, multiple).tag(tags)  # every label must exist
    return TagState(groups, tags, multiple)


def _parse_labels(saved: Any) -> dict[str, Choice]:
    return {
        group: tuple(choice) if isinstance(choice, list) else choice
        for group, choice in saved.items()
    }


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Return the key that sorts 2.png before 10.png."""
    parts = _NUMBER.split(name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
