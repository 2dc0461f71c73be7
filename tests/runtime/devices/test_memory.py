"""The memory of a session stays bounded over many batch sizes (onnxruntime_backend#102)."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from ganport_runtime import Generator

TINY = Path(__file__).parents[1] / "data" / "tiny.ganport"
LIMIT = 48 * 2**20
"""Bytes by which the memory may grow after the first tenth of the calls."""


def resident_bytes() -> int:
    """Return the memory of this process that is in RAM."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("calls", [1000, pytest.param(10_000, marks=pytest.mark.long)])
def test_memory_over_random_batch_sizes_does_not_grow(calls):
    generator = Generator.load(TINY, device="cpu")
    sizes = np.random.default_rng(0).integers(1, 200, calls).tolist()
    for size in sizes[: calls // 10]:
        generator.generate(seed=size, count=size)
    before = resident_bytes()
    for size in sizes[calls // 10 :]:
        generator.generate(seed=size, count=size)
    assert resident_bytes() - before < LIMIT
