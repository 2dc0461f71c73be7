"""Coroutines as callers: shared runs, cancellation, and requests that run inline."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

from ganport_runtime import (
    Batcher,
    BundleError,
    ClosedError,
    ConditionError,
    DeadlineError,
    Generator,
    QueueFullError,
)

PINK = {"hair": "pink", "eyes": "green"}
UNLIMITED = 1e6
WORKER = "ganport-batcher"
MAIN = threading.main_thread().name


def test_agenerate_many_coroutines_return_the_images_of_generate(generator: Generator) -> None:
    async def call() -> list[Any]:
        with Batcher(generator) as batcher:
            return await asyncio.gather(*(batcher.agenerate(PINK, seed=s) for s in range(200)))

    results = asyncio.run(call())
    assert np.array_equal(
        np.concatenate([result.images for result in results]),
        generator.generate(PINK, seed=0, count=200),
    )
    assert [list(result.seeds) for result in results] == [[seed] for seed in range(200)]


def test_resolve_one_run_wakes_an_event_loop_once(
    blocking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def call() -> int:
        loop = asyncio.get_running_loop()
        wake, wakes = loop.call_soon_threadsafe, []
        monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *a: (wakes.append(a), wake(*a)))
        with Batcher(blocking, max_batch=16) as batcher:
            blocking.gate.clear()
            tasks = [asyncio.create_task(batcher.agenerate(PINK)) for _ in range(17)]
            await asyncio.sleep(0)
            while not blocking.runs:
                await asyncio.sleep(0.001)
            blocking.gate.set()
            await asyncio.gather(*tasks)
        return len(wakes)

    assert asyncio.run(call()) == len(blocking.runs)


def test_agenerate_canceled_task_frees_its_slots(blocking: Any) -> None:
    async def call() -> None:
        with Batcher(blocking, max_queue=4) as batcher:
            blocking.gate.clear()
            running = asyncio.create_task(batcher.agenerate(PINK))
            await asyncio.to_thread(blocking.wait_for_runs)
            waiting = asyncio.create_task(batcher.agenerate(PINK, count=4))
            await asyncio.sleep(0)
            with pytest.raises(QueueFullError):
                await batcher.agenerate(PINK)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert batcher.stats().queued_images == 0
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(batcher.agenerate(PINK, count=4), 0.02)
            assert (batcher.stats().queued_images, batcher.stats().cancelled) == (0, 2)
            blocking.gate.set()
            assert len((await running).images) == 1

    asyncio.run(call())


def test_agenerate_errors_are_raised_to_the_awaiting_task(blocking: Any) -> None:
    async def call() -> None:
        bad = blocking.prepare(PINK)
        blocking.failures[bad] = RuntimeError("foreign error")
        with Batcher(blocking) as batcher:
            with pytest.raises(ConditionError, match="pinkk"):
                await batcher.agenerate({"hair": "pinkk"})
            with pytest.raises(RuntimeError, match="foreign error"):
                await batcher.asubmit(bad)
            blocking.gate.clear()
            with pytest.raises(DeadlineError, match=r"0\.02"):
                await batcher.agenerate(PINK, timeout=0.02)
            blocking.gate.set()

    asyncio.run(call())


def test_resolve_closed_event_loop_does_not_disturb_other_requests(blocking: Any) -> None:
    with Batcher(blocking) as batcher:
        blocking.gate.clear()
        loop = asyncio.new_event_loop()
        task = loop.create_task(batcher.agenerate(PINK))
        loop.run_until_complete(asyncio.sleep(0))
        blocking.wait_for_runs()
        loop.close()
        blocking.gate.set()
        assert len(batcher.submit(PINK).result(30).images) == 1
        assert batcher.healthy()
        assert not task.done()
        task.get_coro().close()
        task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_requests_of_threads_and_two_loops_share_a_run(blocking: Any) -> None:
    with Batcher(blocking, max_batch=8) as batcher:
        blocking.gate.clear()
        first = batcher.submit(PINK, seed=0)
        blocking.wait_for_runs()
        loops = [asyncio.new_event_loop() for _ in range(2)]
        tasks = [loop.create_task(batcher.agenerate(PINK, seed=1)) for loop in loops]
        for loop in loops:
            loop.run_until_complete(asyncio.sleep(0))
        second = batcher.submit(PINK, seed=1)
        blocking.gate.set()
        pairs = zip(loops, tasks, strict=True)
        results = [second.result(30), *(loop.run_until_complete(task) for loop, task in pairs)]
        for loop in loops:
            loop.close()
        assert len(first.result().images) == 1
    assert len(blocking.runs) == 2
    assert all(np.array_equal(result.images, results[0].images) for result in results)


async def measure_rate(batcher: Batcher) -> None:
    """Run one image, so that the batcher knows a rate."""
    await batcher.agenerate(PINK)


def test_asubmit_fast_single_request_runs_inline_with_the_same_bytes(blocking: Any) -> None:
    async def call() -> None:
        with Batcher(blocking, inline_budget=UNLIMITED) as batcher:
            await measure_rate(batcher)
            result = await batcher.asubmit(blocking.prepare(PINK, seed=7, count=3))
            assert blocking.threads[1:] == [MAIN]
            assert np.array_equal(result.images, blocking.generate(PINK, seed=7, count=3))
            assert (result.seeds, result.queue_seconds, result.device) == ([7, 8, 9], 0.0, "cpu")
            assert result.compute_seconds > 0
            stats = batcher.stats()
            assert (stats.requests, stats.images, stats.running_images) == (2, 4, 0)

    asyncio.run(call())


@pytest.mark.parametrize(
    ("inline_budget", "timeout"), [(0.0, None), (1e-12, None), (UNLIMITED, 5.0)], ids=str
)
def test_asubmit_possibly_slow_request_runs_on_the_worker(
    blocking: Any, inline_budget: float, timeout: float | None
) -> None:
    async def call() -> None:
        with Batcher(blocking, inline_budget=inline_budget) as batcher:
            await measure_rate(batcher)
            await batcher.asubmit(blocking.prepare(PINK), timeout)
            assert blocking.threads[1:] == [WORKER]

    asyncio.run(call())


def test_asubmit_unknown_rate_runs_on_the_worker(blocking: Any) -> None:
    async def call() -> None:
        with Batcher(blocking, inline_budget=UNLIMITED) as batcher:
            await batcher.asubmit(blocking.prepare(PINK))
            assert blocking.threads == [WORKER]

    asyncio.run(call())


def test_asubmit_busy_device_runs_on_the_worker(blocking: Any) -> None:
    async def call() -> None:
        with Batcher(blocking, inline_budget=UNLIMITED) as batcher:
            await measure_rate(batcher)
            blocking.gate.clear()
            running = batcher.submit(PINK)
            await asyncio.to_thread(blocking.wait_for_runs, 2)
            second = asyncio.create_task(batcher.asubmit(blocking.prepare(PINK)))
            await asyncio.sleep(0.01)
            blocking.gate.set()
            await asyncio.gather(asyncio.wrap_future(running), second)
            assert blocking.threads[1:] == [WORKER] * 2

    asyncio.run(call())


def test_asubmit_simultaneous_requests_share_runs_on_the_worker(blocking: Any) -> None:
    async def call() -> None:
        with Batcher(blocking, inline_budget=UNLIMITED) as batcher:
            await measure_rate(batcher)
            await asyncio.gather(*(batcher.agenerate(PINK) for _ in range(8)))
            threads = blocking.threads[1:]
            assert set(threads) == {WORKER}
            assert len(threads) <= 2  # the first request may run alone

    asyncio.run(call())


def test_asubmit_canceled_before_the_run_leaves_no_waiter(blocking: Any) -> None:
    async def call() -> None:
        with Batcher(blocking, inline_budget=UNLIMITED) as batcher:
            await measure_rate(batcher)
            task = asyncio.create_task(batcher.asubmit(blocking.prepare(PINK)))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert blocking.threads[1:] == []
            assert batcher.stats().running_images == 0
            await batcher.asubmit(blocking.prepare(PINK))
            assert blocking.threads[1:] == [MAIN]

    asyncio.run(call())


def test_asubmit_failing_inline_request_is_counted_and_the_next_succeeds(blocking: Any) -> None:
    async def call() -> None:
        with Batcher(blocking, inline_budget=UNLIMITED) as batcher:
            await measure_rate(batcher)
            bad = blocking.prepare(PINK)
            blocking.failures[bad] = BundleError("graph", "a graph that runs", "none", "Fix it.")
            with pytest.raises(BundleError):
                await batcher.asubmit(bad)
            assert (batcher.stats().failed, batcher.stats().running_images) == (1, 0)
            assert len((await batcher.asubmit(blocking.prepare(PINK))).images) == 1

    asyncio.run(call())


def test_asubmit_closed_batcher_raises_closed_error(blocking: Any) -> None:
    async def call() -> None:
        batcher = Batcher(blocking, inline_budget=UNLIMITED)
        await measure_rate(batcher)
        batcher.close()
        with pytest.raises(ClosedError):
            await batcher.asubmit(blocking.prepare(PINK))

    asyncio.run(call())
