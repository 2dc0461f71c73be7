"""The groups, their labels and the tags of images, with undo."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ganport_runtime.errors import RequestError
from ganport_runtime.values import repr_short
from ganport_train.data.formats.base import MAX_LABELS

MAX_GROUPS = 64
MAX_UNDO = 1000
"""Changes that can be undone."""
_NAME = re.compile(r"\w[\w-]{0,63}")

Groups = Mapping[str, tuple[str, ...]]
"""The labels of each group, in the order of the page."""


@dataclass(frozen=True)
class ImageTags:
    """The label of each group that an image has so far; `left_out` images get no row."""

    labels: Mapping[str, str] = field(default_factory=dict)
    left_out: bool = False

    def with_labels(self, labels: Mapping[str, str | None]) -> ImageTags:
        """Return the tags with labels replaced; None removes the label of a group."""
        merged = {**self.labels, **labels}
        return replace(self, labels={name: label for name, label in merged.items() if label})


NO_TAGS = ImageTags()


@dataclass(frozen=True)
class _Change:
    """The values that a change replaced."""

    groups: Groups
    images: Mapping[str, ImageTags]


class TagState:
    """The tags of all images of a folder; each change can be undone and redone.

    `groups` and `images` are the current values; images without tags are absent. A method that
    changes them returns the names of the changed images, and raises `RequestError` before it
    changes anything.
    """

    def __init__(self, groups: Groups, images: Mapping[str, ImageTags]) -> None:
        self.groups: Groups = dict(groups)
        self.images = dict(images)
        self._undo: list[_Change] = []
        self._redo: list[_Change] = []

    def copy(self) -> TagState:
        """Return an independent copy."""
        copied = TagState(self.groups, self.images)
        copied._undo, copied._redo = list(self._undo), list(self._redo)
        return copied

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to undo."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to redo."""
        return bool(self._redo)

    def of(self, image: str) -> ImageTags:
        """Return the tags of an image."""
        return self.images.get(image, NO_TAGS)

    def tag(self, changes: Mapping[str, ImageTags]) -> list[str]:
        """Replace the tags of images; every label must exist."""
        for tags in changes.values():
            for group, label in tags.labels.items():
                self._check(group, label)
        return self._apply(self.groups, changes)

    def add_group(self, name: str, labels: Sequence[str] = ()) -> list[str]:
        """Add a group."""
        if name in self.groups:
            raise _error("a new group", f"{name!r} again")
        return self._apply({**self.groups, name: tuple(dict.fromkeys(labels))}, {})

    def add_label(self, group: str, label: str) -> list[str]:
        """Add a label to a group."""
        labels = self._labels(group)
        if label in labels:
            raise _error("a new label", f"{label!r} again")
        return self._apply({**self.groups, group: (*labels, label)}, {})

    def rename_group(self, group: str, name: str) -> list[str]:
        """Rename a group."""
        self._labels(group)
        if name in self.groups:
            raise _error("a new name of a group", f"{name!r} again")
        groups = {name if old == group else old: labels for old, labels in self.groups.items()}
        return self._apply(groups, self._relabeled(group, lambda label: (name, label)))

    def rename_label(self, group: str, label: str, name: str) -> list[str]:
        """Rename a label; the name of another label of the group joins both."""
        self._check(group, label)
        labels = dict.fromkeys(name if old == label else old for old in self.groups[group])
        changes = self._relabeled(group, lambda old: (group, name if old == label else old))
        return self._apply({**self.groups, group: tuple(labels)}, changes)

    def remove_group(self, group: str) -> list[str]:
        """Remove a group and its tags."""
        self._labels(group)
        groups = {name: labels for name, labels in self.groups.items() if name != group}
        return self._apply(groups, self._relabeled(group, lambda label: (group, None)))

    def remove_label(self, group: str, label: str) -> list[str]:
        """Remove a label and its tags."""
        self._check(group, label)
        labels = tuple(old for old in self.groups[group] if old != label)
        changes = self._relabeled(group, lambda old: (group, None if old == label else old))
        return self._apply({**self.groups, group: labels}, changes)

    def undo(self) -> list[str]:
        """Undo the last change; does nothing without one."""
        return self._swap(self._undo, self._redo)

    def redo(self) -> list[str]:
        """Redo the last undone change; does nothing without one."""
        return self._swap(self._redo, self._undo)

    def counts(self, group: str) -> Counter[str]:
        """Return the number of images of each label of a group."""
        tags = (tags.labels.get(group) for tags in self.images.values() if not tags.left_out)
        return Counter(label for label in tags if label)

    def table_groups(self) -> list[str]:
        """Return the groups of the table: those that label at least half of the tagged images.

        A new group enters the table late, so that its first labels do not remove all other rows.
        """
        totals = {group: self.counts(group).total() for group in self.groups}
        most = max(totals.values(), default=0)
        return [group for group, total in totals.items() if total and 2 * total >= most]

    def complete(self, images: Iterable[str], groups: Sequence[str]) -> list[str]:
        """Return the images that have a label for each of `groups` and are not left out."""
        return [
            image
            for image in images
            if groups
            and not (tags := self.of(image)).left_out
            and all(group in tags.labels for group in groups)
        ]

    def _relabeled(
        self, group: str, rename: Callable[[str], tuple[str, str | None]]
    ) -> dict[str, ImageTags]:
        """Return the images with another group and label for their label of `group`."""
        changed = {}
        for image, tags in self.images.items():
            if group in tags.labels:
                name, label = rename(tags.labels[group])
                changed[image] = tags.with_labels({group: None, name: label})
        return {image: tags for image, tags in changed.items() if tags != self.of(image)}

    def _apply(self, groups: Groups, changes: Mapping[str, ImageTags]) -> list[str]:
        _check_groups(groups)
        changes = {image: tags for image, tags in changes.items() if tags != self.of(image)}
        if changes or groups != self.groups:
            self._undo = [*self._undo[1 - MAX_UNDO :], self._replace(_Change(groups, changes))]
            self._redo = []
        return list(changes)

    def _swap(self, source: list[_Change], target: list[_Change]) -> list[str]:
        if not source:
            return []
        change = source.pop()
        target.append(self._replace(change))
        return list(change.images)

    def _replace(self, change: _Change) -> _Change:
        """Set the values of a change and return those that they replace."""
        before = _Change(self.groups, {image: self.of(image) for image in change.images})
        self.groups = change.groups
        self.images |= change.images
        for image in change.images:
            if self.images[image] == NO_TAGS:
                del self.images[image]
        return before

    def _labels(self, group: str) -> tuple[str, ...]:
        if group not in self.groups:
            raise _error(f"one of {', '.join(self.groups) or 'no groups'}", repr_short(group))
        return self.groups[group]

    def _check(self, group: str, label: str) -> None:
        if label not in self._labels(group):
            raise _error(f"a label of {group!r}", repr_short(label))


def check_name(name: object) -> str:
    """Return a valid name of a group or label; raises `RequestError` for another."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        expected = "a name of 1 to 64 letters, digits, `_` and `-`"
        raise RequestError("name", expected, repr_short(name), "Write `light-blue`, for example.")
    return name


def _check_groups(groups: Groups) -> None:
    for group, labels in groups.items():
        if len(labels) > MAX_LABELS:
            raise _error(f"at most {MAX_LABELS} labels of {group!r}", f"{len(labels)}")
    if len(groups) > MAX_GROUPS:
        raise _error(f"at most {MAX_GROUPS} groups", f"{len(groups)}")


def _error(expected: str, found: str) -> RequestError:
    return RequestError("tags", expected, found, "Reload the page if it shows something else.")
