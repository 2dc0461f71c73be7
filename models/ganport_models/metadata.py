"""The metadata of a checkpoint, `checkpoint.json`: it lists every other file with its digest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ganport_models.migrations import SCHEMA_VERSION, migrate_checkpoint
from ganport_runtime import strictjson
from ganport_runtime.errors import GanportError
from ganport_runtime.files import sha256_of
from ganport_runtime.strictjson import JsonObject
from ganport_runtime.values import sanitize

METADATA = "checkpoint.json"
WEIGHTS = "generator.safetensors"
MAX_INTEGER = 2**63 - 1
"""Largest integer in the metadata."""


class CheckpointError(GanportError):
    """A checkpoint that is missing, corrupt, altered or of a newer version."""

    default_fix = "Give the run's folder: ganport then uses its best intact checkpoint."

    @classmethod
    def corrupt(cls, path: Path, found: str) -> CheckpointError:
        """Return the error of a file that does not match the metadata."""
        return cls(str(path), "a complete, unaltered checkpoint file", sanitize(found, 300))


def describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the size and SHA-256 of every file of a folder except the metadata."""
    return {
        file.name: {"size": file.stat().st_size, "sha256": sha256_of(file)}
        for file in sorted(folder.iterdir())
        if file.name != METADATA
    }


def read_metadata(folder: Path) -> dict[str, Any]:
    """Read the metadata of a checkpoint and check the size and digest of every listed file.

    `schema_version`, `step` and `images` are integers in range, and `files` lists the weights.
    Older schemas are migrated. Raises `CheckpointError`.
    """
    path = folder / METADATA
    with as_checkpoint_error(path) as location:
        metadata = strictjson.parse(read_bytes(path), location)
        fields = JsonObject(metadata, location)
        assert isinstance(metadata, dict)
        version = fields.integer("schema_version", 1, MAX_INTEGER)
        if version > SCHEMA_VERSION:
            expected = f"schema version {SCHEMA_VERSION} or lower"
            raise CheckpointError(location, expected, f"version {version}", "Use a newer ganport.")
        for name in ("step", "images"):
            fields.integer(name, 0, MAX_INTEGER)
        files = fields.object("files")
        files.object(WEIGHTS)
        for name in metadata["files"]:
            _check_file(folder, name, files)
        return migrate_checkpoint(metadata)


def read_bytes(path: Path) -> bytes:
    """Read a metadata file; raises `CheckpointError` if it is missing, unreadable or too large."""
    try:
        if not path.is_file():
            raise CheckpointError.corrupt(path, "no such file")
        size = path.stat().st_size
        if size > strictjson.MAX_BYTES:
            raise CheckpointError.corrupt(path, f"a file of {size:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError.corrupt(path, error.strerror or str(error)) from None


@contextmanager
def as_checkpoint_error(path: Path) -> Iterator[str]:
    """Yield `path` as text; turn a `GanportError` of the block into a `CheckpointError`."""
    location = str(path)
    try:
        yield location
    except CheckpointError:
        raise
    except GanportError as error:
        inside = error.place.startswith(location)
        place = error.place if inside else f"{location}: {error.place}"
        raise CheckpointError(place, error.expected, error.found) from None


def _check_file(folder: Path, name: str, files: JsonObject) -> None:
    path = folder / sanitize(name)
    if path.name != name:  # a path, or a name with unprintable characters
        raise CheckpointError.corrupt(path, "not a plain file name")
    try:
        if not path.is_file():
            raise CheckpointError.corrupt(path, "no such file")
        stated = files.object(name)
        size = path.stat().st_size
        if size != stated.integer("size", 0, MAX_INTEGER):
            raise CheckpointError.corrupt(path, f"{size} bytes")
        if sha256_of(path) != stated.value("sha256"):
            raise CheckpointError.corrupt(path, "a SHA-256 other than the metadata states")
    except OSError as error:
        raise CheckpointError.corrupt(path, error.strerror or str(error)) from None
