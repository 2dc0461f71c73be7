import math
from typing import Any

from ganport_train.evaluation.report.run_history import (
    EPOCHS,
    KILO_IMAGES,
    RunHistory,
    comparison_charts,
    run_charts,
)

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
