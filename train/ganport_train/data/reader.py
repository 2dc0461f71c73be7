"""What every kind of data set offers: its examples, each a picture and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ganport_runtime.conditions import Conditions
from ganport_train.data.problems import Fault, Problem, Problems
from ganport_train.data.source import Source


@dataclass(frozen=True)
class Example:
    """One picture of a data set.

    `picture` is its file and `table` the file that names it, on `line` (from 1); `request` holds
    a value for every condition group, as `Conditions.encode` takes it.
    """

    id: str
    picture: str
    table: str
    line: int | None
    request: Mapping[str, Any]


class Reader(Protocol):
    """One kind of data set. A reader decodes no picture and augments nothing."""

    name: str
    layout: str

    def recognises(self, source: Source) -> bool:
        """Whether `source` is laid out as this kind is."""
        ...

    def read(self, source: Source, problems: Problems) -> list[Example]:
        """Every example that can be used, in the data set's own order; the rest to `problems`."""
        ...

    def vocabulary(self, examples: Sequence[Example]) -> Conditions:
        """The condition groups that the data set itself calls for."""
        ...


def unreadable(example: Example, fault: Fault) -> Problem:
    """The problem of a picture that cannot be decoded."""
    return Problem.of(fault, "unreadable", example.table, example.line, example.picture)
