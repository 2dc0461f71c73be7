"""The card of a checkpoint, `checkpoint.json`: what every file beside it must be."""

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

CARD = "checkpoint.json"
WEIGHTS = "generator.safetensors"
MOST = 2**63 - 1
"""The largest whole number a card may hold."""
_ANOTHER = "Name the run's folder, and its best whole checkpoint is taken."


class CheckpointError(GanportError):
    """A checkpoint that is missing, torn, altered or of a newer version."""


def describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and sha256 of every file of a folder, for its card."""
    return {
        file.name: {"size": file.stat().st_size, "sha256": sha256_of(file)}
        for file in sorted(folder.iterdir())
        if file.name != CARD
    }


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a checkpoint, once every file it names has the size and digest it states.

    Its `schema_version`, `step` and `images` are whole numbers in range, and its `files` name
    the weights. Raises CheckpointError.
    """
    path = folder / CARD
    with as_fault_of(path) as place:
        card = strictjson.parse(read_bytes(path), place)
        known = JsonObject(card, place)
        assert isinstance(card, dict)
        version = known.integer("schema_version", 1, MOST)
        if version > SCHEMA_VERSION:
            raise CheckpointError(
                place,
                expected=f"schema version {SCHEMA_VERSION} or lower",
                found=f"version {version}",
                fix="Use a newer ganport.",
            )
        for name in ("step", "images"):
            known.integer(name, 0, MOST)
        files = known.object("files")
        files.object(WEIGHTS)
        for name in card["files"]:
            _check_file(folder, name, files)
        return migrate_checkpoint(card)


def read_bytes(card: Path) -> bytes:
    """The bytes of a card, if they are few enough; raises CheckpointError."""
    try:
        if not card.is_file():
            raise torn(card, "no such file")
        size = card.stat().st_size
        if size > strictjson.MAX_BYTES:
            raise torn(card, f"a file of {size:,} bytes")
        return card.read_bytes()
    except OSError as error:
        raise torn(card, error.strerror or str(error)) from None


def torn(place: Path, found: str) -> CheckpointError:
    """The error for a checkpoint's file that is not as its card says."""
    return CheckpointError(
        str(place),
        expected="a whole, unaltered checkpoint file",
        found=found,
        fix=_ANOTHER,
    )


@contextmanager
def as_fault_of(card: Path) -> Iterator[str]:
    """Gives the card's place; what anything else refuses in it becomes a CheckpointError."""
    place = str(card)
    try:
        yield place
    except CheckpointError:
        raise
    except GanportError as error:
        where = error.place if error.place.startswith(place) else f"{place}: {error.place}"
        raise CheckpointError(
            where, expected=error.expected, found=error.found, fix=_ANOTHER
        ) from None


def _check_file(folder: Path, name: str, files: JsonObject) -> None:
    place = folder / sanitize(name)
    if place.name != name:  # a path, or a name that no message could show
        raise torn(place, "no plain name of a file")
    try:
        if not place.is_file():
            raise torn(place, "no such file")
        stated = files.object(name)
        size = place.stat().st_size
        if size != stated.integer("size", 0, MOST):
            raise torn(place, f"{size} bytes")
        if sha256_of(place) != stated.value("sha256"):
            raise torn(place, "another sha256 than its card states")
    except OSError as error:
        raise torn(place, error.strerror or str(error)) from None
