"""Check a dataset: count its conditions, sizes and duplicates, and list every issue."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_runtime.images.format import ImageFormat, Resolution
from ganport_train.data.file_formats import several_frames
from ganport_train.data.formats.base import Example, Labels
from ganport_train.data.formats.registry import AUTO, choose_reader, open_source, source_issues
from ganport_train.data.image_options import ImageOptions
from ganport_train.data.image_statistics import ImageStatistics
from ganport_train.data.image_writer import resolve_pixelated
from ganport_train.data.images import DecodedImage, decode_all
from ganport_train.data.issues import EntryError, Issue, IssueLog
from ganport_train.data.near_duplicates import find_duplicate_groups

_RARE_SHOWN = 5
_MAX_COMBINATIONS = 10_000

Similarity = Literal["identical", "mirrored", "near"]


@dataclass(frozen=True)
class DuplicateGroup:
    """The images of one group; `similarity` is that of its least similar pair."""

    similarity: Similarity
    ids: tuple[str, ...]


@dataclass(frozen=True)
class ConditionStats:
    """Counts of conditions.

    labels: images of each label, by group, in the order of the condition vector.
    numbers: minimum, mean and maximum of each numeric group.
    possible: combinations of labels; None if a group allows several labels at once.
    seen: combinations that have an image.
    rarest: combinations with the fewest images, and their counts.
    missing: some combinations without an image.
    """

    labels: dict[str, dict[str, int]]
    numbers: dict[str, tuple[float, float, float]]
    possible: int | None
    seen: int
    rarest: dict[str, int]
    missing: list[str]


@dataclass(frozen=True)
class Report:
    """Result of a check.

    images: number of usable images.
    image: format of the images that training would use.
    notes: what was assumed about the images, one line each.
    test_prompts: number of prompts in each test list.
    sizes: number of images by (width, height).
    file_formats: number of images by file format.
    upscaled: images below the resolution, which training would enlarge.
    """

    source: str
    format: str
    digest: str
    images: int
    image: ImageFormat
    notes: list[str]
    conditions: ConditionStats
    test_prompts: dict[str, int]
    sizes: dict[tuple[int, int], int]
    file_formats: dict[str, int]
    upscaled: int
    duplicates: list[DuplicateGroup]
    issues: list[Issue]

    @property
    def errors(self) -> int:
        """Number of issues that stop a strict load."""
        return sum(issue.level == "error" for issue in self.issues)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return fields | {
            "image": self.image.to_json(),
            "conditions": asdict(self.conditions),
            "sizes": {f"{width}x{height}": n for (width, height), n in self.sizes.items()},
            "duplicates": [asdict(group) for group in self.duplicates],
            "issues": [
                asdict(issue) | {"message": issue.message(self.source)} for issue in self.issues
            ],
            "errors": self.errors,
        }


@dataclass
class _ImageStats:
    """What the check keeps of each decoded image."""

    examples: list[Example] = field(default_factory=list)
    thumbnails: list[NDArray[np.uint8]] = field(default_factory=list)
    animated: list[str] = field(default_factory=list)
    digests: list[tuple[bytes, bytes]] = field(default_factory=list)  # of pixels, mirrored pixels
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    file_formats: Counter[str] = field(default_factory=Counter)

    def add(self, example: Example, image: DecodedImage) -> None:
        self.examples.append(example)
        self.thumbnails.append(image.thumbnail)
        mirrored = np.ascontiguousarray(image.pixels[:, ::-1])
        self.digests.append((_digest(image.pixels), _digest(mirrored)))
        self.animated += [example.image] if image.frames > 1 else []
        self.sizes[image.size] += 1
        self.file_formats[image.format] += 1

    def similarity(self, group: NDArray[np.int64]) -> Similarity:
        """Return the similarity of the images of a group."""
        if len({self.digests[i][0] for i in group}) == 1:
            return "identical"
        return "mirrored" if len({min(self.digests[i]) for i in group}) == 1 else "near"

    def duplicates(self, near: bool, progress: bool) -> list[DuplicateGroup]:
        """Return the groups of several images."""
        if not self.thumbnails:
            return []
        found = find_duplicate_groups(np.stack(self.thumbnails), near=near, progress=progress)
        order = np.argsort(found.labels, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(found.labels[order])) + 1)
        return [
            DuplicateGroup(self.similarity(group), tuple(self.examples[i].id for i in group))
            for group in groups
            if len(group) > 1
        ]


def check_dataset(
    path: Path | str,
    *,
    resolution: Resolution = 64,
    mode: str = AUTO,
    pixelated: bool | str = AUTO,
    palette: int | str = AUTO,
    format: str = AUTO,
    attributes: Sequence[str] = (),
    progress: bool = True,
) -> Report:
    """Read and decode the dataset at `path` as a load with these options would; write nothing.

    Raises `DataError` only if no report is possible: no such file, no dataset, no vocabulary.
    """
    with open_source(path) as source:
        issues = IssueLog(str(path), strict=False)
        issues.add_all(source_issues(source))
        reader = choose_reader(source, format, attributes)
        examples = reader.read(source, issues, attributes)
        test_prompts = reader.test_prompts(source)
        conditions = Conditions()
        if examples:
            conditions = reader.vocabulary(source, examples, attributes)
        stats = _ImageStats()
        names = [example.image for example in examples]
        options = ImageOptions(resolution, mode, pixelated, palette)
        options, notes = resolve_pixelated(source, names, options, reader)
        found = ImageStatistics(options)
        decoded = decode_all(source, names, options, reader.framing, progress=progress)
        with closing(decoded) as images:
            for example, image in zip(examples, images, strict=True):
                if isinstance(image, EntryError):
                    issues.add(example.unreadable(image))
                else:
                    stats.add(example, image)
                    found.add(image.pixels)
        issues.add_all(several_frames(stats.animated))
        return Report(
            source=str(path),
            format=reader.title,
            digest=source.digest,
            images=len(stats.examples),
            image=found.image_format(),
            notes=[*notes, *found.notes()],
            conditions=_condition_stats(stats.examples, conditions),
            test_prompts={name: len(prompts) for name, prompts in test_prompts.items()},
            sizes=dict(stats.sizes.most_common()),
            file_formats=dict(stats.file_formats.most_common()),
            upscaled=sum(n for size, n in stats.sizes.items() if _is_smaller(size, options.size)),
            duplicates=stats.duplicates(not reader.shared_scene, progress),
            issues=list(issues),
        )


def _is_smaller(size: tuple[int, int], wanted: tuple[int, int]) -> bool:
    """Return whether a (width, height) is below a (height, width)."""
    return size[0] < wanted[1] or size[1] < wanted[0]


def _condition_stats(examples: Sequence[Example], conditions: Conditions) -> ConditionStats:
    labels = _count_labels(examples, conditions)
    captions = (_caption(example.labels, conditions) for example in examples)
    counts = Counter(caption for caption in captions if caption)
    possible = _count_possible(examples, labels)
    countable = (possible or math.inf) <= _MAX_COMBINATIONS
    return ConditionStats(
        labels=labels,
        numbers=_number_ranges(examples),
        possible=possible,
        seen=len(counts),
        rarest=dict(sorted(counts.items(), key=lambda item: (item[1], item[0]))[:_RARE_SHOWN]),
        missing=_missing_captions(conditions, counts) if countable else [],
    )


def _count_labels(examples: Sequence[Example], conditions: Conditions) -> dict[str, dict[str, int]]:
    counts = {group.name: dict.fromkeys(group.labels, 0) for group in conditions.groups}
    for example in examples:
        for group, value in example.labels.items():
            labels = [value] if isinstance(value, str) else value
            for label in labels if isinstance(labels, list) else []:
                counts[group][label] += 1
    return {group: found for group, found in counts.items() if found}


def _number_ranges(examples: Sequence[Example]) -> dict[str, tuple[float, float, float]]:
    values: dict[str, list[float]] = {}
    for example in examples:
        for group, value in example.labels.items():
            if isinstance(value, float):
                values.setdefault(group, []).append(value)
    return {group: (min(of), sum(of) / len(of), max(of)) for group, of in values.items()}


def _count_possible(examples: Sequence[Example], labels: dict[str, dict[str, int]]) -> int | None:
    if not all(isinstance(v, str) for example in examples for v in example.labels.values()):
        return None
    return math.prod(len(found) for found in labels.values()) if labels else 0


def _missing_captions(conditions: Conditions, counts: Counter[str]) -> list[str]:
    names = [group.name for group in conditions.groups]
    combinations = product(*(group.labels for group in conditions.groups))
    captions = (_caption(dict(zip(names, c, strict=True)), conditions) for c in combinations)
    return [caption for caption in captions if caption not in counts][:_RARE_SHOWN]


def _caption(labels: Labels, conditions: Conditions) -> str:
    groups = (group for group in conditions.groups if group.labels)
    return " ".join(group.describe(labels[group.name]) for group in groups)


def _digest(pixels: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(pixels.data).digest()
