"""Records as charts: which there are, over what, and whose line is whose."""

import math
from typing import Any

from ganport_train.evaluation.report.run_history import (
    EPOCHS,
    PICTURES,
    Course,
    of_run,
    of_runs,
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


def test_points_are_over_epochs_and_leave_out_what_is_missing() -> None:
    course = Course(RECORDS, SCORES)
    assert course.points("d_loss", EPOCHS) == [(0.5, 2.0), (1.0, 1.5)]
    assert course.points("g_loss", EPOCHS) == [(0.5, 1.0)]
    assert course.points("accuracy/hair", EPOCHS) == [(0.5, 0.5)]
    assert course.points("spread", PICTURES) == [(1.0, 0.75)]
    assert course.points("kernel", EPOCHS) == []


def test_the_charts_of_a_run() -> None:
    charts = of_run(Course(RECORDS, SCORES))
    assert {chart.title: [line.name for line in chart.lines] for chart in charts} == {
        "Losses": ["generator", "discriminator"],
        "The discriminator's outputs": ["real"],
        "Accuracy": ["hair"],
        "Light scores": ["score", "spread"],
    }
    assert {chart.across for chart in charts} == {EPOCHS}


def test_a_run_without_epochs_is_shown_over_pictures() -> None:
    charts = of_run(Course(without_epoch(RECORDS)))
    assert charts[0].across == PICTURES
    assert charts[0].lines[1].points == [(0.5, 2.0), (1.0, 1.5)]


def test_no_records_no_charts() -> None:
    assert of_run(Course()) == []
    assert of_runs({"one": Course()}) == []


def test_runs_share_charts_and_keep_their_colours() -> None:
    charts = of_runs({"plain": Course(RECORDS), "none": Course(), "scored": Course([], SCORES)})
    lines = {chart.title: [(line.name, line.place) for line in chart.lines] for chart in charts}
    assert lines["Generator's loss"] == [("plain", 0)]
    assert lines["Light score"] == [("scored", 2)]
    assert lines["Accuracy: hair"] == [("scored", 2)]
    assert [chart.percent for chart in charts if chart.title == "Light score"] == [True]


def test_one_run_without_epochs_takes_all_to_pictures() -> None:
    charts = of_runs({"new": Course(RECORDS), "old": Course(without_epoch(RECORDS))})
    assert {chart.across for chart in charts} == {PICTURES}
