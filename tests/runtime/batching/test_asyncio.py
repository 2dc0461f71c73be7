"""Coroutines as callers."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from ganport_runtime import Batcher, ConditionError, DeadlineError, Generator, QueueFullError

PINK = {"hair": "pink", "eyes": "green"}


def test_many_coroutines(generator: Generator) -> None:
    async def ask() -> list[Any]:
        with Batcher(generator) as batcher:
            return await asyncio.gather(*(batcher.agenerate(PINK, seed=s) for s in range(200)))

    drawn = asyncio.run(ask())
    assert np.array_equal(
        np.concatenate([each.images for each in drawn]),
        generator.generate(PINK, seed=0, count=200),
    )
    assert [list(each.seeds) for each in drawn] == [[seed] for seed in range(200)]


def test_a_loop_is_woken_once_for_a_run(held: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask() -> int:
        loop = asyncio.get_running_loop()
        wake, woken = loop.call_soon_threadsafe, []
        monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *a: (woken.append(a), wake(*a)))
        with Batcher(held, max_batch=16) as batcher:
            held.gate.clear()
            tasks = [asyncio.create_task(batcher.agenerate(PINK)) for _ in range(17)]
            await asyncio.sleep(0)
            while not held.runs:
                await asyncio.sleep(0.001)
            held.gate.set()
            await asyncio.gather(*tasks)
        return len(woken)

    assert asyncio.run(ask()) == len(held.runs)


def test_a_task_that_is_cancelled_frees_its_place(held: Any) -> None:
    async def ask() -> None:
        with Batcher(held, max_queue=4) as batcher:
            held.gate.clear()
            running = asyncio.create_task(batcher.agenerate(PINK))
            await asyncio.to_thread(held.until_running)
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
            held.gate.set()
            assert len((await running).images) == 1

    asyncio.run(ask())


def test_errors_are_raised_where_the_pictures_are_awaited(held: Any) -> None:
    async def ask() -> None:
        bad = held.job(PINK)
        held.faults[bad] = RuntimeError("not ours")
        with Batcher(held) as batcher:
            with pytest.raises(ConditionError, match="pinkk"):
                await batcher.agenerate({"hair": "pinkk"})
            with pytest.raises(RuntimeError, match="not ours"):
                await batcher.arun(bad)
            held.gate.clear()
            with pytest.raises(DeadlineError, match=r"within 0\.02 seconds"):
                await batcher.agenerate(PINK, timeout=0.02)
            held.gate.set()

    asyncio.run(ask())


def test_a_loop_that_ended_before_its_answer_disturbs_nobody(held: Any) -> None:
    with Batcher(held) as batcher:
        held.gate.clear()
        loop = asyncio.new_event_loop()
        task = loop.create_task(batcher.agenerate(PINK))
        loop.run_until_complete(asyncio.sleep(0))
        held.until_running()
        loop.close()
        held.gate.set()
        assert len(batcher.submit(PINK).result(30).images) == 1
        assert batcher.healthy()
        assert not task.done()
        task.get_coro().close()
        task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_threads_and_two_loops_share_a_run(held: Any) -> None:
    with Batcher(held, max_batch=8) as batcher:
        held.gate.clear()
        first = batcher.submit(PINK, seed=0)
        held.until_running()
        loops = [asyncio.new_event_loop() for _ in range(2)]
        tasks = [loop.create_task(batcher.agenerate(PINK, seed=1)) for loop in loops]
        for loop in loops:
            loop.run_until_complete(asyncio.sleep(0))
        second = batcher.submit(PINK, seed=1)
        held.gate.set()
        pairs = zip(loops, tasks, strict=True)
        drawn = [second.result(30), *(loop.run_until_complete(task) for loop, task in pairs)]
        for loop in loops:
            loop.close()
        assert len(first.result().images) == 1
    assert len(held.runs) == 2
    assert all(np.array_equal(each.images, drawn[0].images) for each in drawn)
