"""Load a dataset: read its format, encode its labels, decode its images into the cache."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import ConditionError, GanportError, GanportWarning
from ganport_runtime.images.format import CHANNELS, Resolution, to_size
from ganport_train.data.balance import similar_labels
from ganport_train.data.cache import (
    EntryWriter,
    check_free_space,
    default_cache_root,
    new_entry,
    open_entry,
)
from ganport_train.data.dataset import Dataset, Vectors
from ganport_train.data.formats.base import Contents, Example, Reader
from ganport_train.data.formats.registry import (
    choose_reader,
    enter_top_folder,
    open_source,
    resolve_attributes,
    source_issues,
)
from ganport_train.data.image_options import AUTO, ImageOptions
from ganport_train.data.image_writer import ImageWriter
from ganport_train.data.issues import DataError, EntryError, Issue, IssueLog, summarize
from ganport_train.data.near_duplicates import (
    dissolved_families,
    find_duplicate_groups,
    merge_scenes,
)
from ganport_train.data.source import Source

MAX_RESOLUTION = 4096

_SHOWN_ISSUES = 20


def load_dataset(
    path: Path | str,
    *,
    resolution: Resolution,
    mode: str = AUTO,
    pixelated: bool | str = AUTO,
    palette: int | str = AUTO,
    conditions: Conditions | None = None,
    format: str = AUTO,
    attributes: Sequence[str] = (),
    cache: Path | None = None,
    skip_bad: bool = False,
) -> Dataset:
    """Load the folder or zip at `path`; the images are decoded once per image format and cached.

    resolution: side of the images, or their height and width.
    mode: "gray", "rgb" or "rgba"; the default is what the images need.
    pixelated: whether the images are pixel art; the default is decided by the images.
    palette: most colors that the images share, or "none"; the default is the colors of pixel art.
    conditions: a fixed vocabulary; the default is the vocabulary of the dataset.
    format: name of the dataset format; the default is the first that matches.
    attributes: the signed attributes to read; the default is those of `conditions`, else all.
    cache: folder of the cache; the default is `default_cache_root()`.
    skip_bad: leave out bad entries and warn. Otherwise the first error raises `DataError`.
    """
    _check_resolution(resolution)
    options = ImageOptions(resolution, mode, pixelated, palette)
    root = cache or default_cache_root()
    with open_source(path) as opened:
        source = enter_top_folder(opened)
        labeled = conditions is None or bool(conditions.groups)
        reader = choose_reader(source, format, attributes, labeled=labeled)
        attributes = resolve_attributes(reader, attributes, conditions)
        settings = {
            "digest": source.digest,
            "format": reader.format,
            "attributes": list(attributes),
            "image": options.to_json(),
            "conditions": None if conditions is None else conditions.to_json(),
        }
        dataset = _open_matching(root, settings, options)
        if dataset is None:
            builder = _Builder(source, reader, options, conditions, attributes)
            dataset = builder.build(root, settings, IssueLog(str(source), strict=not skip_bad))
    # An entry that `skip_bad` has written also serves a strict load.
    IssueLog(str(source), strict=not skip_bad).add_all(dataset.issues)
    _warn(dataset.issues, str(source))
    return dataset


@dataclass(frozen=True)
class _Builder:
    """Builds the cache entry of one source."""

    source: Source
    reader: Reader
    options: ImageOptions
    conditions: Conditions | None
    attributes: Sequence[str]

    def build(self, root: Path, settings: dict[str, Any], issues: IssueLog) -> Dataset:
        """Read, encode and decode the source into a new entry of the cache."""
        contents, conditions = self._read(issues)
        examples, vectors = encode_labels(contents.examples, conditions, issues)
        _check_not_empty(examples, issues)
        channels = CHANNELS.get(self.options.mode, CHANNELS["rgba"])
        check_free_space(root, len(examples), (*self.options.size, channels))
        reason = "it changed while it was written"
        try:
            with new_entry(root, settings) as writer:
                self._write_images(writer, examples, vectors, issues)
                writer.metadata["conditions"] = conditions.to_json()
                writer.metadata["test_prompts"] = contents.test_prompts
                writer.metadata["issues"] = [asdict(issue) for issue in issues]
        except OSError as error:
            reason = error.strerror or str(error)
        # If another process wrote the same entry at the same time, that entry is equal.
        dataset = _open_cached(root, settings)
        if dataset is None:
            fix = "Set GANPORT_CACHE to a folder of your own."
            raise DataError(f"cache folder {root}", "a writable folder", reason, fix)
        return dataset

    def _read(self, issues: IssueLog) -> tuple[Contents, Conditions]:
        issues.add_all(source_issues(self.source))
        contents = self.reader.read(self.source, issues, self.attributes)
        _check_not_empty(contents.examples, issues)
        conditions = contents.vocabulary() if self.conditions is None else self.conditions
        issues.add_all(similar_labels(conditions))
        return contents, conditions

    def _write_images(
        self, writer: EntryWriter, examples: Sequence[Example], vectors: Vectors, issues: IssueLog
    ) -> None:
        image_writer = ImageWriter(writer, self.source, self.reader, self.options)
        kept, thumbnails = image_writer.write(examples, issues)
        _check_not_empty(kept, issues)
        near = not self.reader.shared_scene
        alike = find_duplicate_groups(np.stack(thumbnails), near=near)
        issues.add_all(dissolved_families(alike))
        groups = merge_scenes(alike, [examples[index].scene for index in kept])
        writer.metadata |= image_writer.metadata()
        writer.metadata["ids"] = [examples[index].id for index in kept]
        writer.arrays = {
            "vectors": vectors[kept],
            "duplicate_groups": groups.labels,
            "split_keys": groups.keys,
        }


def encode_labels(
    examples: Sequence[Example], conditions: Conditions, issues: IssueLog
) -> tuple[list[Example], Vectors]:
    """Encode the labels of examples as float32 (N, C); return the examples that can be encoded.

    A label outside `conditions` becomes an issue. Without condition groups every example is kept.
    Raises `DataError` if the groups of the dataset are not those of `conditions`.
    """
    if not conditions.groups:
        return list(examples), np.zeros((len(examples), 0), np.float32)
    kept: list[Example] = []
    vectors: list[Vectors] = []
    cache: dict[str, Vectors | ConditionError] = {}
    for example in examples:
        key = json.dumps(example.labels, sort_keys=True)
        if key not in cache:
            _check_groups(example, conditions, issues.source)
            cache[key] = _encode(example, conditions)
        vector = cache[key]
        if isinstance(vector, ConditionError):
            expected = f"{vector.expected} ({vector.place})"
            error = EntryError(expected, vector.found, vector.fix)
            issues.add(example.issue(error, "vocabulary"))
        else:
            kept.append(example)
            vectors.append(vector)
    return kept, np.stack(vectors) if vectors else np.zeros((0, conditions.size), np.float32)


def _encode(example: Example, conditions: Conditions) -> Vectors | ConditionError:
    try:
        return conditions.encode(example.labels)
    except ConditionError as error:
        return error


def _check_groups(example: Example, conditions: Conditions, source: str) -> None:
    # `Conditions.encode` would give a missing group its default value.
    if example.labels.keys() != conditions.fields.keys():
        raise Issue(
            "vocabulary",
            example.table,
            f"the condition groups of the recipe, {', '.join(conditions.fields)}",
            ", ".join(example.labels) or "none",
            "Use a recipe for these groups, or one without [conditions].",
            example.line,
        ).to_error(source)


def _open_matching(root: Path, settings: dict[str, Any], options: ImageOptions) -> Dataset | None:
    """Open the entry of the settings, or that of automatic options that found the same format."""
    if (dataset := _open_cached(root, settings)) is not None:
        return dataset
    automatic = settings | {"image": ImageOptions(options.resolution).to_json()}
    dataset = _open_cached(root, automatic)
    return dataset if dataset is not None and options.allows(dataset.image) else None


def _open_cached(root: Path, settings: dict[str, Any]) -> Dataset | None:
    entry = open_entry(root, settings)
    try:
        return None if entry is None else Dataset.from_entry(entry, settings)
    except (GanportError, KeyError, TypeError):
        return None  # another version of ganport wrote it


def _check_resolution(resolution: Resolution) -> None:
    if not all(1 <= side <= MAX_RESOLUTION for side in to_size(resolution)):
        expected = f"a number of pixels from 1 to {MAX_RESOLUTION}, or two"
        raise DataError("resolution", expected, f"{resolution}", "Write 64 for 64 x 64 pixels.")


def _check_not_empty(entries: Sequence[object], issues: IssueLog) -> None:
    if not entries:
        first = next((f"Fix the first issue: {i.message(issues.source)}" for i in issues), "")
        raise DataError(issues.source, "at least one usable image", "none", first or "Add images.")


def _warn(issues: Sequence[Issue], source: str) -> None:
    if not issues:
        return
    errors = sum(issue.level == "error" for issue in issues)
    lines = [message for _, message in summarize(issues, source)]
    if len(lines) > _SHOWN_ISSUES:
        lines[_SHOWN_ISSUES:] = [f"and {len(lines) - _SHOWN_ISSUES} other kinds"]
    skipped = f"; {errors:,} entries are left out" if errors else ""
    title = f"{source}: {len(issues):,} issues{skipped}; `ganport dataset check --json` lists all"
    warnings.warn("\n  ".join([title, *lines]), GanportWarning, stacklevel=3)
