"""CelebA's format: `list_attr_celeba.txt`, each attribute -1 or +1, beside aligned pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ganport_runtime.conditions import Conditions, SignedMultiHot
from ganport_runtime.values import closest_match
from ganport_train.data.formats.reader import Example, Trials
from ganport_train.data.formats.tables import (
    Pictures,
    check_labels,
    damaged,
    read_table,
    table_problem,
)
from ganport_train.data.images import Framing
from ganport_train.data.issues import (
    DataError,
    EntryError,
    Issue,
    IssueLog,
    quoted,
)
from ganport_train.data.source import MAX_ENTRIES, Source

TABLE = "list_attr_celeba.txt"
FOLDERS = ("img_align_celeba", "images")
GROUP = "attributes"
LONGEST_LINE = 1 << 17
"""Bytes."""

_COUNT = re.compile(rb"\s*(\d{1,9})\s*")
_SIGNS = {"1": True, "+1": True, "-1": False}


class CelebA:
    """The reader of CelebA's format; all attributes, or those chosen in the order of the choice.

    The table holds the number of pictures, the names of the attributes, then a line a picture. Of
    the aligned pictures the centre square is taken: the whole face.
    """

    kind = "celeba"
    name = "CelebA"
    layout = "`list_attr_celeba.txt` beside a folder `img_align_celeba` or `images`"
    framing: Framing = "centre"
    staged = False
    selects = True

    def recognises(self, source: Source) -> bool:
        return TABLE in source.names

    def read(
        self, source: Source, issues: IssueLog, attributes: Sequence[str] = ()
    ) -> list[Example]:
        lines = _lines(source)
        names = _names(source, lines)
        chosen = [(name, names.index(name)) for name in _chosen(source, names, attributes)]
        _check_count(source, lines, issues)
        pictures = Pictures(source, FOLDERS)
        examples: list[Example] = []
        for line, (identity, *words) in _rows(lines):
            try:
                picture = pictures.take(identity)
                on = _signs(words, len(names))
            except EntryError as fault:
                issues.add(table_problem(fault, TABLE, line))
                continue
            request = {GROUP: [name for name, place in chosen if on[place]]}
            examples.append(Example(identity, picture, TABLE, line, request))
        pictures.report_left(TABLE, issues)
        return examples

    def vocabulary(
        self, source: Source, examples: Sequence[Example], attributes: Sequence[str] = ()
    ) -> Conditions:
        names = _names(source, _lines(source))
        return Conditions((SignedMultiHot(GROUP, tuple(_chosen(source, names, attributes))),))

    def test_prompts(self, source: Source) -> Trials:
        return {}


def _lines(source: Source) -> list[bytes]:
    data = read_table(source, TABLE)
    # Lines and words take far more memory than the text does.
    if (found := data.count(b"\n")) > MAX_ENTRIES:
        raise damaged(source, TABLE, f"at most {MAX_ENTRIES:,} lines", f"{found:,}")
    lines = data.splitlines()
    if (found := max(map(len, lines))) > LONGEST_LINE:
        expected = f"lines of at most {LONGEST_LINE:,} bytes"
        raise damaged(source, TABLE, expected, f"one of {found:,}")
    return lines


def _names(source: Source, lines: Sequence[bytes]) -> list[str]:
    try:
        names = lines[1].decode("utf-8").split() if len(lines) > 1 else []
    except UnicodeDecodeError as error:
        raise damaged(source, f"{TABLE}:2", "UTF-8 text", "other bytes") from error
    check_labels(GROUP, names, f"{source}/{TABLE}:2")
    return names


def _chosen(source: Source, names: Sequence[str], attributes: Sequence[str]) -> Sequence[str]:
    for name in attributes:
        if name not in names:
            raise DataError(
                f"{source}/{TABLE}:2",
                expected=f"the attribute {quoted(name)}",
                found=f"{len(names)} others",
                fix=f"Did you mean {closest_match(name, names)!r}?",
            )
    return list(dict.fromkeys(attributes)) or names


def _check_count(source: Source, lines: Sequence[bytes], issues: IssueLog) -> None:
    stated = _COUNT.fullmatch(lines[0])
    if stated is None:
        found = quoted(lines[0].decode("utf-8", "replace"))
        raise damaged(source, f"{TABLE}:1", "the number of pictures", found)
    count = sum(1 for line in lines[2:] if line.strip())
    if int(stated[1]) != count:
        fault = EntryError(
            expected=f"{int(stated[1])} lines of pictures, as it says",
            found=f"{count}",
            fix=f"Get the whole table, or write {count} on its first line.",
        )
        issues.add(Issue.of(fault, "tags", TABLE, 1))


def _rows(lines: Sequence[bytes]) -> Iterator[tuple[int, list[str]]]:
    for line, raw in enumerate(lines[2:], 3):
        if words := raw.decode("utf-8", "replace").split():
            yield line, words


def _signs(words: Sequence[str], count: int) -> list[bool]:
    wrong = [word for word in words if word not in _SIGNS]
    if wrong or len(words) != count:
        raise EntryError(
            expected=f"{count} attributes, each -1 or 1",
            found=quoted(wrong[0]) if wrong else f"{len(words)}",
            fix="Mend the line or remove it.",
        )
    return [_SIGNS[word] for word in words]
