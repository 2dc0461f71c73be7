"""What every kind of data set offers: its examples, each a picture and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ganport_runtime.conditions import Conditions
from ganport_train.data.images import Framing
from ganport_train.data.issues import EntryError, Issue, IssueLog
from ganport_train.data.source import Source

Request = Mapping[str, Any]
Trials = dict[str, list[dict[str, Any]]]
"""Test lists of a data set by name: requests without pictures."""


@dataclass(frozen=True)
class Example:
    """One picture of a data set.

    `picture` is its file and `table` the file that names it, on `line` (from 1); `request` holds
    a value for every condition group, as `Conditions.encode` takes it. Pictures of one `scene`
    show the same things: they fall on the same side of a split.
    """

    id: str
    picture: str
    table: str
    line: int | None
    request: Request
    scene: str | None = None


class Reader(Protocol):
    """One kind of data set. A reader decodes no picture and augments nothing."""

    kind: str
    """Its name in options."""
    name: str
    layout: str
    framing: Framing
    staged: bool
    """Whether all pictures are taken of one stage: there, strangers look alike too."""
    selects: bool
    """Whether single attributes can be chosen."""

    def recognises(self, source: Source) -> bool:
        """Whether `source` is laid out as this kind is."""
        ...

    def read(
        self, source: Source, issues: IssueLog, attributes: Sequence[str] = ()
    ) -> list[Example]:
        """Every example that can be used, in the data set's own order; the rest to `issues`.

        With `attributes`, of those that are on or off only these are asked for.
        """
        ...

    def vocabulary(
        self, source: Source, examples: Sequence[Example], attributes: Sequence[str] = ()
    ) -> Conditions:
        """The condition groups that the data set itself calls for."""
        ...

    def test_prompts(self, source: Source) -> Trials:
        """Its test lists; none for most kinds."""
        ...


def unreadable(example: Example, fault: EntryError) -> Issue:
    """The issue of a picture that cannot be decoded."""
    return Issue.of(fault, "unreadable", example.table, example.line, example.picture)
