"""Every benchmark: ours against the alternative, interleaved, with ratios of medians.

Run it with `make bench`. Absolute times depend on the machine: quote the ratios.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import encoding
import library
import noise
import training
from step_profile import StepProfile
from system_info import describe_system
from timing import Comparison


def comparisons() -> Iterator[Comparison | StepProfile]:
    """Run all comparisons, one after another."""
    with tempfile.TemporaryDirectory() as folder:
        yield from training.comparisons(Path(folder))
        yield from noise.comparisons(Path(folder))


if __name__ == "__main__":
    print(describe_system())
    print(f"{'':<58} {'ours':>12} {'other':>12}  ratio  (quartiles)")
    for comparison in comparisons():
        print(comparison.line(), flush=True)
    for row in chain(library.rows(), encoding.rows()):
        print(row, flush=True)
