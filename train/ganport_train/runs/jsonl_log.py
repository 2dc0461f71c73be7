"""A run's records: a line a tick or a score, none doubled or missing, whatever came between."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Self

from ganport_models.migrations import LOG_KEYS, rename_keys
from ganport_runtime.errors import GanportError
from ganport_runtime.files import atomic_write

STATS = "stats.jsonl"
"""A line a tick."""
SCORES = "scores.jsonl"
"""A line a checkpoint that was scored."""


def read(run: Path, name: str = STATS) -> list[dict[str, Any]]:
    """Every whole line of a run's record, in order; a last line torn by a kill is left out.

    Raises GanportError naming the line that is damaged.
    """
    path = run / name
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [_parse(line, f"{path}: line {number}") for number, line in enumerate(lines, 1)]


class Records:
    """A record of a run, open for appending.

    Opening it at a step drops every later line: those steps are about to be taken again.
    """

    def __init__(self, run: Path, step: int, name: str = STATS) -> None:
        kept = [record for record in read(run, name) if record["step"] <= step]
        atomic_write(run / name, "".join(map(_line, kept)).encode())
        self._file = (run / name).open("a", encoding="utf-8")

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
            return rename_keys(record, LOG_KEYS)
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
