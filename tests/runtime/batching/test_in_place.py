"""Drawing on the event loop itself: when it is done, and that it changes nothing else."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

from ganport_runtime import Batcher, BundleError, ClosedError

PINK = {"hair": "pink", "eyes": "green"}
FOREVER = 1e6


def drawing_threads(held: Any) -> list[str]:
    """From now on, the names of the threads that draw."""
    names: list[str] = []
    draw = type(held).draw
    held.draw = lambda parts: (names.append(threading.current_thread().name), draw(held, parts))[1]
    return names


async def known(batcher: Batcher, held: Any) -> list[str]:
    """Let a rate be measured; then the names of the threads that draw."""
    await batcher.agenerate(PINK)
    return drawing_threads(held)


def test_a_quick_lone_request_stays_on_its_thread_and_has_the_same_bytes(held: Any) -> None:
    async def ask() -> None:
        with Batcher(held, in_place=FOREVER) as batcher:
            names = await known(batcher, held)
            drawn = await batcher.arun(held.job(PINK, seed=7, count=3))
            assert names == [threading.main_thread().name]
            assert np.array_equal(drawn.images, held.generate(PINK, seed=7, count=3))
            assert (drawn.seeds, drawn.queued, drawn.device) == ([7, 8, 9], 0.0, "cpu")
            assert 0 < drawn.computed < 10
            stats = batcher.stats()
            assert (stats.requests, stats.images, stats.running_images) == (2, 4, 0)

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("in_place", "timeout"), [(0.0, None), (1e-12, None), (FOREVER, 5.0)], ids=str
)
def test_one_that_may_take_long_goes_to_the_worker(
    held: Any, in_place: float, timeout: float | None
) -> None:
    async def ask() -> None:
        with Batcher(held, in_place=in_place) as batcher:
            names = await known(batcher, held)
            await batcher.arun(held.job(PINK), timeout)
            assert names == ["ganport-batcher"]

    asyncio.run(ask())


def test_before_anything_is_measured_nothing_is_known_to_be_quick(held: Any) -> None:
    async def ask() -> None:
        with Batcher(held, in_place=FOREVER) as batcher:
            names = drawing_threads(held)
            await batcher.arun(held.job(PINK))
            assert names == ["ganport-batcher"]

    asyncio.run(ask())


def test_nobody_is_passed(held: Any) -> None:
    async def ask() -> None:
        with Batcher(held, in_place=FOREVER) as batcher:
            names = await known(batcher, held)
            held.gate.clear()
            running = batcher.submit(PINK)
            await asyncio.to_thread(held.until_running, 2)
            second = asyncio.create_task(batcher.arun(held.job(PINK)))
            await asyncio.sleep(0.01)
            held.gate.set()
            await asyncio.gather(asyncio.wrap_future(running), second)
            assert names == ["ganport-batcher"] * 2

    asyncio.run(ask())


def test_those_who_ask_in_one_turn_are_drawn_together(held: Any) -> None:
    async def ask() -> None:
        with Batcher(held, in_place=FOREVER) as batcher:
            names = await known(batcher, held)
            await asyncio.gather(*(batcher.agenerate(PINK) for _ in range(8)))
            assert set(names) == {"ganport-batcher"}
            assert len(names) <= 2  # the first may run alone, those behind it run together

    asyncio.run(ask())


def test_who_is_cancelled_on_the_way_leaves_nothing_behind(held: Any) -> None:
    async def ask() -> None:
        with Batcher(held, in_place=FOREVER) as batcher:
            names = await known(batcher, held)
            task = asyncio.create_task(batcher.arun(held.job(PINK)))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert names == []
            assert batcher.stats().running_images == 0
            await batcher.arun(held.job(PINK))
            assert names == [threading.main_thread().name]

    asyncio.run(ask())


def test_a_fault_is_raised_and_counted_and_the_next_is_drawn(held: Any) -> None:
    async def ask() -> None:
        with Batcher(held, in_place=FOREVER) as batcher:
            await known(batcher, held)
            bad = held.job(PINK)
            held.faults[bad] = BundleError("g", expected="e", found="f", fix="x.")
            with pytest.raises(BundleError):
                await batcher.arun(bad)
            assert (batcher.stats().failed, batcher.stats().running_images) == (1, 0)
            assert len((await batcher.arun(held.job(PINK))).images) == 1

    asyncio.run(ask())


def test_one_that_was_closed_draws_nothing(held: Any) -> None:
    async def ask() -> None:
        batcher = Batcher(held, in_place=FOREVER)
        await known(batcher, held)
        batcher.close()
        with pytest.raises(ClosedError):
            await batcher.arun(held.job(PINK))

    asyncio.run(ask())
