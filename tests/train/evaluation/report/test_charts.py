import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.evaluation.report.charts import (
    BOTTOM,
    EPOCHS,
    HEIGHT,
    KILO_IMAGES,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Chart,
    Curve,
    RunHistory,
    comparison_charts,
    run_charts,
    thinned,
)

Numbers = st.floats(-1e100, 1e100)


def chart(*points: tuple[float, float], percent: bool = False) -> Chart:
    return Chart("title", [Curve("line", points, 0)], "epochs", percent)


def positions(path: str) -> list[tuple[float, float]]:
    found = [tuple(map(float, pair.split())) for pair in re.split("[ML]", path)[1:]]
    return [(x, y) for x, y in found]


def test_path_of_two_points_spans_the_chart() -> None:
    ((_, path),) = chart((0, 1), (10, 3)).paths
    assert path == f"M{LEFT}.0 {HEIGHT - BOTTOM}.0L{WIDTH - RIGHT}.0 {TOP}.0"


def test_ticks_are_round_numbers_at_their_positions() -> None:
    result = chart((0, 0), (10, 1))
    assert [text for _, text in result.x_ticks] == ["0", "2", "4", "6", "8", "10"]
    assert [text for _, text in result.y_ticks] == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    assert result.x_ticks[0][0] == LEFT
    assert result.x_ticks[-1][0] == WIDTH - RIGHT
    assert result.y_ticks[0][0] == HEIGHT - BOTTOM


def test_ticks_of_a_percent_chart_start_at_0() -> None:
    result = chart((0, 0.5), (10, 0.9), percent=True)
    assert [text for _, text in result.y_ticks] == ["0%", "20%", "40%", "60%", "80%"]


def test_path_of_one_point_is_a_centered_dash() -> None:
    ((_, path),) = chart((3, 5)).paths
    x, y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    assert positions(path) == [(x - 4, y), (x + 4, y)]


@given(st.lists(st.tuples(Numbers, Numbers), min_size=1, max_size=8), st.booleans())
def test_paths_and_ticks_lie_inside_the_chart(
    points: list[tuple[float, float]], percent: bool
) -> None:
    result = chart(*points, percent=percent)
    for _, path in result.paths:
        for x, y in positions(path):
            assert LEFT <= x <= WIDTH - RIGHT
            assert TOP <= y <= HEIGHT - BOTTOM
    assert all(LEFT <= position <= WIDTH - RIGHT for position, _ in result.x_ticks)
    assert all(TOP <= position <= HEIGHT - BOTTOM for position, _ in result.y_ticks)
    assert 1 <= len(result.y_ticks) <= 8


def test_thinned_line_averages_equal_parts() -> None:
    few = thinned([(float(x), x % 2) for x in range(2400)])
    assert len(few) == 240
    assert few[0] == (4.5, 0.5)
    assert few[-1] == (2394.5, 0.5)
    assert thinned([(1.0, 2.0)]) == [(1.0, 2.0)]


@pytest.mark.parametrize(("index", "style"), [(0, "c0"), (7, "c7"), (8, "c0 dashed")])
def test_style_after_eight_lines_is_dashed(index: int, style: str) -> None:
    assert Curve("line", [(0, 0)], index).style == style


RECORDS = [
    {"step": 1, "images": 500, "epoch": 0.5, "d_loss": 2.0, "g_loss": 1.0, "d_real": 0.25},
    {"step": 2, "images": 1000, "epoch": 1.0, "d_loss": 1.5, "g_loss": math.nan},
]
SCORES = [
    {"step": 1, "images": 500, "epoch": 0.5, "score": 0.25, "accuracy": {"hair": 0.5}},
    {"step": 2, "images": 1000, "epoch": 1.0, "score": 0.5, "accuracy": {}, "spread": 0.75},
]


def without_epoch(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "epoch"} for row in rows]


def test_points_skip_missing_values() -> None:
    history = RunHistory(RECORDS, SCORES)
    assert history.points("d_loss", EPOCHS) == [(0.5, 2.0), (1.0, 1.5)]
    assert history.points("g_loss", EPOCHS) == [(0.5, 1.0)]
    assert history.points("accuracy/hair", EPOCHS) == [(0.5, 0.5)]
    assert history.points("spread", KILO_IMAGES) == [(1.0, 0.75)]
    assert history.points("kernel", EPOCHS) == []


def test_run_charts_show_recorded_values() -> None:
    charts = run_charts(RunHistory(RECORDS, SCORES))
    assert {chart.title: [line.name for line in chart.lines] for chart in charts} == {
        "Losses": ["generator", "discriminator"],
        "Discriminator outputs": ["real"],
        "Accuracy": ["hair"],
        "Validation scores": ["score", "spread"],
    }
    assert {chart.x_axis for chart in charts} == {EPOCHS}


def test_run_charts_without_epochs_use_images() -> None:
    charts = run_charts(RunHistory(without_epoch(RECORDS)))
    assert charts[0].x_axis == KILO_IMAGES
    assert charts[0].lines[1].points == [(0.5, 2.0), (1.0, 1.5)]


def test_charts_without_records_are_empty() -> None:
    assert run_charts(RunHistory()) == []
    assert comparison_charts({"one": RunHistory()}) == []


def test_comparison_charts_keep_the_color_of_each_run() -> None:
    charts = comparison_charts(
        {"plain": RunHistory(RECORDS), "none": RunHistory(), "scored": RunHistory([], SCORES)}
    )
    lines = {chart.title: [(line.name, line.index) for line in chart.lines] for chart in charts}
    assert lines["Generator loss"] == [("plain", 0)]
    assert lines["Validation score"] == [("scored", 2)]
    assert lines["Accuracy: hair"] == [("scored", 2)]
    assert [chart.percent for chart in charts if chart.title == "Validation score"] == [True]


def test_comparison_charts_of_mixed_runs_use_images() -> None:
    charts = comparison_charts(
        {"new": RunHistory(RECORDS), "old": RunHistory(without_epoch(RECORDS))}
    )
    assert {chart.x_axis for chart in charts} == {KILO_IMAGES}
