"""A generator that draws for real, and waits or fails where a test wants it to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import numpy as np
import pytest
from numpy.typing import NDArray

from ganport_runtime import Generator
from ganport_runtime.bundle import Bundle
from ganport_runtime.generation.request import Job

DATA = Path(__file__).parents[1] / "data"


class HeldGenerator(Generator):
    """Runs past the first `free` wait until `gate` is open, and end with the fault of a job that
    has one; `runs` says how many pictures of which job each was asked for."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle, "cpu")
        self.gate = Event()
        self.gate.set()
        self.free = 0
        self.runs: list[list[tuple[Job, int]]] = []
        self.faults: dict[Job, BaseException] = {}

    def draw(self, parts: Sequence[tuple[Job, slice]]) -> NDArray[np.uint8]:
        self.runs.append([(job, rows.stop - rows.start) for job, rows in parts])
        assert len(self.runs) <= self.free or self.gate.wait(30)
        for job, _ in parts:
            if job in self.faults:
                raise self.faults[job]
        return super().draw(parts)

    def until_running(self, runs: int = 1) -> None:
        """Wait until so many runs have begun."""
        end = monotonic() + 30
        while len(self.runs) < runs:
            assert monotonic() < end
            sleep(0.001)


@pytest.fixture(scope="session")
def generator() -> Generator:
    return Generator.load(DATA / "tiny.ganport", device="cpu")


@pytest.fixture
def held() -> Iterator[HeldGenerator]:
    generator = HeldGenerator(Bundle.open(DATA / "tiny.ganport"))
    yield generator
    generator.gate.set()  # a test that failed must not leave a thread waiting
