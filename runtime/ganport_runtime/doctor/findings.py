"""A finding: one line of the doctor's, with its state and the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail", "skip"]
"""ok: as it should be; warn: works, not as well as it could; fail: does not work; skip: absent,
which only matters to who wants it."""


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and what to do about it (a sentence, or nothing)."""

    name: str
    state: State
    text: str
    fix: str = ""

    def line(self) -> str:
        """One line for people."""
        return f"{self.state:<4}  {self.name}: {self.text}{'. ' if self.fix else ''}{self.fix}"
