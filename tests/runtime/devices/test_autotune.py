import pytest

from ganport_runtime.devices import autotune
from ganport_runtime.devices.autotune import TwoWayTuner

TURNS = [False, True] * autotune._TURNS
REST = [False] * autotune._REST


def take(tried: TwoWayTuner, usual: float, other: float, times: int) -> list[bool]:
    """The ways taken, when they take so long."""
    ways = []
    for _ in range(times):
        ways.append(tried.other)
        tried.note(ways[-1], other if ways[-1] else usual)
    return ways


@pytest.mark.parametrize(("other", "better"), [(0.5, True), (2.0, False), (1.0, False)])
def test_each_way_in_turn_three_times_then_the_faster(other: float, better: bool) -> None:
    expected = [False] * 3 + TURNS + REST + TURNS + REST + TURNS + [better] * 20
    assert take(TwoWayTuner(3.0), 1.0, other, len(expected)) == expected


@pytest.mark.parametrize("busy", [1, 2])
def test_one_busy_trial_turns_nothing_but_two_do(busy: int) -> None:
    tried = TwoWayTuner(0.0)
    for number in range(autotune._TRIALS):
        assert take(tried, 5.0 if number < busy else 1.0, 2.0, len(TURNS)) == TURNS
        if number + 1 < autotune._TRIALS:
            assert take(tried, 1.0, 2.0, len(REST)) == REST
    assert tried.other == (busy == 2)
    take(tried, 1.0, 9.0, 99)  # it stays so
    assert tried.other == (busy == 2)


def test_a_slow_run_among_others_turns_nothing() -> None:
    tried = TwoWayTuner(0.0)
    take(tried, 1.0, 0.9, len(TURNS) - 2)
    tried.note(False, 1.0)
    tried.note(True, 100.0)
    assert tried._won == [True]


def test_what_is_never_worth_it_is_never_tried() -> None:
    assert not any(take(TwoWayTuner(float("inf")), 1.0, 0.1, 999))
