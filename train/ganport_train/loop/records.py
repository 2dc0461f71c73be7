"""stats.jsonl: one line a tick, none doubled or missing, whatever happened in between."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Self

from ganport_runtime.errors import GanportError
from ganport_runtime.files import write_whole

NAME = "stats.jsonl"


def read(run: Path) -> list[dict[str, Any]]:
    """Every whole line of a run's record, in order; a last line torn by a kill is left out.

    Raises GanportError naming the line that is damaged.
    """
    path = run / NAME
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [_parse(line, f"{path}: line {number}") for number, line in enumerate(lines, 1)]


class Records:
    """The record of a run, open for appending.

    Opening it at a step drops every later line: those steps are about to be taken again.
    """

    def __init__(self, run: Path, step: int) -> None:
        kept = [record for record in read(run) if record["step"] <= step]
        write_whole(run / NAME, "".join(map(_line, kept)).encode())
        self._file = (run / NAME).open("a", encoding="utf-8")

    def write(self, record: dict[str, Any]) -> None:
        """Appends a record and sees it on the disk."""
        self._file.write(_line(record))
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


def _parse(line: bytes, place: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
        if isinstance(record["step"], int):
            return dict(record)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise GanportError(
        place,
        expected="a record, as train-gan writes it",
        found=repr(line[:60]),
        fix="Take the line out, or put the file back as it was.",
    )


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record) + "\n"
