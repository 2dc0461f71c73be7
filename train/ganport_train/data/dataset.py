"""A data set ready for training: pictures, condition vectors, families and a stable split."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import GanportError, GanportWarning
from ganport_train.data.cache import (
    Entry,
    EntryWriter,
    check_room,
    default_cache_root,
    new_entry,
    open_entry,
    unwritable,
)
from ganport_train.data.decoder import decode_all
from ganport_train.data.encode_labels import encode
from ganport_train.data.formats.reader import (
    Example,
    Reader,
    Trials,
    unreadable,
)
from ganport_train.data.formats.registry import (
    AUTO,
    choose_reader,
    open_source,
    settle_attributes,
)
from ganport_train.data.issues import (
    DataError,
    EntryError,
    Issue,
    IssueLog,
)
from ganport_train.data.near_duplicates import find_duplicate_groups, merge_scenes
from ganport_train.data.source import Source
from ganport_train.data.split import split

MAX_RESOLUTION = 4096

_SHOWN = 20


@dataclass(frozen=True, eq=False)
class Dataset:
    """Pictures and what is asked of each.

    `images` is uint8 (N, R, R, 3) RGB, mapped from disk and read-only; `vectors` float32 (N, C)
    in the layout of `conditions`; `ids` the names the data set itself uses; `families` int64 (N,)
    the near-duplicate family of each picture and `keys` uint64 (N,) a number that depends on that
    family's content alone; `digest` the SHA-256 of the source; `issues` what was left out, and
    why; `kind` that of its reader; `trials` its test lists, requests by name.
    """

    images: NDArray[np.uint8]
    format: str
    conditions: Conditions
    vectors: NDArray[np.float32]
    ids: list[str]
    duplicate_groups: NDArray[np.int64]
    split_keys: NDArray[np.uint64]
    digest: str
    issues: tuple[Issue, ...]
    test_prompts: Trials

    def __len__(self) -> int:
        return len(self.ids)

    def split(self, held_out: float = 0.05) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The (training, held-out) indices, both rising; a family is never on both sides.

        `held_out` is a share in [0, 1), met as closely as chance allows. Which side a picture
        falls on depends on its content, not on the order or number of the others.
        """
        return split(self.split_keys, held_out)


def load_dataset(
    path: Path | str,
    *,
    resolution: int,
    conditions: Conditions | None = None,
    format: str = AUTO,
    attributes: Sequence[str] = (),
    cache: Path | None = None,
    skip_bad: bool = False,
    progress: bool = True,
) -> Dataset:
    """The data set at `path`, a folder or a zip, decoded once at `resolution` into a cache.

    `conditions` pins the vocabulary, else it is the data set's own; `kind` names the reader where
    several would do; of signed `attributes` only those named are asked for, or those that
    `conditions` hold; `cache` is the folder of the cache, else `$GANPORT_CACHE` or the user's.
    Raises `DataError` on the first error in the data set; with `skip_bad` it leaves out what is
    bad, warns, and the data set's `issues` say the whole of it.
    """
    _check_resolution(resolution)
    root = cache or default_cache_root()
    with open_source(path) as source:
        reader = choose_reader(source, format, attributes)
        attributes = settle_attributes(reader, attributes, conditions)
        settings = {
            "digest": source.digest,
            "kind": reader.kind,
            "attributes": list(attributes),
            "resolution": resolution,
            "conditions": None if conditions is None else conditions.to_json(),
        }
        dataset = _cached(root, settings)
        if dataset is None:
            builder = _Builder(source, reader, resolution, conditions, attributes, progress)
            dataset = builder.build(root, settings, IssueLog(str(path), strict=not skip_bad))
    # An entry that was written with `skip_bad` serves a strict load too.
    IssueLog(str(path), strict=not skip_bad).add_all(dataset.issues)
    _warn(dataset.issues, str(path))
    return dataset


@dataclass(frozen=True)
class _Builder:
    source: Source
    reader: Reader
    resolution: int
    conditions: Conditions | None
    attributes: Sequence[str]
    progress: bool

    def build(self, root: Path, settings: dict[str, Any], issues: IssueLog) -> Dataset:
        """Read, encode and decode the source into a new entry of the cache."""
        examples, conditions, vectors = self._read(issues)
        trials = self.reader.test_prompts(self.source)
        check_room(root, len(examples), self.resolution)
        failed: OSError | None = None
        try:
            with new_entry(root, settings) as writer:
                self._fill(writer, examples, vectors, issues)
                writer.facts["conditions"] = conditions.to_json()
                writer.facts["trials"] = trials
                writer.facts["issues"] = [issue.to_json() for issue in issues]
        except OSError as error:
            failed = error
        # Another process may have written the same entry at the same time; either will do.
        dataset = _cached(root, settings)
        if dataset is None:
            raise unwritable(root, failed or OSError("it was changed while it was written"))
        return dataset

    def _read(self, issues: IssueLog) -> tuple[list[Example], Conditions, NDArray[np.float32]]:
        issues.add_all(self.source.refused)
        found = self.reader.read(self.source, issues, self.attributes)
        _check_any(found, self.source, issues)
        conditions = self.conditions
        if conditions is None:
            conditions = self.reader.vocabulary(self.source, found, self.attributes)
        examples, vectors = encode(found, conditions, issues)
        _check_any(examples, self.source, issues)
        return examples, conditions, vectors

    def _fill(
        self,
        writer: EntryWriter,
        examples: Sequence[Example],
        vectors: NDArray[np.float32],
        issues: IssueLog,
    ) -> None:
        kept: list[int] = []
        thumbnails: list[NDArray[np.uint8]] = []
        pictures = decode_all(
            self.source, examples, self.resolution, self.reader.framing, progress=self.progress
        )
        with closing(pictures):
            for index, (example, picture) in enumerate(pictures):
                if isinstance(picture, EntryError):
                    issues.add(unreadable(example, picture))
                    continue
                writer.add(picture.pixels)
                kept.append(index)
                thumbnails.append(picture.thumbnail)
        _check_any(kept, self.source, issues)
        families = merge_scenes(
            find_duplicate_groups(
                np.stack(thumbnails), near=not self.reader.staged, progress=self.progress
            ),
            [examples[index].scene for index in kept],
        )
        writer.facts["ids"] = [examples[index].id for index in kept]
        writer.arrays = {
            "vectors": vectors[kept],
            "families": families.labels,
            "keys": families.keys,
        }


def _cached(root: Path, settings: dict[str, Any]) -> Dataset | None:
    entry = open_entry(root, settings)
    try:
        return None if entry is None else _dataset(entry, settings)
    except (GanportError, KeyError, TypeError):
        return None  # written by another version of this program


def _dataset(entry: Entry, settings: Mapping[str, Any]) -> Dataset:
    return Dataset(
        images=entry.images,
        conditions=Conditions.from_json(entry.facts["conditions"], "cache: conditions"),
        vectors=entry.arrays["vectors"],
        ids=entry.facts["ids"],
        duplicate_groups=entry.arrays["families"],
        split_keys=entry.arrays["keys"],
        digest=settings["digest"],
        format=settings["kind"],
        test_prompts=entry.facts["trials"],
        issues=tuple(Issue.from_json(fields) for fields in entry.facts["issues"]),
    )


def _check_resolution(resolution: int) -> None:
    if not 1 <= resolution <= MAX_RESOLUTION:
        raise DataError(
            "resolution",
            expected=f"a number of pixels from 1 to {MAX_RESOLUTION}",
            found=f"{resolution}",
            fix="Write 64 for pictures of 64 x 64.",
        )


def _check_any(found: Sequence[object], source: Source, issues: IssueLog) -> None:
    if not found:
        last = [issue.sentence(str(source)) for issue in issues][:1]
        raise DataError(
            str(source),
            expected="at least one picture that can be used",
            found="none",
            fix=f"The first issue: {last[0]}" if last else "Add pictures.",
        )


def _warn(issues: Sequence[Issue], source: str) -> None:
    if not issues:
        return
    lines = [issue.sentence(source) for issue in issues[:_SHOWN]]
    if len(issues) > _SHOWN:
        lines.append(f"and {len(issues) - _SHOWN} more; `ganport dataset check` names them all")
    title = f"{source}: issues, {len(issues)}; what they touch is left out"
    warnings.warn("\n  ".join([title, *lines]), GanportWarning, stacklevel=3)
