"""What `Batcher` costs: a lone request, 64 callers, and a graph that does nothing.

`python benchmarks/batcher.py [BUNDLE ...]` takes turns with the generator called directly; without
bundles it measures the `quick` generator at width 64 with random weights. Gates: at most 0.2 ms
added to a lone request, at least 0.95 of the pictures a second of onnxruntime by hand.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from library import by_hand, on_onnxruntime
from machine import machine
from service import bundles
from timing import Work, compare, race

from ganport_runtime import Batcher, Generator

_CALLERS = 64
_LONE = 41
_CALLS = 16  # one after another, as in a loop
_PICTURES = 8 * _CALLERS
_ROUNDS = 9
_REQUESTS = 100 * _CALLERS


def lone(batcher: Batcher) -> None:
    """One request at a time, from a thread and from a coroutine, against `generate`."""
    generator, asked = batcher.generator, bundles.asked(batcher.generator.bundle)

    def directly() -> None:
        generator.generate(asked, seed=7)

    with asyncio.Runner() as loop:
        ways: dict[str, Work] = {
            "submit": lambda: batcher.submit(asked, seed=7).result(),
            # The runner's own cost is taken off by giving it to both.
            "agenerate": lambda: loop.run(_awaited(batcher.agenerate(asked, seed=7))),
        }
        others: dict[str, Work] = {
            "submit": directly,
            "agenerate": lambda: loop.run(_called(directly)),
        }
        for name, ours in ways.items():
            title = f"lone request by {name}, against generate"
            row = compare(title, ours, others[name], _LONE, _CALLS)
            print(f"{row.line()}  {1e6 * (row.ours - row.other):.0f} us added", flush=True)


def crowded(batcher: Batcher) -> None:
    """Many callers that ask for a picture each, again and again, against one call for all, and
    against the loop one writes by hand around onnxruntime."""
    generator, asked = batcher.generator, bundles.asked(batcher.generator.bundle)

    def directly() -> None:
        generator.generate(asked, seed=0, count=_PICTURES)

    def caller(seed: int) -> None:
        for step in range(_PICTURES // _CALLERS):
            batcher.submit(asked, seed=seed + step * _CALLERS).result()

    def by_threads() -> None:
        list(threads.map(caller, range(_CALLERS)))

    def by_coroutines() -> None:
        asyncio.run(_crowd(batcher, asked, _PICTURES))

    raw = by_hand(generator.bundle, on_onnxruntime(generator.bundle))
    others: dict[str, Work] = {"raw onnxruntime": lambda: raw(_PICTURES), "generate": directly}
    with ThreadPoolExecutor(_CALLERS) as threads:
        for name, ours in (("threads", by_threads), ("coroutines", by_coroutines)):
            found = race(f"{_CALLERS} {name}, {_PICTURES} pictures", ours, others, _ROUNDS)
            for row in found.values():
                print(f"{row.line()}  {_PICTURES / row.ours:.0f} pictures/s", flush=True)


def idle_graph(folder: Path) -> None:
    """Requests a second where drawing costs next to nothing, and the processor's time for each."""
    with Batcher(Generator.load(bundles.noop(folder / "noop.onnx"), device="cpu")) as batcher:
        rounds = [_timed(batcher) for _ in range(5)]
    rate, cost = (median(column) for column in zip(*rounds, strict=True))
    print(f"no-op graph, {_CALLERS} coroutines: {rate:,.0f} requests/s, {cost:.1f} us each")


def _timed(batcher: Batcher) -> tuple[float, float]:
    begun, worked = perf_counter(), process_time()
    asyncio.run(_crowd(batcher, {}, _REQUESTS))
    return (
        _REQUESTS / (perf_counter() - begun),
        1e6 * (process_time() - worked) / _REQUESTS,
    )


async def _crowd(batcher: Batcher, asked: dict[str, str], pictures: int) -> None:
    seeds = iter(range(pictures))

    async def caller() -> None:
        for seed in seeds:
            await batcher.agenerate(asked, seed=seed, timeout=60.0)

    await asyncio.gather(*(caller() for _ in range(_CALLERS)))


async def _awaited(drawn: Coroutine[Any, Any, object]) -> None:
    await drawn


async def _called(work: Work) -> None:
    work()


def main(paths: list[Path], folder: Path) -> None:
    """Every row, for every bundle."""
    print(machine())
    if not paths:
        bundles.random(folder / "width-64.ganport", features=64)
        paths = [folder / "width-64.ganport"]
    for path in paths:
        generator = Generator.load(path, device="cpu")
        print(f"{path.name}: runs of {generator.preferred_batch_size}")
        with Batcher(generator) as batcher:
            lone(batcher)
            crowded(batcher)
    idle_graph(folder)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main([Path(path) for path in sys.argv[1:]], Path(scratch))
