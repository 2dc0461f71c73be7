"""The groups, their labels and the tags of images, with undo."""

from __future__ import annotations

import re
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

Choice = str | tuple[str, ...]
"""What an image has of a group: its label, or in a group of several labels those that it has."""


@dataclass(frozen=True)
class ImageTags:
    """The choice of each group that an image has so far; `left_out` images get no row."""

    labels: Mapping[str, Choice] = field(default_factory=dict)
    left_out: bool = False

    def with_labels(self, labels: Mapping[str, Choice | None]) -> ImageTags:
        """Return the tags with choices replaced; None removes that of a group."""
        merged = {**self.labels, **labels}
        kept = {name: choice for name, choice in merged.items() if choice is not None}
        return replace(self, labels=kept)


NO_TAGS = ImageTags()


@dataclass(frozen=True)
class _Change:
    """The values that a change replaced."""

    groups: Groups
    multiple: frozenset[str]
    images: Mapping[str, ImageTags]


class TagState:
    """The tags of all images of a folder; each change can be undone and redone.

    `groups` and `images` are the current values; images without tags are absent. An image may have
    several labels, or none, of a group in `multiple`. A method that changes them returns the names
    of the changed images, and raises `RequestError` before it changes anything.
    """

    def __init__(
        self,
        groups: Groups,
        images: Mapping[str, ImageTags],
        multiple: frozenset[str] = frozenset(),
    ) -> None:
        self.groups: Groups = dict(groups)
        self.multiple = multiple
        self.images = dict(images)
        self._undo: list[_Change] = []
        self._redo: list[_Change] = []

    def copy(self) -> TagState:
        """Return an independent copy."""
        copied = TagState(self.groups, self.images, self.multiple)
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
            for group, choice in tags.labels.items():
                self._check_choice(group, choice)
        return self._apply(self.groups, changes)

    def add_group(
        self, name: str, labels: Sequence[str] = (), *, multiple: bool = False
    ) -> list[str]:
        """Add a group; `multiple`: an image may have several of its labels."""
        if name in self.groups:
            raise _error("a new group", f"{name!r} again")
        added = self.multiple | {name} if multiple else self.multiple
        return self._apply({**self.groups, name: tuple(dict.fromkeys(labels))}, {}, added)

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
        multiple = frozenset(name if old == group else old for old in self.multiple)
        return self._apply(groups, self._relabeled(group, lambda label: label, name), multiple)

    def rename_label(self, group: str, label: str, name: str) -> list[str]:
        """Rename a label; the name of another label of the group joins both."""
        self._check(group, label)
        labels = dict.fromkeys(name if old == label else old for old in self.groups[group])
        changes = self._relabeled(group, lambda old: name if old == label else old)
        return self._apply({**self.groups, group: tuple(labels)}, changes)

    def remove_group(self, group: str) -> list[str]:
        """Remove a group and its tags."""
        self._labels(group)
        groups = {name: labels for name, labels in self.groups.items() if name != group}
        changes = {
            image: tags.with_labels({group: None})
            for image, tags in self.images.items()
            if group in tags.labels
        }
        return self._apply(groups, changes, self.multiple - {group})

    def remove_label(self, group: str, label: str) -> list[str]:
        """Remove a label and its tags."""
        self._check(group, label)
        labels = tuple(old for old in self.groups[group] if old != label)
        changes = self._relabeled(group, lambda old: None if old == label else old)
        return self._apply({**self.groups, group: labels}, changes)

    def undo(self) -> list[str]:
        """Undo the last change; does nothing without one."""
        return self._swap(self._undo, self._redo)

    def redo(self) -> list[str]:
        """Redo the last undone change; does nothing without one."""
        return self._swap(self._redo, self._undo)

    def table_groups(self) -> list[str]:
        """Return the groups of the table: those that label at least half of the tagged images.

        A new group enters the table late, so that its first labels do not remove all other rows.
        """
        kept = [tags.labels for tags in self.images.values() if not tags.left_out]
        totals = {group: sum(group in labels for labels in kept) for group in self.groups}
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
        self, group: str, rename: Callable[[str], str | None], name: str = ""
    ) -> dict[str, ImageTags]:
        """Return the images with other labels of `group`, under the name `name` of the group."""
        return {
            image: tags.with_labels({group: None, name or group: _rename(choice, rename)})
            for image, tags in self.images.items()
            if (choice := tags.labels.get(group)) is not None
        }

    def _apply(
        self,
        groups: Groups,
        changes: Mapping[str, ImageTags],
        multiple: frozenset[str] | None = None,
    ) -> list[str]:
        _check_groups(groups)
        changes = {image: tags for image, tags in changes.items() if tags != self.of(image)}
        if changes or groups != self.groups:
            after = _Change(groups, self.multiple if multiple is None else multiple, changes)
            self._undo = [*self._undo[1 - MAX_UNDO :], self._replace(after)]
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
        images = {image: self.of(image) for image in change.images}
        before = _Change(self.groups, self.multiple, images)
        self.groups, self.multiple = change.groups, change.multiple
        self.images |= change.images
        for image in change.images:
            if self.images[image] == NO_TAGS:
                del self.images[image]
        return before

    def _labels(self, group: str) -> tuple[str, ...]:
        if group not in self.groups:
            raise _error(f"one of {', '.join(self.groups) or 'no groups'}", repr_short(group))
        return self.groups[group]

    def _check_choice(self, group: str, choice: Choice) -> None:
        if isinstance(choice, str) == (group in self.multiple):
            expected = "a list of labels" if group in self.multiple else "one label"
            raise _error(f"{expected} of {group!r}", repr_short(choice))
        for label in [choice] if isinstance(choice, str) else choice:
            self._check(group, label)

    def _check(self, group: str, label: str) -> None:
        if label not in self._labels(group):
            raise _error(f"a label of {group!r}", repr_short(label))


def _rename(choice: Choice, rename: Callable[[str], str | None]) -> Choice | None:
    if isinstance(choice, str):
        return rename(choice)
    return tuple(dict.fromkeys(new for old in choice if (new := rename(old)) is not None))


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
