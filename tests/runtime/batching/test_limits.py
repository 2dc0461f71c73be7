"""What bounds a request: the length of the queue, its deadline, and its caller's patience."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future, wait
from time import monotonic
from typing import Any

import numpy as np
import pytest

from ganport_runtime import Batcher, DeadlineError, Drawn, QueueFullError, RequestError

PINK = {"hair": "pink"}


@pytest.fixture
def busy(held: Any) -> Any:
    """A batcher of runs of 4 and a queue of 10 whose first run, of 4 of 5 pictures, has begun."""
    batcher = Batcher(held, max_batch=4, max_queue=10)
    held.gate.clear()
    batcher.submit(PINK, seed=0, count=5)
    held.until_running()
    yield batcher
    held.gate.set()
    batcher.close()


def fill(batcher: Batcher) -> list[Future[Drawn]]:
    return [batcher.submit(PINK, seed=seed, count=3) for seed in range(3)]


def test_the_queue_is_bounded_in_pictures(busy: Batcher) -> None:
    fill(busy)
    assert (busy.stats().queued_images, busy.stats().running_images) == (10, 4)
    expected = r"queue: expected at most 10 pictures waiting; found 10, and 2 more asked for\. Try"
    with pytest.raises(QueueFullError, match=expected) as caught:
        busy.submit(PINK, count=2)
    assert caught.value.retry_after == 1.0  # nothing was drawn yet, so nobody can know
    assert busy.stats().rejected == 1


def test_room_is_looked_for_before_a_request_is_made(busy: Batcher) -> None:
    busy.check_room()
    waiting = fill(busy)
    with pytest.raises(QueueFullError, match=r"found 10, and 1 more asked for\. Try"):
        busy.check_room()
    assert busy.stats().rejected == 1
    assert waiting[0].cancel()
    busy.check_room()


def test_when_to_try_again_follows_from_the_measured_rate(busy: Batcher, held: Any) -> None:
    held.gate.set()
    for future in fill(busy):
        future.result()
    held.gate.clear()
    runs = len(held.runs)
    busy.submit(PINK, seed=0, count=4)
    held.until_running(runs + 1)
    busy.submit(PINK, seed=0, count=9)
    with pytest.raises(QueueFullError) as caught:
        busy.submit(PINK, count=6)
    rate = busy.stats().images_per_second
    assert rate > 0
    assert caught.value.retry_after == pytest.approx((9 + 6 - 10) / rate)


def test_a_request_that_never_fits_is_told_so(busy: Batcher) -> None:
    with pytest.raises(RequestError, match=r"count: expected at most 10 pictures.*found 11\. Ask"):
        busy.submit(PINK, count=11)
    assert busy.stats().rejected == 0


def test_cancelling_frees_the_place_at_once(busy: Batcher, held: Any) -> None:
    first, second, third = fill(busy)
    assert second.cancel()
    assert second.cancelled()
    assert second.cancel()
    with pytest.raises(CancelledError):
        second.result()
    assert busy.stats().queued_images == 7
    replacement = busy.submit(PINK, seed=9, count=3)
    held.gate.set()
    assert wait([first, second, third, replacement], 30).not_done == set()
    assert busy.stats().cancelled == 1


def test_cancelling_what_runs_frees_what_is_left_of_it(busy: Batcher, held: Any) -> None:
    large = busy.submit(PINK, seed=1, count=9)
    held.gate.set()
    assert len(large.result().images) == 9
    assert not large.cancel()
    held.gate.clear()
    runs = len(held.runs)
    large = busy.submit(PINK, seed=1, count=9)
    held.until_running(runs + 1)
    assert large.cancel()
    assert busy.stats().queued_images == 0
    held.gate.set()
    assert len(busy.submit(PINK, seed=2).result().images) == 1
    assert [sum(number for _, number in run) for run in held.runs[runs:]] == [4, 1]


def test_a_deadline_holds_while_the_device_is_busy(busy: Batcher) -> None:
    begun = monotonic()
    future = busy.submit(PINK, count=3, timeout=0.05)
    patient = busy.submit(PINK, count=3, timeout=60)
    expected = r"timeout: expected pictures within 0\.05 seconds; found 0 of 3 drawn\. Give more"
    with pytest.raises(DeadlineError, match=expected):
        future.result(30)
    assert 0.05 <= monotonic() - begun < 1
    assert not patient.done()
    assert (busy.stats().queued_images, busy.stats().expired) == (4, 1)
    assert not future.cancel()


def test_a_shorter_deadline_than_the_one_waited_for(busy: Batcher) -> None:
    busy.submit(PINK, timeout=60)
    with pytest.raises(TimeoutError):  # which a DeadlineError is
        busy.submit(PINK, timeout=0).result(1)


def test_a_deadline_ends_a_request_that_is_partly_drawn(held: Any) -> None:
    with Batcher(held, max_batch=4) as batcher:
        held.gate.clear()
        held.free = 1
        future = batcher.submit(PINK, count=10, timeout=0.2)
        held.until_running(2)
        with pytest.raises(DeadlineError, match="found 4 of 10 drawn"):
            future.result(30)
        assert batcher.stats().queued_images == 0
        held.gate.set()
        batcher.submit(PINK).result(30)
    # The two pictures of its third run were not drawn for nobody.
    assert [sum(number for _, number in run) for run in held.runs] == [4, 4, 1]


def test_pictures_that_were_in_time_are_whole(busy: Batcher, held: Any) -> None:
    future = busy.submit(PINK, seed=3, count=9, timeout=60)
    held.gate.set()
    assert np.array_equal(future.result().images, held.generate(PINK, seed=3, count=9))
    assert busy.stats().expired == 0
