"""`eval-gan` trains a judge, scores a run of version 1 with it, and compares runs and reports."""

import json
from pathlib import Path
from typing import Any

import product
import pytest
import renames

GOOD: dict[str, tuple[object, ...]] = {
    "draw": (
        *("ganport", "dataset", "draw", "faces", "--count", 130, "--size", 16),
        *("--workers", 1, "--out", "drawn.zip"),
    ),
    "judge": (
        *("eval-gan", "judge", "--data", "drawn.zip", "--out", "judge", "--resolution", 16),
        *("--epochs", 1, "--width", 4, "--batch", 16, "--held-out", 0.3, "--device", "cpu"),
    ),
    "score": (
        *("eval-gan", "score", "faces", "--data", "drawn.zip", "--judge", "judge"),
        *("--held-out", 0.3, "--count", 40, "--rounds", 2, "--device", "cpu"),
    ),
    "compare": ("eval-gan", "compare", "faces", "faces/score", "--out", "compared"),
}
BAD: dict[str, tuple[int, tuple[object, ...]]] = {
    "nothing": (2, ("eval-gan",)),
    "unknown command": (2, ("eval-gan", "praise")),
    "no judge named": (2, ("eval-gan", "score", "faces")),
    "judge nowhere": (1, ("eval-gan", "score", "faces", "--judge", "nowhere")),
    "bundle without folder": (
        2,
        ("eval-gan", "score", "faces.ganport", "--judge", "judge", "--data", "drawn.zip"),
    ),
    "report is there": (
        1,
        ("eval-gan", "score", "faces", "--judge", "judge", "--data", "drawn.zip"),
    ),
    "run nowhere": (2, ("eval-gan", "score", "nowhere", "--judge", "judge", "--out", "x")),
    "judge of no data": (1, ("eval-gan", "judge", "--data", "nowhere", "--out", "x")),
    "judge again": (1, ("eval-gan", "judge", "--data", "faces.zip", "--out", "faces")),
    "compare nothing": (2, ("eval-gan", "compare", "--out", "x")),
    "compare nowhere": (1, ("eval-gan", "compare", "nowhere", "--out", "x")),
}
CALLS = {**GOOD, **{name: words for name, (_, words) in BAD.items()}}


@pytest.fixture(scope="module")
def report(calls: product.Calls, work: Path) -> Any:
    assert calls["score"].code == 0, calls["score"].err
    text = (work / "faces" / "score" / renames.FILES["report.json"]).read_text()
    return product.original(json.loads(text), "report")


@pytest.mark.parametrize("name", GOOD)
def test_command_that_can_exits_with_0(calls: product.Calls, name: str) -> None:
    assert calls[name].code == 0, calls[name].err
    assert calls[name].out.strip()


@pytest.mark.parametrize("name", BAD)
def test_command_that_cannot_exits_with_its_code(
    calls: product.Calls, work: Path, name: str
) -> None:
    outcome = calls[name]
    assert outcome.code == BAD[name][0], outcome.err
    assert (outcome.err + outcome.out).strip()
    assert "Traceback" not in outcome.err
    assert not (work / "x").exists()


def test_report_measures_conditions_quality_diversity_and_copies(report: Any) -> None:
    figures = report["figures"]
    expected = {"accuracy_hair", "accuracy_eyes", "judge_coverage", "judge_kernel"}
    expected |= {"spread_pixels", "spread_features", "copied", "distance_ratio"}
    assert {renames.REPORT[name] for name in expected} <= figures.keys()
    for name in ("accuracy_hair", "accuracy_eyes"):
        figure = figures[renames.REPORT[name]]
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
        assert 0 <= figure["real"] <= 1


def test_report_names_what_was_measured(report: Any) -> None:
    assert {"bundle", "data", "judge", "options", "notes"} <= report.keys()
    assert report["options"]["count"] == 40


def test_report_is_one_page(report: Any, work: Path) -> None:
    page = (work / "faces" / "score" / renames.FILES["report.html"]).read_text()
    assert page.startswith("<!")
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_comparison_holds_the_run_and_the_report(calls: product.Calls, work: Path) -> None:
    assert calls["compare"].code == 0
    folder = work / "compared"
    assert (folder / renames.FILES["compare.html"]).read_text().startswith("<!")
    text = (folder / renames.FILES["compare.json"]).read_text()
    assert "faces" in text and json.loads(text)
