"""CelebA's format: `list_attr_celeba.txt`, each attribute -1 or +1, beside aligned pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from ganport_runtime.conditions import Conditions
from ganport_runtime.groups import SignedMultiHot
from ganport_runtime.values import refuse
from ganport_train.data.pictures import Framing
from ganport_train.data.problems import Fault, Problem, Problems, quoted
from ganport_train.data.reader import Example, Trials
from ganport_train.data.source import Source
from ganport_train.data.tables import Pictures, damaged, read_table

TABLE = "list_attr_celeba.txt"
FOLDERS = ("img_align_celeba", "images")
GROUP = "attributes"
MAX_ATTRIBUTES = 1024


class CelebA:
    """The reader of CelebA's format; all attributes, or those chosen in the order of the choice.

    The table holds the number of pictures, the names of the attributes, then a line a picture. Of
    the aligned pictures the centre square is taken: the whole face.
    """

    kind = "celeba"
    name = "CelebA"
    layout = "`list_attr_celeba.txt` beside a folder `img_align_celeba` or `images`"
    framing: Framing = "centre"
    selects = True

    def recognises(self, source: Source) -> bool:
        return TABLE in source.names

    def read(
        self, source: Source, problems: Problems, attributes: Sequence[str] = ()
    ) -> list[Example]:
        names = _names(source)
        chosen = [names.index(name) for name in _chosen(names, attributes)]
        pictures = Pictures(source, FOLDERS)
        examples: list[Example] = []
        seen: set[str] = set()
        for line, raw in _rows(source):
            try:
                name, signs = _row(raw, len(names), seen)
                picture = pictures.find(name)
            except Fault as fault:
                problems.add(Problem.of(fault, "tags", TABLE, line))
                continue
            request = {GROUP: [names[place] for place in chosen if signs[place]]}
            examples.append(Example(name, picture, TABLE, line, request))
        return examples

    def vocabulary(
        self, source: Source, examples: Sequence[Example], attributes: Sequence[str] = ()
    ) -> Conditions:
        names = tuple(_chosen(_names(source), attributes))
        return Conditions((SignedMultiHot(GROUP, names),))

    def trials(self, source: Source) -> Trials:
        return {}


def _lines(source: Source) -> Iterator[tuple[int, bytes]]:
    return enumerate(io.BytesIO(read_table(source, TABLE)), 1)


def _rows(source: Source) -> Iterator[tuple[int, bytes]]:
    return ((line, raw) for line, raw in _lines(source) if line > 2 and raw.strip())


def _names(source: Source) -> list[str]:
    raw = next((raw for line, raw in _lines(source) if line == 2), b"")
    try:
        names = raw.decode("utf-8").split()
    except UnicodeDecodeError:
        names = []
    if not 0 < len(set(names)) == len(names) <= MAX_ATTRIBUTES:
        raise damaged(
            source,
            f"{TABLE}:2",
            f"the names of 1 to {MAX_ATTRIBUTES} attributes, each once",
            f"{len(names)}, {len(set(names))} of them different",
        )
    return names


def _chosen(names: Sequence[str], attributes: Sequence[str]) -> Sequence[str]:
    for name in attributes:
        if name not in names:
            raise refuse("attributes", "attributes of the data set", name, allowed=names)
    return list(dict.fromkeys(attributes)) or names


def _row(raw: bytes, count: int, seen: set[str]) -> tuple[str, list[bool]]:
    name, *signs = raw.decode("utf-8", "replace").split()
    if name in seen:
        raise Fault(
            expected="each picture once", found=f"{quoted(name)} again", fix="Remove a line."
        )
    seen.add(name)
    if len(signs) != count or not set(signs) <= {"1", "+1", "-1"}:
        wrong = [sign for sign in signs if sign not in ("1", "+1", "-1")]
        raise Fault(
            expected=f"{count} attributes, each -1 or 1",
            found=quoted(wrong[0]) if wrong else f"{len(signs)}",
            fix="Mend the line or remove it.",
        )
    return name, [sign != "-1" for sign in signs]
