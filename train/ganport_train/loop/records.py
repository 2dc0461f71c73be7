"""stats.jsonl: one line a tick, none doubled or missing, whatever happened in between."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Self

from ganport_runtime.files import write_whole

NAME = "stats.jsonl"


def read(run: Path) -> list[dict[str, Any]]:
    """Every whole line of a run's record, in order; a last line torn by a kill is left out."""
    path = run / NAME
    if not path.exists():
        return []
    records = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            records.append(json.loads(line))
    return records


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


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record) + "\n"
