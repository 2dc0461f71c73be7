"""Tagged images: `tags.csv` with lines `ID,pink hair black eyes`, and an image per ID."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from pathlib import PurePosixPath

from ganport_runtime.conditions import Conditions
from ganport_train.data.formats.base import Example, Reader, check_labels, read_table, unlabeled
from ganport_train.data.images import is_image
from ganport_train.data.issues import EntryError, Issue, IssueLog, quote
from ganport_train.data.source import Source

TABLE = "tags.csv"
FOLDER = "images"
MAX_TABLE = 32 << 20
"""Bytes of `tags.csv`."""
MAX_LINE = 4096
"""Bytes of a line."""

_ID = re.compile(r"\w[\w.-]{0,127}")
_WORD = re.compile(r"\w[\w-]{0,63}")


class TaggedCsv(Reader):
    """Reader of tagged images; every line has a label for each group of the first line."""

    format = "tagged_csv"
    title = "tagged images"
    layout = "`tags.csv` and a folder `images`"

    def detect(self, source: Source) -> bool:
        return TABLE in source.names

    def read(
        self, source: Source, issues: IssueLog, attributes: Sequence[str] = ()
    ) -> list[Example]:
        images = _images_by_id(source)
        examples: dict[str, Example] = {}
        bad_ids: set[str] = set()
        for line, raw in enumerate(io.BytesIO(read_table(source, TABLE, MAX_TABLE)), 1):
            try:
                example = _parse_example(raw, line, examples)
            except EntryError as error:
                issues.add(Issue.from_error(error, "labels", TABLE, line))
                bad_ids.add(raw.split(b",")[0].decode("utf-8", "replace").strip().strip('"'))
                continue
            if example is not None:
                examples[example.id] = example
        found = _find_images(examples, images, issues)
        # The image of a bad line already has an issue.
        _report_unlabeled(examples.keys() | bad_ids, images, issues)
        return found

    def vocabulary(
        self, source: Source, examples: Sequence[Example], attributes: Sequence[str] = ()
    ) -> Conditions:
        groups: dict[str, set[str]] = {}
        for example in examples:
            for group, label in example.labels.items():
                groups.setdefault(group, set()).add(label)
        for group, labels in groups.items():
            check_labels(group, labels, f"{source}/{TABLE}")
        return Conditions.one_hots({group: sorted(labels) for group, labels in groups.items()})


def parse_line(raw: bytes) -> tuple[str, dict[str, str]] | None:
    """Return the ID and the label of each group in order; None for a blank line.

    A field may be in double quotes. Raises `EntryError` for a line outside the grammar.
    """
    text = _decode(raw).strip()
    if not text:
        return None
    image_id, tags = _fields(text)
    return _check_id(image_id.strip()), parse_tags(tags)


def parse_tags(text: str) -> dict[str, str]:
    """Parse `pink hair black eyes` to `{"hair": "pink", "eyes": "black"}`; raises `EntryError`."""
    expected = "pairs of a label and its group, such as `pink hair black eyes`"
    fix = "Write each tag as `label group`; `tags.csv` has no header line."
    words = text.split()
    if not words or len(words) % 2 or not all(_WORD.fullmatch(word) for word in words):
        raise EntryError(expected, quote(text), fix)
    tags: dict[str, str] = {}
    for label, group in zip(words[::2], words[1::2], strict=True):
        if group in tags:
            found = f"two labels for {quote(group)}: {tags[group]!r} and {label!r}"
            raise EntryError(expected, found, fix)
        tags[group] = label
    return tags


def _decode(raw: bytes) -> str:
    if len(raw) > MAX_LINE:
        expected = f"lines of at most {MAX_LINE} bytes"
        raise EntryError(expected, "a longer one", "Check that this is a table of tags.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte 0x{raw[error.start]:02x} at position {error.start + 1} of the line"
        raise EntryError("UTF-8 text", found, "Save the file as UTF-8.") from error


def _fields(text: str) -> list[str]:
    try:
        fields = next(csv.reader([text], strict=True)) if '"' in text else text.split(",")
    except csv.Error as error:
        expected = "fields without quotes, or with a complete pair of double quotes"
        fix = "Close the quotes on this line or remove them."
        raise EntryError(expected, f"{quote(text)} ({error})", fix) from error
    if len(fields) != 2:
        found = f"{len(fields)} in {quote(text)}"
        fix = "Put one comma between the ID and its tags."
        raise EntryError("two fields, `ID,tags`", found, fix)
    return fields


def _check_id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise EntryError(
            "an ID of letters, digits, `_`, `-` and inner dots",
            quote(text),
            "Rename the image and its ID; the image is images/ID.jpg, .png or .webp.",
        )
    return text


def _parse_example(raw: bytes, line: int, known: Mapping[str, Example]) -> Example | None:
    parsed = parse_line(raw)
    if parsed is None:
        return None
    image_id, tags = parsed
    if image_id in known:
        found = f"{quote(image_id)} again, after line {known[image_id].line}"
        raise EntryError("each ID once", found, "Remove one of the two lines.")
    first = next(iter(known.values()), None)
    if first is not None and tags.keys() != first.labels.keys():
        raise EntryError(
            f"a label for {', '.join(first.labels)}, as on line {first.line}",
            f"one for {', '.join(tags)}",
            "Give every image a label for every group.",
        )
    order = first.labels if first else tags
    return Example(image_id, "", TABLE, line, {group: tags[group] for group in order})


def _images_by_id(source: Source) -> dict[str, list[str]]:
    images: dict[str, list[str]] = {}
    for name in sorted(filter(is_image, source.names)):
        path = PurePosixPath(name)
        if str(path.parent) == FOLDER:
            images.setdefault(path.stem, []).append(name)
    return images


def _find_images(
    examples: Mapping[str, Example], images: Mapping[str, list[str]], issues: IssueLog
) -> list[Example]:
    found: list[Example] = []
    for example in examples.values():
        names = images.get(example.id, [])
        if len(names) == 1:
            found.append(replace(example, image=names[0]))
            continue
        error = EntryError(
            f"one image {FOLDER}/{example.id}.jpg, .jpeg, .png or .webp",
            " and ".join(names) if names else "none",
            "Remove all but one." if names else "Add the image or remove the line.",
        )
        issues.add(Issue.from_error(error, "missing", TABLE, example.line))
    return found


def _report_unlabeled(listed: Set[str], images: Mapping[str, list[str]], issues: IssueLog) -> None:
    for image_id in sorted(images.keys() - listed):
        for name in images[image_id]:
            fix = "Add the line or remove the image."
            issues.add(unlabeled(name, f"a line for {quote(image_id)} in {TABLE}", fix))
