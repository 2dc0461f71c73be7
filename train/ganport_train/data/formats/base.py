"""What all dataset formats share: examples, the reader interface, tables and image lookup."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganport_runtime import strictjson
from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import BundleError, ConditionError
from ganport_runtime.values import check_name
from ganport_train.data.images import Framing, is_image
from ganport_train.data.issues import DataError, EntryError, Issue, IssueKind, IssueLog, quote
from ganport_train.data.source import Source

MAX_TABLE = 256 << 20
"""Bytes of a text table."""
MAX_JSON = 64 << 20
"""Bytes of a JSON table, which is parsed as a whole."""
MAX_LABELS = 1024
"""Labels of one condition group."""

_BOM = b"\xef\xbb\xbf"

Labels = Mapping[str, Any]
"""A value for each condition group by name, as `Conditions.encode` takes it."""
TestPrompts = dict[str, list[dict[str, Any]]]
"""Lists of labels without images, by name, to evaluate a generator with."""


@dataclass(frozen=True)
class Example:
    """One labeled image of a dataset.

    `image` is its file; `table` is the file that names it, on `line` (from 1). The split keeps
    the images of one `scene` together.
    """

    id: str
    image: str
    table: str
    line: int | None
    labels: Labels
    scene: str | None = None

    def issue(self, error: EntryError, kind: IssueKind) -> Issue:
        """Return the issue of this example for `error`."""
        return Issue.from_error(error, kind, self.table, self.line, self.image)

    def unreadable(self, error: EntryError) -> Issue:
        """Return the issue of an image that cannot be decoded."""
        return self.issue(error, "unreadable")


class Reader(ABC):
    """A reader of one dataset format. It neither decodes nor augments images."""

    format: str
    """Name in options, such as "celeba"."""
    title: str
    """Name in messages, such as "CelebA"."""
    layout: str
    """The files that identify the format, as a phrase."""
    framing: Framing = "center"
    shared_scene = False
    """Whether all images show one scene, so that different images look nearly equal."""
    supports_attribute_selection = False

    @abstractmethod
    def detect(self, source: Source) -> bool:
        """Return whether `source` has this format."""

    @abstractmethod
    def read(
        self, source: Source, issues: IssueLog, attributes: Sequence[str] = ()
    ) -> list[Example]:
        """Return every usable example in the order of the dataset; log the others as issues.

        `attributes` limits the labels of signed attributes to these.
        """

    @abstractmethod
    def vocabulary(
        self, source: Source, examples: Sequence[Example], attributes: Sequence[str] = ()
    ) -> Conditions:
        """Return the condition groups of the dataset."""

    def test_prompts(self, source: Source) -> TestPrompts:
        """Return the test prompts of the dataset; empty for most formats."""
        return {}


def read_table(source: Source, name: str, limit: int = MAX_TABLE) -> bytes:
    """Read a table of at most `limit` bytes without its byte-order mark.

    Raises `DataError` if the table is unreadable or empty.
    """
    try:
        data = source.read(name, limit).removeprefix(_BOM)
    except EntryError as error:
        raise Issue.from_error(error, "source", name).to_error(str(source)) from error
    if not data.strip():
        raise table_error(source, name, "a table of labels", "an empty file")
    return data


def read_json(source: Source, name: str) -> object:
    """Read a JSON table; raises `DataError` if it is not strict JSON."""
    try:
        return strictjson.parse(read_table(source, name, MAX_JSON), name, MAX_JSON)
    except BundleError as error:
        raise table_error(source, name, error.expected, error.found) from error


def table_error(source: Source, name: str, expected: str, found: str) -> DataError:
    """Return the error of a table that does not have its format."""
    return DataError(
        f"{source}/{name}", expected, found, "Restore the table as the dataset's authors wrote it."
    )


def check_labels(group: str, labels: Collection[str], location: str) -> None:
    """Raise `DataError` for labels that a condition group cannot hold.

    Refuses an empty group, more than `MAX_LABELS` labels, a duplicate, and an invalid word.
    """
    if not 0 < len(labels) <= MAX_LABELS:
        raise DataError(
            location,
            f"1 to {MAX_LABELS} labels of {quote(group)}",
            f"{len(labels)}",
            "Check that many images share each label.",
        )
    fix = "Rename the label throughout the dataset."
    # Counter would take the values of a mapping as counts.
    for label, count in Counter(list(labels)).items():
        try:
            check_name(group, label)
        except ConditionError as error:
            expected = f"labels of {quote(group)}: {error.expected}"
            raise DataError(location, expected, error.found, fix) from error
        if count > 1:
            expected = f"labels of {quote(group)}: each once"
            raise DataError(location, expected, f"{quote(label)} twice", fix)


def unlabeled(image: str, expected: str, fix: str) -> Issue:
    """Return the warning about an image without labels."""
    return Issue("unlabeled", image, expected, "none", fix, level="warning")


class _MissingImageError(EntryError):
    """No single image has the name that a table gives."""


class ImageIndex:
    """The images of a source by the names that a table gives them; each may be used once."""

    def __init__(self, source: Source, folders: Sequence[str] = ()) -> None:
        self._names = frozenset(name for name in source.names if is_image(name))
        self._unused = set(self._names)
        self._prefixes = ["", *(f"{folder}/" for folder in folders)]
        self._by_base_name: dict[str, list[str]] = {}
        for name in sorted(self._names):
            self._by_base_name.setdefault(name.rpartition("/")[2], []).append(name)

    def take(self, name: str) -> str:
        """Return the image file for `name` and mark it as used.

        The file is the path `name`, that path in one of the folders, or the only image with that
        base name. Raises `EntryError` for no image, several images, and an image used before.
        """
        image = self._find(name)
        if image not in self._unused:
            found = f"{quote(image, 120)} again"
            raise EntryError("each image once", found, "Remove one of the two entries.")
        self._unused.remove(image)
        return image

    def report_unused(self, table: str, issues: IssueLog) -> None:
        """Log a warning for each image that no entry of `table` names."""
        for name in sorted(self._unused):
            fix = "Add the entry or remove the image."
            issues.add(unlabeled(name, f"an entry in {table}", fix))

    def _find(self, name: str) -> str:
        for prefix in self._prefixes:
            if prefix + name in self._names:
                return prefix + name
        matches = self._by_base_name.get(name, [])
        if len(matches) == 1:
            return matches[0]
        raise _MissingImageError(
            f"one image {quote(name, 120)}",
            " and ".join(matches[:3]) if matches else "none",
            "Remove all but one." if matches else "Add the image or remove its entry.",
        )


def table_issue(
    error: EntryError, table: str, line: int | None = None, image: str | None = None
) -> Issue:
    """Return the issue of one entry of a table."""
    kind: IssueKind = "missing" if isinstance(error, _MissingImageError) else "labels"
    return Issue.from_error(error, kind, table, line, image)
