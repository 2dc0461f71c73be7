"""Charts: every point inside, round marks, long lines thinned."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.evaluation.report.chart import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Chart,
    Line,
    thinned,
)

Numbers = st.floats(-1e100, 1e100)


def chart(*points: tuple[float, float], percent: bool = False) -> Chart:
    return Chart("title", [Line("line", points, 0)], "epochs", percent)


def places(path: str) -> list[tuple[float, float]]:
    found = [tuple(map(float, place.split())) for place in re.split("[ML]", path)[1:]]
    return [(x, y) for x, y in found]


def test_a_line_goes_from_corner_to_corner() -> None:
    ((_, path),) = chart((0, 1), (10, 3)).paths
    assert path == f"M{LEFT}.0 {HEIGHT - BOTTOM}.0L{WIDTH - RIGHT}.0 {TOP}.0"


def test_marks_are_round_and_lie_where_their_numbers_do() -> None:
    drawn = chart((0, 0), (10, 1))
    assert [tick.text for tick in drawn.across_ticks] == ["0", "2", "4", "6", "8", "10"]
    assert [tick.text for tick in drawn.up_ticks] == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    assert drawn.across_ticks[0].place == LEFT
    assert drawn.across_ticks[-1].place == WIDTH - RIGHT
    assert drawn.up_ticks[0].place == HEIGHT - BOTTOM


def test_shares_are_per_cent_and_start_at_nothing() -> None:
    drawn = chart((0, 0.5), (10, 0.9), percent=True)
    assert [tick.text for tick in drawn.up_ticks] == ["0%", "20%", "40%", "60%", "80%"]


def test_a_single_point_is_a_dash_in_the_middle() -> None:
    ((_, path),) = chart((3, 5)).paths
    x, y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    assert places(path) == [(x - 4, y), (x + 4, y)]


@given(st.lists(st.tuples(Numbers, Numbers), min_size=1, max_size=8), st.booleans())
def test_everything_lies_inside(points: list[tuple[float, float]], percent: bool) -> None:
    drawn = chart(*points, percent=percent)
    for _, path in drawn.paths:
        for x, y in places(path):
            assert LEFT <= x <= WIDTH - RIGHT
            assert TOP <= y <= HEIGHT - BOTTOM
    assert all(LEFT <= tick.place <= WIDTH - RIGHT for tick in drawn.across_ticks)
    assert all(TOP <= tick.place <= HEIGHT - BOTTOM for tick in drawn.up_ticks)
    assert 1 <= len(drawn.up_ticks) <= 8


def test_a_long_line_becomes_means_of_its_parts() -> None:
    few = thinned([(float(x), x % 2) for x in range(2400)])
    assert len(few) == 240
    assert few[0] == (4.5, 0.5)
    assert few[-1] == (2394.5, 0.5)
    assert thinned([(1.0, 2.0)]) == [(1.0, 2.0)]


@pytest.mark.parametrize(("place", "style"), [(0, "c0"), (7, "c7"), (8, "c0 dashed")])
def test_a_ninth_line_is_dashed(place: int, style: str) -> None:
    assert Line("line", [(0, 0)], place).style == style
