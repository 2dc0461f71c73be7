"""Measure the JavaScript package in Chromium: `python benchmarks/web.py`.

It prints the time to the first image of the starter bundle, images a second against a loop that is
written by hand with onnxruntime-web and against Python, and the memory over 10,000 images. It needs
Node, Chromium and `make test-js`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from statistics import median
from time import perf_counter

from system_info import describe_system
from timing import compare_paired

from ganport_runtime import Generator

_PACKAGE = Path(__file__).parents[1] / "runtime" / "js"
_ROWS = 16


def python_seconds(rounds: int) -> list[float]:
    """Return the seconds for 16 images in Python on the CPU."""
    generator = Generator.load("starter", "cpu")
    times = []
    for _ in range(rounds):
        start = perf_counter()
        generator.generate("pink hair", seed=0, count=_ROWS)
        times.append(perf_counter() - start)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--images", type=int, default=10_000)
    options = parser.parse_args()
    print(describe_system())
    command = ["node", "bench/web.js", str(options.rounds), str(options.images)]
    done = subprocess.run(command, cwd=_PACKAGE, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    first, again = (median(times) for times in zip(*found["visits"], strict=True))
    print(f"Chromium {found['browser']}, wasm, one thread")
    print(f"first image of a new profile: {first:.0f} ms; of a second visit: {again:.0f} ms")
    ours, bare = ([ms / 1000 for ms in times] for times in zip(*found["pairs"], strict=True))
    print(compare_paired(f"{_ROWS} images: a loop by hand", ours, bare).line())
    python = python_seconds(options.rounds)
    print(f"images a second: {_ROWS / median(ours):.0f}; in Python: {_ROWS / median(python):.0f}")
    memory = ", ".join(f"{megabytes:.0f}" for megabytes in found["memory"])
    print(f"resident MB of the renderers over {options.images} images: {memory}")


if __name__ == "__main__":
    main()
