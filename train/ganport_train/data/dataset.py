"""A dataset in memory: images, condition vectors, and a split that keeps duplicates together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions, JointOneHot
from ganport_runtime.conditions.groups import LabelGroup
from ganport_runtime.images.format import ImageFormat
from ganport_train.data.balance import balance_warnings
from ganport_train.data.cache import Entry, Settings
from ganport_train.data.formats.base import TestPrompts
from ganport_train.data.issues import DataError, Issue

Images = NDArray[np.uint8]
"""Images (N, H, W, C): gray, RGB or RGBA with straight alpha."""
Vectors = NDArray[np.float32]
"""Condition vectors (N, C)."""
Features = NDArray[np.float32]
"""Features of images (N, F)."""
Rows = NDArray[np.int64]
"""Row numbers of a dataset (N,)."""

_MAX_KEY = np.uint64(np.iinfo(np.uint64).max)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and their conditions.

    images: uint8 (N, H, W, C), memory-mapped and read-only.
    image: format of the images: size, color mode, palette and alpha.
    format: name of the dataset format, such as "celeba".
    vectors: float32 (N, C) condition vectors in the layout of `conditions`.
    ids: names of the images in the dataset.
    duplicate_groups: int64 (N,) number of the near-duplicate group of each image.
    split_keys: uint64 (N,) number that depends on the content of that group alone.
    digest: SHA-256 of the source.
    issues: what was left out, and why.
    notes: what was assumed about the images, one line each.
    test_prompts: lists of conditions to evaluate with, by name.
    """

    images: Images
    image: ImageFormat
    format: str
    conditions: Conditions
    vectors: Vectors
    ids: list[str]
    duplicate_groups: Rows
    split_keys: NDArray[np.uint64]
    digest: str
    issues: tuple[Issue, ...]
    notes: tuple[str, ...]
    test_prompts: TestPrompts

    def __len__(self) -> int:
        return len(self.ids)

    def split(self, val_fraction: float = 0.05) -> tuple[Rows, Rows]:
        """Return the (training, validation) indices, both rising; a group is on one side.

        `val_fraction` is in [0, 1) and approximate. The side of an image depends on its content,
        not on the order or number of the others. Only if all images of a label would be validation
        images, one group of them moves to training.
        """
        train, validation = split(self.split_keys, val_fraction)
        moved = np.zeros(len(self), np.bool_)
        for label in self._label_masks().values():
            rows = np.flatnonzero(label & ~moved)
            if len(rows) and not (label[train].any() or moved[label].any()):
                moved |= self.split_keys == self.split_keys[rows].max()
        return np.union1d(train, np.flatnonzero(moved)), validation[~moved[validation]]

    def size_warnings(self, rows: Rows) -> list[str]:
        """Return a warning for few training `rows`, and each group with a rare or single label."""
        counts: dict[str, dict[str, int]] = {}
        for (group, label), mask in self._label_masks().items():
            counts.setdefault(group, {})[label] = int(mask[rows].sum())
        return balance_warnings(len(rows), counts)

    def _label_masks(self) -> dict[tuple[str, str], NDArray[np.bool_]]:
        """Return which images have a label, bool (N,), by group and label."""
        return {
            (group.name, label): columns[:, index] > 0
            for group, columns in self._label_columns()
            for index, label in enumerate(group.labels)
        }

    def _label_columns(self) -> Iterator[tuple[LabelGroup, NDArray[np.float32]]]:
        """Yield the groups of labels, a joint group as its two members, with (N, labels)."""
        for group in self.conditions.groups:
            values = self.vectors[:, self.conditions.slices[group.name]]
            if isinstance(group, LabelGroup):
                yield group, values
            elif isinstance(group, JointOneHot):
                pairs = values.reshape(len(self), group.of[0].size, -1)
                yield from zip(group.of, (pairs.max(axis=2), pairs.max(axis=1)), strict=True)

    @classmethod
    def from_entry(cls, entry: Entry, settings: Settings) -> Dataset:
        """Return the dataset of a cache entry.

        Raises `GanportError`, `KeyError` or `TypeError` for an entry of another version.
        """
        return cls(
            images=entry.images,
            image=ImageFormat.from_json(entry.metadata["image"], "cache: image"),
            format=settings["format"],
            conditions=Conditions.from_json(entry.metadata["conditions"], "cache: conditions"),
            vectors=entry.arrays["vectors"],
            ids=entry.metadata["ids"],
            duplicate_groups=entry.arrays["duplicate_groups"],
            split_keys=entry.arrays["split_keys"],
            digest=settings["digest"],
            issues=tuple(Issue(**fields) for fields in entry.metadata["issues"]),
            notes=tuple(entry.metadata["notes"]),
            test_prompts=entry.metadata["test_prompts"],
        )


def split(keys: NDArray[np.uint64], val_fraction: float) -> tuple[Rows, Rows]:
    """Split N images into rising (training, validation) indices by their uint64 (N,) keys.

    Images of one duplicate group have equal keys. A group is in the validation set when its key
    lies in the lowest `val_fraction` of the key space, so the side of an image does not depend on
    the rest of the dataset. If one side would be empty, the group with the nearest key moves to
    it; a single group is in the training set. Raises `DataError` for a fraction outside [0, 1).
    """
    if not 0 <= val_fraction < 1:
        expected = "a fraction of the images, at least 0 and below 1"
        raise DataError("val_fraction", expected, f"{val_fraction}", "Write 0.05 for 5 %.")
    validation = keys.astype(np.float64) < val_fraction * 2.0**64
    if val_fraction > 0:
        validation |= keys == keys.min(initial=_MAX_KEY)
        validation &= keys != keys.max(initial=0)
    return np.flatnonzero(~validation), np.flatnonzero(validation)
