"""Measure the cost of `Batcher`: single requests, 64 callers, and a no-op graph.

`python benchmarks/batcher.py [BUNDLE ...]` alternates with direct calls of the generator. Without
bundles it measures the `quick` generator at width 64 with random weights. Limits: at most 0.2 ms
more per single request, at least 0.95 of the images per second of onnxruntime by hand.
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
from service import bundles
from system_info import describe_system
from timing import Work, compare, compare_interleaved

from ganport_runtime import Batcher, Generator

_CALLERS = 64
_SINGLE_ROUNDS = 41
_CALLS = 16
"""Consecutive calls per round, like in a loop."""
_IMAGES = 8 * _CALLERS
_ROUNDS = 9
_REQUESTS = 100 * _CALLERS


def measure_single_requests(batcher: Batcher) -> None:
    """Compare one request at a time with `generate`, from a thread and from a coroutine."""
    generator = batcher.generator
    conditions = bundles.sample_conditions(generator.bundle)

    def generate() -> None:
        generator.generate(conditions, seed=7)

    with asyncio.Runner() as runner:
        # Both sides of the second pair pay for the runner.
        pairs: dict[str, tuple[Work, Work]] = {
            "submit": (lambda: batcher.submit(conditions, seed=7).result(), generate),
            "agenerate": (
                lambda: runner.run(_await(batcher.agenerate(conditions, seed=7))),
                lambda: runner.run(_call(generate)),
            ),
        }
        for name, (ours, other) in pairs.items():
            title = f"one request by {name}, against generate"
            row = compare(title, ours, other, _SINGLE_ROUNDS, _CALLS)
            print(f"{row.line()}  {1e6 * (row.ours - row.other):.0f} us added", flush=True)


def measure_many_callers(batcher: Batcher) -> None:
    """Compare many callers with one large `generate` call and with onnxruntime by hand."""
    generator = batcher.generator
    conditions = bundles.sample_conditions(generator.bundle)

    def generate() -> None:
        generator.generate(conditions, seed=0, count=_IMAGES)

    def run_caller(seed: int) -> None:
        for step in range(_IMAGES // _CALLERS):
            batcher.submit(conditions, seed=seed + step * _CALLERS).result()

    def run_threads() -> None:
        list(pool.map(run_caller, range(_CALLERS)))

    def run_coroutines() -> None:
        asyncio.run(_run_coroutines(batcher, conditions, _IMAGES))

    raw = by_hand(generator.bundle, on_onnxruntime(generator.bundle))
    others: dict[str, Work] = {"raw onnxruntime": lambda: raw(_IMAGES), "generate": generate}
    with ThreadPoolExecutor(_CALLERS) as pool:
        for name, ours in (("threads", run_threads), ("coroutines", run_coroutines)):
            rows = compare_interleaved(
                f"{_CALLERS} {name}, {_IMAGES} images", ours, others, _ROUNDS
            )
            for row in rows.values():
                print(f"{row.line()}  {_IMAGES / row.ours:.0f} images/s", flush=True)


def measure_noop_graph(folder: Path) -> None:
    """Print requests per second and CPU time per request for a graph that costs almost nothing."""
    path = bundles.write_noop(folder / "noop.onnx")
    with Batcher(Generator.load(path, device="cpu")) as batcher:
        rounds = [_measure_rate(batcher) for _ in range(5)]
    rate, cost = (median(column) for column in zip(*rounds, strict=True))
    print(f"no-op graph, {_CALLERS} coroutines: {rate:,.0f} requests/s, {cost:.1f} us each")


def _measure_rate(batcher: Batcher) -> tuple[float, float]:
    start, cpu_start = perf_counter(), process_time()
    asyncio.run(_run_coroutines(batcher, {}, _REQUESTS))
    return (
        _REQUESTS / (perf_counter() - start),
        1e6 * (process_time() - cpu_start) / _REQUESTS,
    )


async def _run_coroutines(batcher: Batcher, conditions: dict[str, str], images: int) -> None:
    seeds = iter(range(images))

    async def run_caller() -> None:
        for seed in seeds:
            await batcher.agenerate(conditions, seed=seed, timeout=60.0)

    await asyncio.gather(*(run_caller() for _ in range(_CALLERS)))


async def _await(coroutine: Coroutine[Any, Any, object]) -> None:
    await coroutine


async def _call(work: Work) -> None:
    work()


def main(paths: list[Path], folder: Path) -> None:
    """Print all rows of all bundles."""
    print(describe_system())
    if not paths:
        bundles.write_random(folder / "width-64.ganport", features=64)
        paths = [folder / "width-64.ganport"]
    for path in paths:
        generator = Generator.load(path, device="cpu")
        print(f"{path.name}: runs of {generator.preferred_batch_size}")
        with Batcher(generator) as batcher:
            measure_single_requests(batcher)
            measure_many_callers(batcher)
    measure_noop_graph(folder)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main([Path(path) for path in sys.argv[1:]], Path(scratch))
