"""What is taken for a collapse, and what is not."""

from pathlib import Path
from typing import Any

import pytest

from ganport_train.config.sections import LoggingOptions
from ganport_train.engine.collapse_monitor import CollapseMonitor, detect_collapse, should_stop


def score(images: int = 60_000, **more: Any) -> dict[str, Any]:
    usual = {"extractor": "pixels", "eval_images": 512, "spread": 0.9, "coverage": 0.8}
    return {"images": images, **usual, **more}


def test_detect_collapse_of_a_normal_score_is_none() -> None:
    assert detect_collapse(score(), [score(10_000, coverage=0.95)], 50_000) is None


def test_detect_collapse_of_a_small_spread_names_the_limit() -> None:
    assert detect_collapse(score(spread=0.21), [], 50_000) == (
        "the spread within a condition is 0.21 of that of real images; the limit is 0.50"
    )
    assert detect_collapse(score(spread=0.5), [], 50_000) is None


def test_detect_collapse_of_a_fallen_coverage_names_the_best() -> None:
    earlier = [score(20_000, coverage=0.9), score(40_000, coverage=0.6)]
    assert detect_collapse(score(coverage=0.3), earlier, 50_000) == (
        "the coverage of real images is 0.30 after 0.90; the limit is 0.45"
    )
    assert detect_collapse(score(coverage=0.45), earlier, 50_000) is None


@pytest.mark.parametrize(
    "earlier",
    [
        score(coverage=0.9, extractor="judge 0a1b"),
        score(coverage=0.9, eval_images=64),
        score(coverage=0.09),
        score(coverage="0.9"),
        {"step": 3},
    ],
)
def test_detect_collapse_ignores_coverages_that_do_not_compare(earlier: dict[str, Any]) -> None:
    assert detect_collapse(score(coverage=0.01), [earlier], 50_000) is None


@pytest.mark.parametrize(("images", "grace_images"), [(0, 0), (49_999, 50_000), (50_000, 50_000)])
def test_detect_collapse_within_the_grace_images_is_none(images: int, grace_images: int) -> None:
    assert detect_collapse(score(images, spread=0.0), [], grace_images) is None


@pytest.mark.parametrize(
    ("marks", "stops"),
    [("", 0), ("c", 0), ("cc", 1), (".cc", 1), ("c.c", 0), ("cc.", 0), ("ccc", 0), ("cccc", 1)],
)
def test_should_stop_is_true_at_every_second_collapsed_score_in_a_row(
    marks: str, stops: bool
) -> None:
    assert should_stop([{"collapsed": mark == "c"} for mark in marks]) is bool(stops)


@pytest.mark.parametrize(("pictures", "lines"), [(512, 1), (0, 0)])
def test_monitor_without_evaluator_logs_the_requirements_once(
    tmp_path: Path, pictures: int, lines: int
) -> None:
    told: list[str] = []
    CollapseMonitor(tmp_path, LoggingOptions(eval_images=pictures), None, told.append)
    assert ["16 training images" in line for line in told] == [True] * lines
