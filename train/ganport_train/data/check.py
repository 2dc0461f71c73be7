"""Check a dataset: count its conditions, sizes and duplicates, and list every issue."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_runtime.images.format import ImageFormat, Resolution
from ganport_train.data.balance import balance_warnings, similar_labels
from ganport_train.data.condition_stats import ConditionStats, condition_stats, describe_groups
from ganport_train.data.contact_sheet import Sample
from ganport_train.data.file_formats import several_frames
from ganport_train.data.formats.base import Example
from ganport_train.data.formats.registry import (
    AUTO,
    choose_reader,
    enter_top_folder,
    open_source,
    source_issues,
)
from ganport_train.data.image_options import ImageOptions
from ganport_train.data.image_statistics import ImageStatistics
from ganport_train.data.image_writer import resolve_pixelated
from ganport_train.data.images import DecodedImage, decode_all
from ganport_train.data.issues import EntryError, Issue, IssueLog
from ganport_train.data.near_duplicates import (
    DuplicateGroups,
    dissolved_families,
    find_duplicate_groups,
)

Similarity = Literal["identical", "mirrored", "near"]


@dataclass(frozen=True)
class DuplicateGroup:
    """The images of one group; `similarity` is that of its least similar pair."""

    similarity: Similarity
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Result of a check.

    images: number of usable images.
    image: format of the images that training would use.
    notes: what was assumed about the images, one line each.
    groups: what each condition group takes; without groups, training is unconditional.
    advice: warnings about few images and rare labels.
    test_prompts: number of prompts in each test list.
    sizes: number of images by (width, height).
    file_formats: number of images by file format.
    upscaled: images below the resolution, which training would enlarge or pad.
    """

    source: str
    format: str
    digest: str
    images: int
    image: ImageFormat
    notes: list[str]
    groups: dict[str, str]
    conditions: ConditionStats
    advice: list[str]
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
class _DecodedImages:
    """What the check keeps of each image that can be decoded."""

    statistics: ImageStatistics
    sample: Sample
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
        self.statistics.add(image.pixels)
        self.sample.add(example, image)

    def similarity(self, group: NDArray[np.int64]) -> Similarity:
        """Return the similarity of the images of a group."""
        if len({self.digests[i][0] for i in group}) == 1:
            return "identical"
        return "mirrored" if len({min(self.digests[i]) for i in group}) == 1 else "near"

    def find_groups(self, *, near: bool) -> DuplicateGroups:
        """Return the duplicate group of each image."""
        if not self.thumbnails:
            return DuplicateGroups(np.zeros(0, np.int64), np.zeros(0, np.uint64))
        return find_duplicate_groups(np.stack(self.thumbnails), near=near)

    def duplicates(self, found: DuplicateGroups) -> list[DuplicateGroup]:
        """Return the groups of several images."""
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
    sample: Sample | None = None,
) -> Report:
    """Read and decode the dataset at `path` as a load with these options would; write nothing.

    `sample` takes some of the images as training would see them. Raises `DataError` only if no
    report is possible: no such file, no dataset, no vocabulary.
    """
    with open_source(path) as opened:
        source = enter_top_folder(opened)
        issues = IssueLog(str(source), strict=False)
        issues.add_all(source_issues(source))
        reader = choose_reader(source, format, attributes)
        contents = reader.read(source, issues, attributes)
        examples = contents.examples
        conditions = contents.vocabulary() if examples else Conditions()
        issues.add_all(similar_labels(conditions))
        names = [example.image for example in examples]
        options = ImageOptions(resolution, mode, pixelated, palette)
        options, notes = resolve_pixelated(source, names, options, reader)
        decoded = _DecodedImages(ImageStatistics(options), sample or Sample())
        decoded.sample.prepare(examples, conditions)
        with closing(decode_all(source, names, options, reader.framing)) as images:
            for example, image in zip(examples, images, strict=True):
                if isinstance(image, EntryError):
                    issues.add(example.unreadable(image))
                else:
                    decoded.add(example, image)
        issues.add_all(several_frames(decoded.animated))
        alike = decoded.find_groups(near=not reader.shared_scene)
        issues.add_all(dissolved_families(alike))
        counts = condition_stats(decoded.examples, conditions)
        return Report(
            source=str(source),
            format=reader.title,
            digest=source.digest,
            images=len(decoded.examples),
            image=decoded.statistics.image_format(),
            notes=[*notes, *decoded.statistics.notes()],
            groups=describe_groups(conditions),
            conditions=counts,
            advice=_advice(len(decoded.examples), counts),
            test_prompts={name: len(prompts) for name, prompts in contents.test_prompts.items()},
            sizes=dict(decoded.sizes.most_common()),
            file_formats=dict(decoded.file_formats.most_common()),
            upscaled=sum(n for size, n in decoded.sizes.items() if _is_smaller(size, options.size)),
            duplicates=decoded.duplicates(alike),
            issues=list(issues),
        )


def _advice(images: int, counts: ConditionStats) -> list[str]:
    return balance_warnings(images, counts.labels) if images else []  # nothing would be trained


def _is_smaller(size: tuple[int, int], wanted: tuple[int, int]) -> bool:
    """Return whether a (width, height) is below a (height, width)."""
    return size[0] < wanted[1] or size[1] < wanted[0]


def _digest(pixels: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(pixels.data).digest()
