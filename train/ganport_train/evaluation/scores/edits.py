"""Edits: what a translation changes in an image, what it keeps, and what it can reconstruct."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import ConditionGroup, Conditions, JointOneHot, MultiHot, OneHot
from ganport_train.data.color_modes import premultiply
from ganport_train.data.dataset import Images, Vectors
from ganport_train.evaluation.judge.accuracy import TOLERANCE, Count, Mask, is_correct, is_requested
from ganport_train.evaluation.metrics import Metric
from ganport_train.evaluation.metrics.diversity import mean_spread

EDIT_SECTION = "Edits"
RECONSTRUCTION_SECTION = "Reconstruction"
MAX_RECONSTRUCTIONS = 256
"""Largest number of images per round that are translated and translated back."""
_RECONSTRUCTION_TITLES = {
    "own": "translated to its own condition",
    "back": "translated and back",
    "moved": "the translation itself",
}


@dataclass(frozen=True, eq=False)
class Edits:
    """The conditions of images before and after a translation, and the judge's outputs for both.

    All are float32 (N, C): vectors `own` and `target`, outputs `before` and `after`.
    """

    conditions: Conditions
    own: Vectors
    target: Vectors
    before: Vectors
    after: Vectors

    def changed(self) -> Count:
        """Count the requested changes that the judge sees after the translation."""
        return Count.sum(edit.count_changed(edit.after) for edit in self._edits())

    def changed_before(self) -> Count:
        """Count the requested changes that the judge sees before it: the judge's own errors."""
        return Count.sum(edit.count_changed(edit.before) for edit in self._edits())

    def kept(self) -> Count:
        """Count the conditions without a requested change that the judge sees unchanged."""
        return Count.sum(Count.of(edit.unchanged, ~edit.differs) for edit in self._edits())

    def _edits(self) -> Iterable[_GroupEdit]:
        for group in self.conditions.groups:
            columns = self.conditions.slices[group.name]
            parts = (self.own, self.target, self.before, self.after)
            yield _GroupEdit(group, *(part[:, columns] for part in parts))


def edit_metrics(rounds: Sequence[Edits], real: float) -> dict[str, Metric]:
    """Return what changed and what stayed; `real` is the judge's accuracy on real images.

    A metric is left out if no round requests anything for it.
    """
    before = float(np.mean([edits.changed_before().fraction for edits in rounds]))
    counts = {
        "changed": (
            "requested changes made",
            [edits.changed() for edits in rounds],
            real,
            f"before the translation the judge sees {before:.1%} of them",
        ),
        "kept": (
            "other labels kept",
            [edits.kept() for edits in rounds],
            1.0,
            "labels that the judge predicts equally before and after",
        ),
    }
    return {
        key: Metric.over_rounds(
            title,
            EDIT_SECTION,
            [count.fraction for count in values],
            better="higher",
            real=reference,
            unit="%",
            note=note,
        )
        for key, (title, values, reference, note) in counts.items()
        if all(count.total for count in values)
    }


@dataclass(frozen=True, eq=False)
class Reconstructions:
    """Images, uint8 (N, H, W, C): the sources and three translations of them.

    `own` are translated to their own condition, `moved` to another, `back` from there again.
    """

    source: Images
    own: Images
    moved: Images
    back: Images


def reconstruction_metrics(
    rounds: Sequence[Reconstructions], extract: Callable[[Images], NDArray[np.float32]]
) -> dict[str, Metric]:
    """Return the mean change of each translation, in levels and in the features of `extract`.

    A change of features is a fraction of the mean distance of two source images.
    """
    note = "relative to the distance of two real images"
    measured = {
        "levels": ([_level_changes(images) for images in rounds], "", ""),
        "features": ([_feature_changes(images, extract) for images in rounds], "%", note),
    }
    return {
        f"{name}_{space}": Metric.over_rounds(
            f"{title}: change in {space}",
            RECONSTRUCTION_SECTION,
            [changes[name] for changes in values],
            better=None if name == "moved" else "lower",
            real=None if name == "moved" else 0.0,
            unit=unit,
            note=note,
        )
        for space, (values, unit, note) in measured.items()
        for name, title in _RECONSTRUCTION_TITLES.items()
    }


@dataclass(frozen=True, eq=False)
class _GroupEdit:
    """The columns of one group; its masks are bool (N, L), L > 1 only for a multi-hot group."""

    group: ConditionGroup
    own: Vectors
    target: Vectors
    before: Vectors
    after: Vectors

    @property
    def differs(self) -> Mask:
        """Whether the request differs from the image's own condition."""
        return self._merge(self.own != self.target)

    @property
    def unchanged(self) -> Mask:
        """Whether the judge predicts the same before and after."""
        if isinstance(self.group, OneHot | JointOneHot):
            return np.asarray(self.before.argmax(axis=1) == self.after.argmax(axis=1))[:, None]
        if isinstance(self.group, MultiHot):
            before = is_correct(self.group, self.before, self.own)
            return np.asarray(before == is_correct(self.group, self.after, self.target))
        change = np.abs(self.before - self.after).max(axis=1, keepdims=True)
        return np.asarray(change <= TOLERANCE)

    def count_changed(self, outputs: Vectors) -> Count:
        """Count the requested changes that the judge's `outputs` show."""
        requested = is_requested(self.group, self.target)
        shown = self._merge(is_correct(self.group, outputs, self.target) & requested)
        return Count.of(shown, self.differs & self._merge(requested))

    def _merge(self, mask: Mask) -> Mask:
        if isinstance(self.group, MultiHot):
            return mask
        return np.asarray(mask.any(axis=1, keepdims=True))


def _level_changes(images: Reconstructions) -> dict[str, float]:
    """Return the mean absolute difference of all pixels, in levels from 0 to 255."""
    source = premultiply(images.source)
    return {
        name: float(np.abs(premultiply(getattr(images, name)) - source).mean(dtype=np.float64))
        for name in _RECONSTRUCTION_TITLES
    }


def _feature_changes(
    images: Reconstructions, extract: Callable[[Images], NDArray[np.float32]]
) -> dict[str, float]:
    source = extract(images.source)
    spread = mean_spread(source, [np.arange(len(source))])
    if not spread:
        return dict.fromkeys(_RECONSTRUCTION_TITLES, 0.0)
    return {
        name: float(np.linalg.norm(extract(getattr(images, name)) - source, axis=1).mean() / spread)
        for name in _RECONSTRUCTION_TITLES
    }
