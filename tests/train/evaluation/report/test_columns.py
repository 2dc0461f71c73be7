"""The columns of a comparison: what is best, and what must not be called so."""

from pathlib import Path
from typing import Any

import pytest

from ganport_train.evaluation.report.columns import Column, columns, notes
from ganport_train.evaluation.report.run_history import Course
from ganport_train.evaluation.scores.comparison import Entry


def scored(*scores: float | None, extractor: str = "pixels", **last: Any) -> Course:
    rows = [{"step": 1, "extractor": extractor, "score": score} for score in scores]
    rows[-1].update(last)
    return Course([{"step": 1, "images": 64_000, "seconds": 90.0}], rows)


def reported(kernel: float, **sections: Any) -> dict[str, Any]:
    figure = {"title": "kernel distance", "value": kernel, "better": "lower", "unit": ""}
    return {"figures": {"judge_kernel": figure}, "headline": ["judge_kernel"], **sections}


def entry(name: str, **parts: Any) -> Entry:
    return Entry(name, Path(name), **parts)


def by_title(entries: list[Entry]) -> dict[str, Column]:
    return {column.title: column for column in columns(entries)}


def test_the_best_of_each_column_is_marked() -> None:
    entries = [
        entry("a", title="Quick", course=scored(0.75, 0.5), report=reported(2.0)),
        entry("b", title="Quick", course=scored(0.25, 0.625), report=reported(1.0)),
        entry("c", title="Other"),
    ]
    found = by_title(entries)
    assert found["recipe"].cells == ["Quick", "Quick", "Other"]
    assert found["pictures seen"].cells == ["64,000", "64,000", ""]
    assert found["minutes"].cells == ["1.5", "1.5", ""]
    assert found["last light score"] == Column(
        "last light score", ["50.0%", "62.5%", ""], frozenset({1})
    )
    assert found["best light score"].best == {0}
    assert found["kernel distance"].cells == ["2.00", "1.00", ""]
    assert found["kernel distance"].best == {1}
    assert notes(entries) == []


def test_equal_values_have_no_best() -> None:
    found = by_title([entry("a", course=scored(0.5)), entry("b", course=scored(0.50001))])
    assert found["last light score"].best == frozenset()


def test_one_run_is_not_the_best_of_itself() -> None:
    assert all(not column.best for column in columns([entry("a", course=scored(0.5))]))


def test_options_that_differ_have_a_column() -> None:
    alike = {"network.base_channels": "32", "training.seed": "0"}
    entries = [
        entry("a", options=alike),
        entry("b", options=alike | {"training.seed": "1"}),
        entry("lone report"),
    ]
    found = by_title(entries)
    assert found["training.seed"].cells == ["0", "1", ""]
    assert "network.base_channels" not in found


@pytest.mark.parametrize(
    "other",
    [
        {"course": scored(0.75, extractor="judge 12ab")},
        {"course": scored(0.75, pictures=64)},
        {"course": scored(0.75), "data_digest": "2"},
    ],
)
def test_scores_that_were_not_made_alike_are_not_ranked(other: dict[str, Any]) -> None:
    entries = [
        entry("a", data_digest="1", course=scored(0.5)),
        entry("b", **{"data_digest": "1"} | other),
    ]
    assert not by_title(entries)["last light score"].best
    assert "the light scores were not made alike: none is marked best" in notes(entries)


def test_only_scores_of_the_last_extractor_count() -> None:
    course = scored(0.25)
    course = Course(course.records, [{"step": 0, "extractor": "other", "score": 1.0}] * 2)
    mixed = Course(course.records, [*course.scores, *scored(0.25).scores])
    assert by_title([entry("a", course=mixed)])["best light score"].cells == ["25.0%"]


def test_reports_of_different_judges_are_not_ranked() -> None:
    entries = [
        entry("a", report=reported(2.0, judge={"digest": "1"}, options={"count": 2000})),
        entry("b", report=reported(1.0, judge={"digest": "2"}, options={"count": 100})),
    ]
    assert not by_title(entries)["kernel distance"].best
    assert notes(entries) == [
        "the reports differ in judge.digest, options.count: no figure is marked best"
    ]


def test_collapse_and_other_data_are_noted() -> None:
    entries = [
        entry("a", data_digest="1", course=scored(0.5, collapsed=True)),
        entry("b", data_digest="2", course=scored(0.25, 0.5, collapsed=False)),
    ]
    assert notes(entries) == [
        "a is collapsed at its last light score",
        "the runs were trained on different data",
        "the light scores were not made alike: none is marked best",
    ]
