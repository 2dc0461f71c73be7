"""The files of a tagged folder: the table that every command reads, and the unfinished tags.

`.tagging.json` holds everything, also images that still lack a label. The table holds the rows
that are complete. Both are written whole or not at all.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ganport_runtime import strictjson
from ganport_runtime.errors import BundleError, RequestError
from ganport_runtime.files import atomic_write, check_folder, sha256_of
from ganport_train.data.file_formats import is_image
from ganport_train.data.formats.tagged_csv import FOLDER, TABLE, TaggedCsv
from ganport_train.data.issues import DataError, IssueLog
from ganport_train.data.source import FolderSource
from ganport_train.tagging.state import Groups, ImageTags, TagState

STATE = ".tagging.json"
LOCK = ".tagging.lock"
_SCHEMA = 1
_MAX_STATE = 256 << 20
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

    `images` are the names of its images in natural order. `notices` are sentences for the user
    about files that somebody else wrote.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.source = folder, FolderSource(folder)
        names = sorted(filter(is_image, self.source.names), key=_natural)
        inside = [name for name in names if name.startswith(f"{FOLDER}/")]
        self.images = tuple(inside or names)
        self.notices: list[str] = []
        self._digest = ""
        if not self.images:
            expected, fix = "a folder of images", "Name the folder that holds the images."
            raise DataError(str(folder), expected, "no image", fix)

    @property
    def table(self) -> Path:
        """The table that every command reads."""
        return self.folder / TABLE

    def load(self) -> TagState:
        """Return the saved tags; a table that was changed since overrules them."""
        groups, tags = self._read_state()
        digest = self._table_digest()
        if digest and digest != self._digest:
            groups, tags = self._read_table(groups, tags)
        return TagState(groups, {image: tags[image] for image in self.images if image in tags})

    def save(self, state: TagState) -> int:
        """Write the tags and the table; return the number of its rows.

        A table that somebody else wrote is copied first. Raises `FileError` for a full disk.
        """
        groups = state.table_groups()
        rows = state.complete(self.images, groups)
        table = _format_table(self._ids(), groups, rows, state)
        self._back_up()
        digest = sha256_of(table) if rows else ""
        atomic_write(self.folder / STATE, _format_state(state, digest))
        if rows:
            atomic_write(self.table, table)
        else:
            self.table.unlink(missing_ok=True)
        self._digest = digest
        return len(rows)

    def _back_up(self) -> None:
        digest = self._table_digest()
        if not digest or digest == self._digest:
            return
        target = next(path for path in _backup_paths(self.table) if not path.exists())
        atomic_write(target, self.table.read_bytes())
        self.notices.append(f"{TABLE} was written by another program. A copy is {target.name}.")

    def _table_digest(self) -> str:
        return sha256_of(self.table) if self.table.is_file() else ""

    def _ids(self) -> dict[str, str]:
        """Return the ID of each image: its path without folder `images` and without suffix."""
        paths = {image: image.removeprefix(f"{FOLDER}/") for image in self.images}
        stems = Counter(path.rpartition(".")[0] for path in paths.values())
        return {
            image: stem if stems[stem := path.rpartition(".")[0]] == 1 else path
            for image, path in paths.items()
        }

    def _read_table(
        self, groups: Groups, tags: Mapping[str, ImageTags]
    ) -> tuple[Groups, dict[str, ImageTags]]:
        """Return the tags with those of the table, which replace older ones."""
        issues = IssueLog(str(self.folder), strict=False)
        source = FolderSource(self.folder)
        examples = TaggedCsv().read(source, issues)
        merged, labels = dict(tags), {name: dict.fromkeys(old) for name, old in groups.items()}
        for example in examples:
            merged[example.image] = ImageTags(dict(example.labels))
            for group, label in example.labels.items():
                labels.setdefault(group, {})[label] = None
        errors = sum(issue.level == "error" for issue in issues)
        if errors:
            self.notices.append(f"{errors:,} lines of {TABLE} cannot be read and were not taken.")
        return {name: tuple(found) for name, found in labels.items()}, merged

    def _read_state(self) -> tuple[Groups, dict[str, ImageTags]]:
        path = self.folder / STATE
        if not path.exists():
            return {}, {}
        try:
            saved = strictjson.parse(path.read_bytes(), str(path), _MAX_STATE)
            self._digest, groups, tags = _parse_state(saved)
        except (BundleError, KeyError, TypeError, ValueError, AttributeError):
            expected = "the tags that `ganport dataset tag` wrote"
            fix = f"Restore the file, or remove it to start from {TABLE}."
            raise DataError(str(path), expected, "something else", fix) from None
        return groups, tags


def _format_table(
    ids: Mapping[str, str], groups: list[str], rows: list[str], state: TagState
) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for image in rows:
        labels = state.of(image).labels
        writer.writerow([ids[image], " ".join(f"{labels[group]} {group}" for group in groups)])
    return text.getvalue().encode()


def _format_state(state: TagState, digest: str) -> bytes:
    images = {
        image: {"labels": dict(tags.labels), **({"left_out": True} if tags.left_out else {})}
        for image, tags in state.images.items()
    }
    groups = {name: list(labels) for name, labels in state.groups.items()}
    saved = {"schema_version": _SCHEMA, "table": digest, "groups": groups, "images": images}
    return json.dumps(saved, ensure_ascii=False).encode()


def _parse_state(saved: Any) -> tuple[str, Groups, dict[str, ImageTags]]:
    if saved["schema_version"] != _SCHEMA:
        raise ValueError
    groups = {str(name): tuple(map(str, labels)) for name, labels in saved["groups"].items()}
    tags = {
        str(image): ImageTags(dict(entry["labels"]), bool(entry.get("left_out", False)))
        for image, entry in saved["images"].items()
    }
    TagState(groups, {}).tag(tags)  # every label must exist
    return str(saved["table"]), groups, tags


def _backup_paths(table: Path) -> Iterator[Path]:
    yield table.with_name(f"{table.name}.bak")
    for number in range(2, 10_000):
        yield table.with_name(f"{table.name}.bak{number}")


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Return the key that sorts 2.png before 10.png."""
    parts = _NUMBER.split(name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
