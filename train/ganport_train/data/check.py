"""What a data set holds and what is wrong with it, found without writing anything."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_train.data.decoder import decode_all
from ganport_train.data.formats.reader import Example, Request, unreadable
from ganport_train.data.formats.registry import AUTO, choose_reader, open_source
from ganport_train.data.images import Picture
from ganport_train.data.issues import EntryError, Issue, IssueLog
from ganport_train.data.near_duplicates import find_duplicate_groups

_RAREST = 5
_COMBINATIONS = 10_000

Likeness = Literal["identical", "mirrored", "near"]


@dataclass(frozen=True)
class Duplicates:
    """A family of several pictures; `likeness` is that of its two least alike."""

    likeness: Likeness
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """How many pictures there are of what.

    `labels` counts the pictures of each label by group, in the order of the vector; `numbers` has
    the least, mean and largest of each group that is one. Of `possible` combinations of labels
    (None where any number of labels may be on), `seen` have a picture; `rarest` are those with the
    fewest, `absent` some of those with none.
    """

    labels: dict[str, dict[str, int]]
    numbers: dict[str, tuple[float, float, float]]
    possible: int | None
    seen: int
    rarest: dict[str, int]
    absent: list[str]


@dataclass(frozen=True)
class Report:
    """What `check` found.

    `trials` counts the requests of each test list, `sizes` the pictures by (width, height),
    `formats` by name; `small` are those below the resolution, which training would blow up.
    """

    source: str
    kind: str
    digest: str
    pictures: int
    conditions: Coverage
    trials: dict[str, int]
    sizes: dict[tuple[int, int], int]
    formats: dict[str, int]
    small: int
    duplicates: list[Duplicates]
    issues: list[Issue]

    @property
    def errors(self) -> int:
        """How many issues stop a strict load."""
        return sum(issue.level == "error" for issue in self.issues)

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON."""
        facts = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return facts | {
            "conditions": asdict(self.conditions),
            "sizes": {f"{width}x{height}": n for (width, height), n in self.sizes.items()},
            "duplicates": [asdict(family) for family in self.duplicates],
            "issues": [
                issue.to_json() | {"message": issue.sentence(self.source)} for issue in self.issues
            ],
            "errors": self.errors,
        }


@dataclass
class _Seen:
    """What stays of each picture once it is decoded."""

    examples: list[Example] = field(default_factory=list)
    thumbnails: list[NDArray[np.uint8]] = field(default_factory=list)
    pixels: list[tuple[bytes, bytes]] = field(default_factory=list)  # digest, mirrored digest
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)

    def add(self, example: Example, picture: Picture) -> None:
        self.examples.append(example)
        self.thumbnails.append(picture.thumbnail)
        mirrored = np.ascontiguousarray(picture.pixels[:, ::-1])
        self.pixels.append((_digest(picture.pixels), _digest(mirrored)))
        self.sizes[picture.size] += 1
        self.formats[picture.format] += 1


def check(
    path: Path | str,
    *,
    resolution: int = 64,
    kind: str = AUTO,
    attributes: Sequence[str] = (),
    progress: bool = True,
) -> Report:
    """Read and decode the whole data set at `path` as a load at `resolution` would.

    Raises `DataError` only where there is nothing to report on: no such file, no data set, no
    vocabulary.
    """
    with open_source(path) as source:
        issues = IssueLog(str(path), strict=False)
        issues.add_all(source.refused)
        reader = choose_reader(source, kind, attributes)
        examples = reader.read(source, issues, attributes)
        trials = reader.test_prompts(source)
        conditions = Conditions()
        if examples:
            conditions = reader.vocabulary(source, examples, attributes)
        seen = _Seen()
        decoded = decode_all(source, examples, resolution, reader.framing, progress=progress)
        with closing(decoded) as pictures:
            for example, picture in pictures:
                if isinstance(picture, EntryError):
                    issues.add(unreadable(example, picture))
                else:
                    seen.add(example, picture)
        return Report(
            source=str(path),
            kind=reader.name,
            digest=source.digest,
            pictures=len(seen.examples),
            conditions=_coverage(seen.examples, conditions),
            trials={name: len(requests) for name, requests in trials.items()},
            sizes=dict(seen.sizes.most_common()),
            formats=dict(seen.formats.most_common()),
            small=sum(n for size, n in seen.sizes.items() if min(size) < resolution),
            duplicates=_duplicates(seen, not reader.staged, progress),
            issues=list(issues),
        )


def _coverage(examples: Sequence[Example], conditions: Conditions) -> Coverage:
    labels = _labels(examples, conditions)
    captions = (_caption(example.request, conditions) for example in examples)
    combinations = Counter(caption for caption in captions if caption)
    possible = _possible(examples, labels)
    return Coverage(
        labels=labels,
        numbers=_numbers(examples),
        possible=possible,
        seen=len(combinations),
        rarest=dict(sorted(combinations.items(), key=lambda item: (item[1], item[0]))[:_RAREST]),
        absent=_absent(conditions, combinations) if (possible or math.inf) <= _COMBINATIONS else [],
    )


def _labels(examples: Sequence[Example], conditions: Conditions) -> dict[str, dict[str, int]]:
    counts = {group.name: dict.fromkeys(group.labels, 0) for group in conditions.groups}
    for example in examples:
        for group, value in example.request.items():
            for label in _said(value):
                counts[group][label] += 1
    return {group: found for group, found in counts.items() if found}


def _numbers(examples: Sequence[Example]) -> dict[str, tuple[float, float, float]]:
    values: dict[str, list[float]] = {}
    for example in examples:
        for group, value in example.request.items():
            if isinstance(value, float):
                values.setdefault(group, []).append(value)
    return {group: (min(of), sum(of) / len(of), max(of)) for group, of in values.items()}


def _possible(examples: Sequence[Example], labels: dict[str, dict[str, int]]) -> int | None:
    single = all(
        isinstance(value, str) for example in examples for value in example.request.values()
    )
    if not single:
        return None
    return prod(len(found) for found in labels.values()) if labels else 0


def _said(value: object) -> list[str]:
    """The labels that a value names."""
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, list) else []


def _absent(conditions: Conditions, combinations: Counter[str]) -> list[str]:
    names = [group.name for group in conditions.groups]
    choices = product(*(group.labels for group in conditions.groups))
    every = (_caption(dict(zip(names, chosen, strict=True)), conditions) for chosen in choices)
    return [caption for caption in every if caption not in combinations][:_RAREST]


def _caption(request: Request, conditions: Conditions) -> str:
    labelled = (group for group in conditions.groups if group.labels)
    return " ".join(group.describe(request[group.name]) for group in labelled)


def _duplicates(seen: _Seen, near: bool, progress: bool) -> list[Duplicates]:
    if not seen.thumbnails:
        return []
    labels = find_duplicate_groups(np.stack(seen.thumbnails), near=near, progress=progress).labels
    order = np.argsort(labels, kind="stable")
    families = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return [
        Duplicates(_likeness(seen, family), tuple(seen.examples[i].id for i in family))
        for family in families
        if len(family) > 1
    ]


def _likeness(seen: _Seen, family: NDArray[np.int64]) -> Likeness:
    if len({seen.pixels[i][0] for i in family}) == 1:
        return "identical"
    return "mirrored" if len({min(seen.pixels[i]) for i in family}) == 1 else "near"


def _digest(pixels: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(pixels.data).digest()
