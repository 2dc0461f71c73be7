"""One line for each stage of an export, as it ends, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Say = Callable[[str], None]


class Progress:
    """Tells `say` about every stage, if there is one; `seconds` has the time of each."""

    def __init__(self, say: Say | None = None) -> None:
        self._say = say
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        """Run a stage; what the block appends to the list is told when it ends."""
        told: list[str] = []
        start = time.perf_counter()
        yield told
        self.seconds[name] = round(time.perf_counter() - start, 3)
        if self._say:
            self._say(f"{name:<12} {', '.join(told)} ({self.seconds[name]:.1f} s)")
