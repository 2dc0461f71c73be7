from concurrent.futures import Future

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.batching.queue import Batch, FairQueue, PendingRequest
from ganport_runtime.generation.request import EncodedRequest


def pending(count: int, interface: str = "gan.generate/1") -> PendingRequest:
    return PendingRequest(EncodedRequest(interface, np.zeros((count, 0), np.float32)), Future())


def queue_of(max_batch: int, *requests: PendingRequest) -> FairQueue:
    queue = FairQueue(max_batch)
    for request in requests:
        queue.push(request)
    return queue


def ranges(batch: Batch) -> list[tuple[int, int]]:
    return [(rows.start, rows.stop) for rows in batch.values()]


def test_pop_batch_small_requests_share_a_run_in_order() -> None:
    requests = [pending(count) for count in (1, 3, 2)]
    queue = queue_of(8, *requests)
    assert queue.images == 6
    batch = queue.pop_batch()
    assert list(batch) == requests
    assert ranges(batch) == [(0, 1), (0, 3), (0, 2)]
    assert queue.images == 0
    assert queue.pop_batch() == {}


def test_pop_batch_full_run_leaves_the_rest_for_the_next() -> None:
    first, second, third = pending(3), pending(3), pending(3)
    queue = queue_of(4, first, second, third)
    assert [queue.pop_batch(), queue.pop_batch(), queue.pop_batch()] == [
        {first: slice(0, 3), second: slice(0, 1)},
        {second: slice(1, 3), third: slice(0, 2)},
        {third: slice(2, 3)},
    ]


def test_pop_batch_large_request_moves_behind_later_arrivals() -> None:
    large, small = pending(10), pending(1)
    queue = queue_of(4, large)
    assert queue.pop_batch() == {large: slice(0, 4)}
    queue.push(small)
    assert list(queue.pop_batch().items()) == [(small, slice(0, 1)), (large, slice(4, 7))]
    late = pending(1)
    queue.push(late)
    # One row of credit was left, and the late request still shares the run.
    assert queue.pop_batch() == {large: slice(7, 10), late: slice(0, 1)}
    assert queue.images == 0


def test_pop_batch_large_requests_alternate() -> None:
    first, second = pending(8), pending(8)
    queue = queue_of(4, first, second)
    runs = [list(queue.pop_batch()) for _ in range(4)]
    assert runs == [[first], [second], [first], [second]]


def test_pop_batch_mixed_interfaces_keeps_order_and_one_interface_per_run() -> None:
    requests = [pending(1, name) for name in ("generate", "generate", "translate", "generate")]
    queue = queue_of(8, *requests)
    runs = [list(queue.pop_batch()) for _ in range(3)]
    assert runs == [requests[:2], [requests[2]], [requests[3]]]


def test_remove_partly_taken_request_frees_its_remaining_rows() -> None:
    large, small = pending(10), pending(2)
    queue = queue_of(4, large, small)
    queue.pop_batch()
    assert queue.images == 8
    queue.remove(large)
    queue.remove(large)
    assert queue.images == 2
    assert list(queue.pop_batch()) == [small]
    queue.remove(small)
    assert queue.images == 0


COUNTS = st.lists(st.integers(1, 40), min_size=1, max_size=12)


@given(st.integers(1, 9), COUNTS, st.lists(st.integers(0, 3), max_size=8))
def test_pop_batch_any_arrivals_take_each_row_once_in_full_runs(
    max_batch: int, counts: list[int], arrivals: list[int]
) -> None:
    queue = FairQueue(max_batch)
    future_requests = [pending(count) for count in counts]
    taken: dict[PendingRequest, list[int]] = {request: [] for request in future_requests}
    waiting = 0
    while future_requests or queue.images:
        for _ in range(arrivals.pop() if arrivals else len(future_requests)):
            if future_requests:
                waiting += future_requests[0].count
                queue.push(future_requests.pop(0))
        batch = queue.pop_batch()
        for request, rows in batch.items():
            taken[request] += range(rows.start, rows.stop)
        size = sum(rows.stop - rows.start for rows in batch.values())
        assert size == min(max_batch, waiting)
        waiting -= size
        assert queue.images == waiting
    assert all(rows == list(range(request.count)) for request, rows in taken.items())


@given(st.integers(1, 9), COUNTS)
def test_pop_batch_single_image_waits_at_most_one_run_per_request_ahead(
    max_batch: int, counts: list[int]
) -> None:
    single = pending(1)
    queue = queue_of(max_batch, *(pending(count) for count in counts), single)
    runs = 1
    while single not in queue.pop_batch():
        runs += 1
    rows_ahead = sum(min(count, max_batch) for count in counts)
    assert (runs - 1) * max_batch <= rows_ahead
