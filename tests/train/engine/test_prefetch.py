"""Work done ahead gives what it would give without, in one thread, and fails where it is used."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganport_train.engine.prefetch import Ahead


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 20), max_size=12))
def test_every_step_gets_its_own_value(steps: list[int]) -> None:
    ahead = Ahead(lambda step: step * step)
    assert [ahead.take(step) for step in steps] == [step * step for step in steps]


def test_the_next_step_is_made_before_it_is_asked_for() -> None:
    made = threading.Event()
    ahead = Ahead(lambda step: made.set() if step == 4 else None)
    ahead.take(3)
    assert made.wait(timeout=10)


def test_steps_in_order_are_made_once_each_in_a_thread_of_their_own() -> None:
    calls: list[tuple[int, int]] = []
    ahead = Ahead(lambda step: calls.append((step, threading.get_ident())))
    for step in range(5):
        ahead.take(step)
    ahead.take(5)
    assert [step for step, _ in calls][:6] == list(range(6))
    assert len({thread for _, thread in calls} - {threading.get_ident()}) == 1


def test_an_error_is_raised_at_the_step_it_belongs_to() -> None:
    ahead = Ahead(lambda step: 1 // (step - 2))
    assert ahead.take(1) == -1
    with pytest.raises(ZeroDivisionError):
        ahead.take(2)
    assert ahead.take(3) == 1
