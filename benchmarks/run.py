"""Every benchmark: ours against the alternative, interleaved; ratios of medians, machine stated.

Run it with `make bench`. Absolute times are this machine's; quote the ratios.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import drawing
import encoding
import library
import training
from machine import machine
from spending import Spending
from timing import Comparison


def comparisons() -> Iterator[Comparison | Spending]:
    """All of them, one after another."""
    with tempfile.TemporaryDirectory() as folder:
        yield from training.comparisons(Path(folder))
        yield from drawing.comparisons(Path(folder))


if __name__ == "__main__":
    print(machine())
    print(f"{'':<58} {'ours':>12} {'other':>12}  ratio  (quartiles)")
    for comparison in comparisons():
        print(comparison.line(), flush=True)
    for row in chain(library.rows(), encoding.rows()):
        print(row, flush=True)
