from concurrent.futures import Future

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.batching.pending import Ticket
from ganport_runtime.batching.queue import Batch, Line
from ganport_runtime.generation.request import Job


def ticket(count: int, interface: str = "gan.generate/1") -> Ticket:
    return Ticket(Job(interface, np.zeros((count, 0), np.float32)), Future())


def line_of(max_batch: int, *tickets: Ticket) -> Line:
    line = Line(max_batch)
    for each in tickets:
        line.join(each)
    return line


def sizes(batch: Batch) -> list[tuple[int, int]]:
    return [(rows.start, rows.stop) for rows in batch.values()]


def test_small_requests_share_a_run_in_the_order_they_came() -> None:
    tickets = [ticket(count) for count in (1, 3, 2)]
    line = line_of(8, *tickets)
    assert line.images == 6
    batch = line.take()
    assert list(batch) == tickets
    assert sizes(batch) == [(0, 1), (0, 3), (0, 2)]
    assert line.images == 0
    assert line.take() == {}


def test_a_run_is_filled_with_part_of_a_request_and_the_rest_comes_first_in_the_next() -> None:
    first, second, third = ticket(3), ticket(3), ticket(3)
    line = line_of(4, first, second, third)
    assert [line.take(), line.take(), line.take()] == [
        {first: slice(0, 3), second: slice(0, 1)},
        {second: slice(1, 3), third: slice(0, 2)},
        {third: slice(2, 3)},
    ]


def test_a_large_request_goes_behind_those_that_came_during_its_run() -> None:
    large, small = ticket(10), ticket(1)
    line = line_of(4, large)
    assert line.take() == {large: slice(0, 4)}
    line.join(small)
    assert list(line.take().items()) == [(small, slice(0, 1)), (large, slice(4, 7))]
    late = ticket(1)
    line.join(late)
    # One picture of its turn was left; the request that came meanwhile is in the run all the same.
    assert line.take() == {large: slice(7, 10), late: slice(0, 1)}
    assert line.images == 0


def test_large_requests_take_turns() -> None:
    first, second = ticket(8), ticket(8)
    line = line_of(4, first, second)
    runs = [list(line.take()) for _ in range(4)]
    assert runs == [[first], [second], [first], [second]]


def test_a_run_is_of_one_interface_and_nobody_is_passed_over() -> None:
    tickets = [ticket(1, name) for name in ("generate", "generate", "translate", "generate")]
    line = line_of(8, *tickets)
    assert [list(line.take()) for _ in range(3)] == [tickets[:2], [tickets[2]], [tickets[3]]]


def test_who_leaves_frees_the_place_of_what_was_not_drawn() -> None:
    large, small = ticket(10), ticket(2)
    line = line_of(4, large, small)
    line.take()
    assert line.images == 8
    line.leave(large)
    line.leave(large)
    assert line.images == 2
    assert list(line.take()) == [small]
    line.leave(small)
    assert line.images == 0


COUNTS = st.lists(st.integers(1, 40), min_size=1, max_size=12)


@given(st.integers(1, 9), COUNTS, st.lists(st.integers(0, 3), max_size=8))
def test_every_row_is_handed_out_once_in_order_in_full_runs(
    max_batch: int, counts: list[int], arrivals: list[int]
) -> None:
    line = Line(max_batch)
    coming = [ticket(count) for count in counts]
    handed: dict[Ticket, list[int]] = {each: [] for each in coming}
    waiting = 0
    while coming or line.images:
        for _ in range(arrivals.pop() if arrivals else len(coming)):
            if coming:
                waiting += coming[0].count
                line.join(coming.pop(0))
        batch = line.take()
        for each, rows in batch.items():
            handed[each] += range(rows.start, rows.stop)
        drawn = sum(rows.stop - rows.start for rows in batch.values())
        assert drawn == min(max_batch, waiting)
        waiting -= drawn
        assert line.images == waiting
    assert all(rows == list(range(each.count)) for each, rows in handed.items())


@given(st.integers(1, 9), COUNTS)
def test_a_lone_picture_waits_for_at_most_a_run_of_each_before_it(
    max_batch: int, counts: list[int]
) -> None:
    lone = ticket(1)
    line = line_of(max_batch, *(ticket(count) for count in counts), lone)
    runs = 1
    while lone not in line.take():
        runs += 1
    before = sum(min(count, max_batch) for count in counts)
    assert (runs - 1) * max_batch <= before
