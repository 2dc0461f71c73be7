"""Queue capacity, deadlines and cancellation."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, wait
from typing import Any

import numpy as np
import pytest

from ganport_runtime import (
    Batcher,
    DeadlineError,
    GenerationResult,
    QueueFullError,
    RequestError,
)

PINK = {"hair": "pink"}


@pytest.fixture
def busy(blocking: Any) -> Iterator[Batcher]:
    """Yield a batcher (runs of 4, queue of 10) that runs the first 4 images of a request of 5."""
    batcher = Batcher(blocking, max_batch=4, max_queue=10)
    blocking.gate.clear()
    batcher.submit(PINK, seed=0, count=5)
    blocking.wait_for_runs()
    yield batcher
    blocking.gate.set()
    batcher.close()


def fill(batcher: Batcher) -> list[Future[GenerationResult]]:
    return [batcher.submit(PINK, seed=seed, count=3) for seed in range(3)]


def test_submit_full_queue_raises_queue_full(busy: Batcher) -> None:
    fill(busy)
    assert (busy.stats().queued_images, busy.stats().running_images) == (10, 4)
    with pytest.raises(QueueFullError, match="at most 10") as caught:
        busy.submit(PINK, count=2)
    assert caught.value.place == "queue"
    assert caught.value.retry_after == 1.0  # the default while no rate is known
    assert busy.stats().rejected == 1


def test_check_capacity_full_queue_raises_until_a_slot_is_free(busy: Batcher) -> None:
    busy.check_capacity()
    waiting = fill(busy)
    with pytest.raises(QueueFullError):
        busy.check_capacity()
    assert busy.stats().rejected == 1
    assert waiting[0].cancel()
    busy.check_capacity()


def test_retry_after_follows_the_measured_rate(busy: Batcher, blocking: Any) -> None:
    blocking.gate.set()
    for future in fill(busy):
        future.result()
    blocking.gate.clear()
    runs = len(blocking.runs)
    busy.submit(PINK, seed=0, count=4)
    blocking.wait_for_runs(runs + 1)
    busy.submit(PINK, seed=0, count=9)
    with pytest.raises(QueueFullError) as caught:
        busy.submit(PINK, count=6)
    rate = busy.stats().images_per_second
    assert rate > 0
    assert caught.value.retry_after == pytest.approx((9 + 6 - 10) / rate)


def test_submit_request_larger_than_the_queue_raises_request_error(busy: Batcher) -> None:
    with pytest.raises(RequestError, match="11") as caught:
        busy.submit(PINK, count=11)
    assert caught.value.place == "count"
    assert busy.stats().rejected == 0


def test_cancel_waiting_request_frees_its_slots(busy: Batcher, blocking: Any) -> None:
    first, second, third = fill(busy)
    assert second.cancel()
    assert second.cancelled()
    assert second.cancel()
    with pytest.raises(CancelledError):
        second.result()
    assert busy.stats().queued_images == 7
    replacement = busy.submit(PINK, seed=9, count=3)
    blocking.gate.set()
    assert wait([first, second, third, replacement], 30).not_done == set()
    assert busy.stats().cancelled == 1


def test_cancel_running_request_frees_its_remaining_slots(busy: Batcher, blocking: Any) -> None:
    large = busy.submit(PINK, seed=1, count=9)
    blocking.gate.set()
    assert len(large.result().images) == 9
    assert not large.cancel()
    blocking.gate.clear()
    runs = len(blocking.runs)
    large = busy.submit(PINK, seed=1, count=9)
    blocking.wait_for_runs(runs + 1)
    assert large.cancel()
    assert busy.stats().queued_images == 0
    blocking.gate.set()
    assert len(busy.submit(PINK, seed=2).result().images) == 1
    assert [sum(number for _, number in run) for run in blocking.runs[runs:]] == [4, 1]


def test_deadline_busy_device_fails_only_the_expired_request(busy: Batcher) -> None:
    future = busy.submit(PINK, count=3, timeout=0.05)
    patient = busy.submit(PINK, count=3, timeout=60)
    with pytest.raises(DeadlineError, match="0 of 3") as caught:
        future.result(30)
    assert caught.value.place == "timeout"
    assert not patient.done()
    assert (busy.stats().queued_images, busy.stats().expired) == (4, 1)
    assert not future.cancel()


def test_deadline_shorter_than_the_next_one_is_kept(busy: Batcher) -> None:
    busy.submit(PINK, timeout=60)
    assert isinstance(busy.submit(PINK, timeout=0).exception(30), DeadlineError)


def test_deadline_partly_completed_request_skips_its_remaining_rows(blocking: Any) -> None:
    with Batcher(blocking, max_batch=4) as batcher:
        blocking.gate.clear()
        blocking.free_runs = 1
        future = batcher.submit(PINK, count=10, timeout=0.2)
        blocking.wait_for_runs(2)
        with pytest.raises(DeadlineError, match="4 of 10"):
            future.result(30)
        assert batcher.stats().queued_images == 0
        blocking.gate.set()
        batcher.submit(PINK).result(30)
    assert [sum(number for _, number in run) for run in blocking.runs] == [4, 4, 1]


def test_deadline_request_in_time_returns_all_images(busy: Batcher, blocking: Any) -> None:
    future = busy.submit(PINK, seed=3, count=9, timeout=60)
    blocking.gate.set()
    assert np.array_equal(future.result().images, blocking.generate(PINK, seed=3, count=9))
    assert busy.stats().expired == 0
