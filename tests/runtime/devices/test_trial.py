import pytest

from ganport_runtime.devices import trial
from ganport_runtime.devices.trial import Trial


def take(tried: Trial, usual: float, other: float, times: int) -> list[bool]:
    """The ways taken, when they take so long."""
    ways = []
    for _ in range(times):
        ways.append(tried.other)
        tried.note(ways[-1], other if ways[-1] else usual)
    return ways


@pytest.mark.parametrize(("other", "better"), [(0.5, True), (2.0, False), (1.0, False)])
def test_each_way_in_turn_then_the_faster(other: float, better: bool) -> None:
    ways = take(Trial(3.0), 1.0, other, 3 + 2 * trial._TURNS + 20)
    assert ways == [False] * 3 + [False, True] * trial._TURNS + [better] * 20


def test_a_busy_moment_turns_nothing() -> None:
    tried = Trial(0.0)
    take(tried, 1.0, 0.9, 2 * trial._TURNS - 2)
    tried.note(False, 1.0)
    tried.note(True, 100.0)
    assert tried.other
    take(tried, 1.0, 5.0, 99)  # it stays so
    assert tried.other


def test_what_is_never_worth_it_is_never_tried() -> None:
    assert not any(take(Trial(float("inf")), 1.0, 0.1, 99))
