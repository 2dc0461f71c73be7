"""Generators of every character before their judge: each fault raises the warning meant for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganport_runtime.conditions import Conditions
from ganport_runtime.generator import Generator
from ganport_train.data import Dataset
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.scores.compatibility import ScoreError, side
from ganport_train.evaluation.scores.evaluation import Options, Report
from ganport_train.evaluation.scores.generation import Generation

OPTIONS = Options(count=120, rounds=2, seed=1000, draws=4)

Score = Callable[..., Report]


@pytest.fixture(scope="session")
def score(dataset: Dataset, judge: Judge, cache: Path) -> Score:
    kept: dict[Generator, Report] = {}

    def score(generator: Generator, options: Options = OPTIONS, **other: Dataset) -> Report:
        scoring = Generation(
            generator,
            other.get("dataset", dataset),
            judge,
            options,
            cache=cache,
            say=lambda line: None,
        )
        return scoring.run()

    def score_once(generator: Generator, *options: Options, **other: Dataset) -> Report:
        if options or other:
            return score(generator, *options, **other)
        if generator not in kept:
            kept[generator] = score(generator)
        return kept[generator]

    return score_once


def values(report: Report) -> dict[str, float]:
    return {key: figure.value for key, figure in report.figures.items()}


def raised(report: Report) -> set[str]:
    """The beginnings of the warnings."""
    return {line.partition(":")[0] for line in report.to_json()["warnings"]}


def test_a_healthy_generator_raises_no_warning(healthy: Generator, score: Score) -> None:
    report = score(healthy)
    assert raised(report) == set()
    found = values(report)
    assert found["accuracy_hair"] > 0.95
    assert found["accuracy_eyes"] > 0.95
    assert found["joint"] > 0.9
    assert found["judge_coverage"] > 0.85
    assert found["grain_checker"] == pytest.approx(1, abs=0.15)
    assert found["grain_octave"] == pytest.approx(1, abs=0.15)
    assert found["spread_pixels"] == pytest.approx(1, abs=0.15)
    assert found["spread_features"] == pytest.approx(1, abs=0.15)
    assert found["distance_ratio"] == pytest.approx(1, abs=0.15)


def test_a_collapsed_generator_is_caught_by_its_spread(collapsed: Generator, score: Score) -> None:
    report = score(collapsed)
    assert {"collapsed within a condition", "draws the same picture again and again"} <= raised(
        report
    )
    found = values(report)
    assert found["accuracy_hair"] > 0.95
    assert found["spread_pixels"] < 0.15
    assert found["spread_features"] < 0.15
    assert found["near_duplicates"] == 1


def test_one_that_ignores_its_condition_is_caught_by_the_accuracy(
    deaf: Generator, score: Score
) -> None:
    report = score(deaf)
    assert raised(report) == {"ignores part of its condition", "ignores a label"}
    found = values(report)
    assert found["accuracy_hair"] == pytest.approx(1 / 4, abs=0.12)
    assert found["accuracy_eyes"] == pytest.approx(1 / 2, abs=0.12)
    assert found["joint"] == pytest.approx(1 / 8, abs=0.1)
    assert found["judge_coverage"] > 0.7


def test_one_that_copies_is_caught_by_the_distance_to_training_pictures(
    copying: Generator, score: Score
) -> None:
    report = score(copying)
    assert "draws pictures of its training set" in raised(report)
    found = values(report)
    assert (found["copied"], found["distance_ratio"]) == (1, pytest.approx(0, abs=1e-3))
    # What the others look at is all right: it is the only figure that can tell.
    assert found["accuracy_hair"] > 0.95
    assert found["judge_coverage"] > 0.85
    assert found["spread_pixels"] > 0.8


def test_the_distance_orders_them(
    healthy: Generator, deaf: Generator, collapsed: Generator, score: Score
) -> None:
    good, worse, worst = (values(score(each)) for each in (healthy, deaf, collapsed))
    for key in ("judge_kernel", "judge_frechet"):
        assert good[key] < worse[key] < worst[key]


def test_the_report_holds_each_part(healthy: Generator, score: Score) -> None:
    report = score(healthy).to_json()
    assert (report["schema_version"], report["kind"]) == (1, "score")
    hair = report["accuracy"]["hair"]
    assert hair["generated"]["count"] == 240
    assert hair["real"]["value"] == pytest.approx(report["figures"]["accuracy_hair"]["real"])
    assert set(hair["labels"]) == {"red", "green", "blue", "white"}
    assert np.sum(hair["confusion"]["generated"]) == 240
    assert [(row["group"], row["label"]) for row in report["conditions"]][:2] == [
        ("hair", "blue"),
        ("hair", "green"),
    ]
    assert all(row["figures"]["coverage"] > 0.8 for row in report["conditions"])
    assert report["headline"] == [
        "accuracy_hair",
        "accuracy_eyes",
        "joint",
        "judge_kernel",
        "judge_coverage",
        "spread_pixels",
        "grain_checker",
        "grain_octave",
        "copied",
    ]
    assert report["compared"] == {"drawn": 120, "real": 280, "fellows": 120}
    json.dumps(report, allow_nan=False)


def test_the_sheets_show_drawn_real_and_nearest(healthy: Generator, score: Score) -> None:
    shown = {sheet.title: sheet for sheet in score(healthy).sheets}
    assert {"Drawn and real", "Nearest training pictures"} <= set(shown)
    assert all("real pictures" in shown[title].note for title in list(shown) if "ea" in title[:4])
    assert min(min(sheet.picture.size) for sheet in shown.values()) > 96


def test_the_same_options_give_the_same_figures_and_another_seed_others(
    deaf: Generator, score: Score
) -> None:
    few = replace(OPTIONS, count=20, rounds=1)
    one, same = (score(deaf, few).to_json() for _ in range(2))
    other = score(deaf, replace(few, seed=5)).to_json()
    assert one == same
    assert one["figures"] != other["figures"]


def test_test_lists_are_drawn_and_reported(
    healthy: Generator, deaf: Generator, dataset: Dataset, score: Score
) -> None:
    asked = [{"hair": hair, "eyes": eyes} for hair in ("red", "blue") for eyes in ("dark", "light")]
    lists = replace(dataset, test_prompts={"test": asked * 3})
    few = replace(OPTIONS, count=20, rounds=1)
    good, bad = (score(each, few, dataset=lists) for each in (healthy, deaf))
    found = good.to_json()["trials"]["test"]
    assert (found["requests"], found["objects"], found["draws"]) == (12, 24, 4)
    assert (found["share"]["count"], found["left_out"]) == (96, 0)
    assert good.figures["trial_test"].value > 0.9
    assert good.figures["trial_test"].low is not None
    assert "fails a test list" in raised(bad)
    assert "Test list test" in [sheet.title for sheet in good.sheets]


class Deaf(nn.Module):
    """An unconditional generator of noise that the noise moves."""

    def forward(self, z: Tensor) -> Tensor:
        rows = torch.tanh(z[:, :1]) * torch.linspace(-1, 1, 32)
        return rows[:, None, None, :].expand(-1, 3, 32, 32) + 0 * z[:, :1, None, None]


def test_an_unconditional_generator_is_held_to_no_condition(write: Any, score: Score) -> None:
    generator = Generator.load(write(Deaf(), conditions=Conditions()), "cpu")
    report = score(generator, replace(OPTIONS, count=20, rounds=1)).to_json()
    assert (report["accuracy"], report["conditions"], report["worst"]) == ({}, [], [])
    assert report["headline"][0] == "judge_kernel"
    assert report["figures"]["judge_coverage"]["value"] < 0.5


def test_a_judge_of_other_conditions_is_refused(
    healthy: Generator, dataset: Dataset, judge: Judge
) -> None:
    mood = Conditions.one_hots({"mood": ["glad", "sad", "odd", "shy", "sly", "wry"]})
    others = replace(dataset, conditions=mood, vectors=np.eye(6, dtype=np.float32))
    expected = r"the judge's: mood \(one_hot\); found hair \(one_hot\), eyes \(one_hot\)"
    with pytest.raises(ScoreError, match=expected):
        Generation(healthy, others, replace(judge, conditions=mood), OPTIONS)


def test_too_few_pictures_are_refused(healthy: Generator, dataset: Dataset, judge: Judge) -> None:
    few = replace(
        dataset, images=dataset.images[:9], vectors=dataset.vectors[:9], ids=list("123456789")
    )
    with pytest.raises(ScoreError, match=r"at least 20 pictures.*found 9 of 9"):
        Generation(healthy, few, judge, OPTIONS)


def test_pictures_that_are_not_square_are_refused(healthy: Generator) -> None:
    assert side(healthy) == 32
    manifest = healthy.manifest
    wide = copy(healthy)
    image = replace(manifest.image, size=(16, 32))
    wide.bundle = replace(healthy.bundle, manifest=replace(manifest, image=image))
    with pytest.raises(ScoreError, match=r"expected square pictures.*; found 16 x 32"):
        side(wide)
