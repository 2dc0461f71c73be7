"""A real generator whose runs a test can block or let fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event, current_thread
from time import monotonic, sleep

import numpy as np
import pytest
from numpy.typing import NDArray

from ganport_runtime import Generator
from ganport_runtime.bundle import Bundle
from ganport_runtime.generation.request import EncodedRequest

DATA = Path(__file__).parents[1] / "data"


class BlockingGenerator(Generator):
    """A generator whose runs wait for `gate` and raise the error set for a request.

    The first `free_runs` runs do not wait. `runs` holds the rows of each request per run, and
    `threads` the name of the thread of each run.
    """

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle, "cpu")
        self.gate = Event()
        self.gate.set()
        self.free_runs = 0
        self.runs: list[list[tuple[EncodedRequest, int]]] = []
        self.threads: list[str] = []
        self.failures: dict[EncodedRequest, BaseException] = {}

    def run_rows(self, parts: Sequence[tuple[EncodedRequest, slice]]) -> NDArray[np.uint8]:
        self.runs.append([(encoded, rows.stop - rows.start) for encoded, rows in parts])
        self.threads.append(current_thread().name)
        assert len(self.runs) <= self.free_runs or self.gate.wait(30)
        for encoded, _ in parts:
            if encoded in self.failures:
                raise self.failures[encoded]
        return super().run_rows(parts)

    def wait_for_runs(self, runs: int = 1) -> None:
        """Wait until `runs` runs have started."""
        end = monotonic() + 30
        while len(self.runs) < runs:
            assert monotonic() < end
            sleep(0.001)


@pytest.fixture(scope="session")
def generator() -> Generator:
    return Generator.load(DATA / "tiny.ganport", device="cpu")


@pytest.fixture
def blocking() -> Iterator[BlockingGenerator]:
    generator = BlockingGenerator(Bundle.open(DATA / "tiny.ganport"))
    yield generator
    generator.gate.set()  # a failed test must not leave a thread waiting
