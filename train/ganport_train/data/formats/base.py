"""What all dataset formats share: examples, the reader interface, and tables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ganport_runtime import strictjson
from ganport_runtime.conditions import MAX_GROUPS, Conditions
from ganport_runtime.errors import BundleError, ConditionError
from ganport_runtime.values import check_name
from ganport_train.data.encodings import DecodedText
from ganport_train.data.images import Framing
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


@dataclass(frozen=True)
class Contents:
    """The usable examples of a dataset, and its test prompts, which most formats lack.

    `vocabulary` returns the condition groups of the dataset, or raises `DataError` for labels that
    no group can hold. It needs at least one example.
    """

    examples: list[Example]
    vocabulary: Callable[[], Conditions]
    test_prompts: TestPrompts = field(default_factory=dict)


@dataclass(frozen=True)
class Gap:
    """What a source lacks to have a format: a phrase, and how far it is from it (1 is near)."""

    distance: int
    missing: str


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
    is_table = True
    """Whether a table at the top level identifies the format."""
    has_labels = True
    """Whether the format is one of images with labels."""

    @abstractmethod
    def detect(self, source: Source) -> bool:
        """Return whether `source` has this format."""

    @abstractmethod
    def gap(self, source: Source) -> Gap:
        """Return what `source`, which has another format, lacks to have this one."""

    @abstractmethod
    def read(self, source: Source, issues: IssueLog, attributes: Sequence[str]) -> Contents:
        """Return what is usable of a dataset, in its order; log the rest as issues.

        `attributes` limits the labels of signed attributes to these.
        """


def missing_files(source: Source, names: Sequence[str]) -> Gap:
    """Return the gap of a source without some of the files `names` at its top level."""
    missing = [name for name in names if name not in source.names]
    for name in missing:
        for file in sorted(source.names):
            if file.rpartition("/")[2].lower() == name.lower():
                return Gap(1, f"`{name}` at the top level: it is {quote(file, 120)}")
    distance = 3 if len(missing) == len(names) else 1
    return Gap(distance, " and ".join(f"`{name}`" for name in missing))


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


def assumption(table: str, expected: str, found: str, fix: str) -> Issue:
    """Return the warning that a table is read in another form than the expected one."""
    return Issue("labels", table, expected, found, fix, level="warning")


def log_encoding(text: DecodedText, table: str, issues: IssueLog) -> None:
    """Log a warning if the encoding of a table was assumed."""
    if text.assumption:
        found, fix = (
            f"what reads as {text.assumption}",
            "Save the file as UTF-8 if labels look wrong.",
        )
        issues.add(assumption(table, "UTF-8 text", found, fix))


def one_hot_groups(groups: Mapping[str, Collection[str]], location: str) -> Conditions:
    """Return a one-hot group for each group of labels; raises `DataError`, which names `location`.

    Refuses what `check_labels` does, and more groups than a bundle can hold.
    """
    check_group_count(len(groups), location)
    for group, labels in groups.items():
        check_labels(group, labels, location)
    return Conditions.one_hots({group: list(labels) for group, labels in groups.items()})


def check_group_count(count: int, location: str) -> None:
    """Raise `DataError` for more condition groups than a bundle can hold."""
    if count > MAX_GROUPS:
        fix = "Check that each line is `ID,label group label group`, and that the groups repeat."
        raise DataError(location, f"at most {MAX_GROUPS} condition groups", f"{count}", fix)


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
