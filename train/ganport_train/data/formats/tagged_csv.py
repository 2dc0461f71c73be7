"""Tagged faces: `tags.csv` with lines `ID,pink hair black eyes`, and `images/ID.(jpg|png|webp)`."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from pathlib import PurePosixPath

from ganport_runtime.conditions import Conditions
from ganport_train.data.formats.reader import Example, Trials
from ganport_train.data.formats.tables import check_labels, untagged
from ganport_train.data.formats.tags import parse_line
from ganport_train.data.images import SUFFIXES, Framing
from ganport_train.data.issues import (
    DataError,
    EntryError,
    Issue,
    IssueLog,
    quoted,
)
from ganport_train.data.source import Source

TABLE = "tags.csv"
FOLDER = "images"
MAX_TABLE = 32 << 20
"""Bytes of `tags.csv`."""

_BOM = b"\xef\xbb\xbf"


class TaggedFaces:
    """The reader of tagged faces; the first line's groups are those of every line."""

    kind = "tagged"
    name = "tagged faces"
    layout = "`tags.csv` beside a folder `images`"
    framing: Framing = "centre"
    staged = False
    selects = False

    def recognises(self, source: Source) -> bool:
        return TABLE in source.names

    def read(
        self, source: Source, issues: IssueLog, attributes: Sequence[str] = ()
    ) -> list[Example]:
        pictures = _pictures(source)
        examples: dict[str, Example] = {}
        named: set[str] = set()
        for line, raw in enumerate(_lines(source), 1):
            try:
                example = _example(raw, line, examples)
            except EntryError as fault:
                issues.add(Issue.of(fault, "tags", TABLE, line))
                named.add(_first_field(raw))
                continue
            if example is not None:
                examples[example.id] = example
        found = _with_pictures(examples, pictures, issues)
        _report_untagged(examples.keys() | named, pictures, issues)
        return found

    def vocabulary(
        self, source: Source, examples: Sequence[Example], attributes: Sequence[str] = ()
    ) -> Conditions:
        labels: dict[str, set[str]] = {}
        for example in examples:
            for group, label in example.request.items():
                labels.setdefault(group, set()).add(label)
        for group, found in labels.items():
            check_labels(group, found, f"{source}/{TABLE}")
        return Conditions.one_hots({group: sorted(found) for group, found in labels.items()})

    def test_prompts(self, source: Source) -> Trials:
        return {}


def _lines(source: Source) -> io.BytesIO:
    try:
        data = source.read(TABLE, MAX_TABLE).removeprefix(_BOM)
    except EntryError as fault:
        raise Issue.of(fault, "source", TABLE).error(str(source)) from fault
    if not data.strip():
        raise DataError(
            f"{source}/{TABLE}",
            expected="lines such as `7,pink hair black eyes`",
            found="an empty file",
            fix="Write a line for each picture in images.",
        )
    return io.BytesIO(data)


def _example(raw: bytes, line: int, known: Mapping[str, Example]) -> Example | None:
    parsed = parse_line(raw)
    if parsed is None:
        return None
    identity, tags = parsed
    if identity in known:
        raise EntryError(
            expected="each ID once",
            found=f"{quoted(identity)} again, after line {known[identity].line}",
            fix="Remove one of the two lines.",
        )
    first = next(iter(known.values()), None)
    if first is None:
        return Example(identity, "", TABLE, line, tags)
    if tags.keys() != first.request.keys():
        raise EntryError(
            expected=f"a label for {_listed(first.request)}, as on line {first.line}",
            found=f"one for {_listed(tags)}",
            fix="Give every picture a label of every group.",
        )
    return Example(identity, "", TABLE, line, {group: tags[group] for group in first.request})


def _first_field(raw: bytes) -> str:
    # The picture of a faulty line is not untagged as well.
    return raw.split(b",")[0].decode("utf-8", "replace").strip().strip('"')


def _pictures(source: Source) -> dict[str, list[str]]:
    pictures: dict[str, list[str]] = {}
    for name in sorted(source.names):
        path = PurePosixPath(name)
        if str(path.parent) == FOLDER and path.suffix.lower() in SUFFIXES:
            pictures.setdefault(path.stem, []).append(name)
    return pictures


def _with_pictures(
    examples: Mapping[str, Example], pictures: Mapping[str, list[str]], issues: IssueLog
) -> list[Example]:
    found: list[Example] = []
    for example in examples.values():
        names = pictures.get(example.id, [])
        if len(names) == 1:
            found.append(replace(example, picture=names[0]))
            continue
        fault = EntryError(
            expected=f"one picture {FOLDER}/{example.id}.jpg, .jpeg, .png or .webp",
            found=" and ".join(names) if names else "none",
            fix="Remove all but one." if names else "Add the picture or remove the line.",
        )
        issues.add(Issue.of(fault, "missing", TABLE, example.line))
    return found


def _report_untagged(named: Set[str], pictures: Mapping[str, list[str]], issues: IssueLog) -> None:
    for identity in sorted(pictures.keys() - named):
        for name in pictures[identity]:
            fix = "Add the line or remove the picture."
            issues.add(untagged(name, f"a line for {quoted(identity)} in {TABLE}", fix))


def _listed(groups: Mapping[str, object]) -> str:
    return ", ".join(groups)
