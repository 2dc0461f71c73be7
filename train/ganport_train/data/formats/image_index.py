"""Find the image files of a dataset by the names that a table gives them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from ganport_train.data.encodings import compose
from ganport_train.data.file_formats import is_image
from ganport_train.data.issues import EntryError, Issue, IssueKind, IssueLog, quote
from ganport_train.data.source import Source

_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|.*\\")

Names = dict[str, list[str]]
"""Paths of images by what a table may call them."""


class _MissingImageError(EntryError):
    """No single image has the name that a table gives."""


class ImageIndex:
    """The images of a source by the names that a table gives them; each may be used once.

    Names meet in Unicode's composed form, and extensions in any letter case. `folders` are the
    folders that a name may be relative to, in order of preference; "" is the top level.
    """

    def __init__(self, source: Source, folders: Sequence[str] = ("",)) -> None:
        images = sorted(name for name in source.names if is_image(name))
        self._unused = set(images)
        self._prefixes = [f"{folder}/" if folder else "" for folder in folders]
        self._paths = _group_names(images, _key)
        self._stems = _group_names(images, stem)
        self._base_names = _group_names(images, lambda name: _key(_base(name)))
        self._base_stems = _group_names(images, lambda name: stem(_base(name)))

    def take(self, name: str, folder: str | None = None) -> str:
        """Return the image file for `name` and mark it as used.

        The file is the path `name` in `folder` or one of the folders, or the only image with that
        base name; a name without the extension of an image stands for any. Raises `EntryError` for
        no image, several images, and an image used before.
        """
        image = self._find(name) if folder is None else self._find_in(folder, name)
        if image not in self._unused:
            found = f"{quote(image, 120)} again"
            raise EntryError("each image once", found, "Remove one of the two entries.")
        self._unused.remove(image)
        return image

    def has(self, name: str) -> bool:
        """Return whether `name` can mean an image."""
        return bool(self._candidates(name))

    def skip(self, name: str) -> None:
        """Mark all images that `name` can mean as used, for an entry with another error."""
        self._unused.difference_update(self._candidates(name))

    def unused(self, folder: str | None = None) -> list[str]:
        """Return the sorted images that no entry has used, of one folder or of all."""
        return sorted(
            name for name in self._unused if folder is None or name.rpartition("/")[0] == folder
        )

    def report_unused(self, table: str, issues: IssueLog, folder: str | None = None) -> None:
        """Log a warning for each image that no entry of `table` names."""
        for name in self.unused(folder):
            fix = "Add the entry or remove the image."
            issues.add(unlabeled(name, f"an entry in {table}", fix))

    def _find_in(self, folder: str, name: str) -> str:
        path = f"{folder}/{name}" if folder else name
        return self._find(path if self._matches(path) else name)

    def _find(self, name: str) -> str:
        matches = self._candidates(name)
        exact = [match for match in matches if match in {p + name for p in self._prefixes}]
        if len(matches) == 1 or len(exact) == 1:
            return (exact or matches)[0]
        extension = "" if is_image(name) else ", with an extension such as .png"
        raise _MissingImageError(
            f"one image {quote(name, 120)}{extension}",
            " and ".join(matches[:3]) if matches else "none",
            "Remove all but one." if matches else "Add the image or remove its entry.",
        )

    def _candidates(self, name: str) -> list[str]:
        """Return the images that the first spelling of `name` with any image can mean."""
        for path in _spellings(name):
            if matches := self._matches(path):
                return matches
        return []

    def _matches(self, name: str) -> list[str]:
        """Return the images of the first folder that has `name`, else those anywhere."""
        lookups = [(self._paths, self._base_names, _key(name))]
        if not is_image(name):
            lookups.append((self._stems, self._base_stems, compose(name)))
        for paths, base_names, key in lookups:
            for prefix in self._prefixes:
                if matches := paths.get(prefix + key):
                    return matches
            if matches := base_names.get(key):
                return matches
        return []


def unlabeled(image: str, expected: str, fix: str) -> Issue:
    """Return the warning about an image without labels."""
    return Issue("unlabeled", image, expected, "none", fix, level="warning")


def table_issue(
    error: EntryError, table: str, line: int | None = None, image: str | None = None
) -> Issue:
    """Return the issue of one entry of a table."""
    kind: IssueKind = "missing" if isinstance(error, _MissingImageError) else "labels"
    return Issue.from_error(error, kind, table, line, image)


def _spellings(name: str) -> Iterator[str]:
    """Yield `name`, and of a Windows path also the parts from each folder on, with slashes."""
    yield name
    if _WINDOWS.match(name):
        parts = name.replace("\\", "/").split("/")
        for start in range(len(parts)):
            yield "/".join(parts[start:])


def _group_names(names: Sequence[str], key: Callable[[str], str]) -> Names:
    groups: Names = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return groups


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def stem(name: str) -> str:
    """Return a path without its extension, in Unicode's composed form."""
    return compose(name.rpartition(".")[0])


def _key(name: str) -> str:
    """Return a path in Unicode's composed form with its extension in lower case."""
    before, dot, extension = compose(name).rpartition(".")
    return before + dot + extension.lower() if dot else extension
