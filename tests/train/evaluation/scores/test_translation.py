"""Translators of every character before their judge: each fault shows in its own figure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganport_runtime.generator import Generator
from ganport_train.data import Dataset
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.scores.evaluation import Options, Report
from ganport_train.evaluation.scores.translation import Translation

OPTIONS = Options(count=120, rounds=2, held_out=0.3)
TINY = Path(__file__).parents[3] / "runtime" / "data" / "tiny-translator.ganport"

Score = Callable[..., Report]


@pytest.fixture(scope="module")
def score(translating: Any, dataset: Dataset, judge: Judge, cache: Path) -> Score:
    kept: dict[str, Report] = {}

    def score(**character: Any) -> Report:
        name = str(character)
        if name not in kept:
            scoring = Translation(
                translating(**character),
                dataset,
                judge,
                OPTIONS,
                cache=cache,
                say=lambda line: None,
            )
            kept[name] = scoring.run()
        return kept[name]

    return score


def values(report: Report) -> dict[str, float]:
    return {key: figure.value for key, figure in report.figures.items()}


def raised(report: Report) -> set[str]:
    """The beginnings of the warnings."""
    return {line.partition(":")[0] for line in report.to_json()["warnings"]}


def test_a_good_translator_changes_what_it_is_asked_for_and_no_more(score: Score) -> None:
    report = score()
    assert raised(report) == set()
    found = values(report)
    assert min(found["accuracy_hair"], found["accuracy_eyes"]) > 0.95
    assert min(found["changed"], found["kept"]) > 0.95
    assert found["own_levels"] < 1
    assert found["back_levels"] < 1
    assert found["own_features"] < 0.02
    assert found["moved_levels"] > 20
    assert found["judge_coverage"] > 0.8


def test_one_that_does_nothing_is_caught_by_what_it_does_not_change(score: Score) -> None:
    report = score(works=False)
    assert {"hardly changes its pictures", "ignores part of its condition"} <= raised(report)
    found = values(report)
    assert found["changed"] < 0.1
    assert (found["kept"], found["own_levels"], found["moved_levels"]) == (1, 0, 0)
    assert "judge sees" in report.figures["changed"].note


def test_one_that_changes_more_is_caught_by_what_does_not_stay(score: Score) -> None:
    report = score(hears=False)
    assert "changes what was to stay" in raised(report)
    found = values(report)
    assert found["accuracy_hair"] > 0.95
    assert found["kept"] == pytest.approx(0.5, abs=0.3)


def test_one_that_draws_another_picture_is_caught_by_the_way_back(score: Score) -> None:
    good, other = values(score()), values(score(moves=0.7))
    assert min(other["changed"], other["kept"]) > 0.9
    for key in ("own_levels", "back_levels"):
        assert other[key] > good[key] + 10
    assert other["own_features"] > 0.1


def test_the_report_holds_what_there_is_and_says_what_there_is_not(
    score: Score, dataset: Dataset
) -> None:
    report = score()
    fields = report.to_json()
    held = dataset.split(0.3)[1]
    assert (fields["sources"], fields["trials"]) == (len(held), {})
    assert fields["headline"] == [
        "accuracy_hair",
        "accuracy_eyes",
        "joint",
        "changed",
        "kept",
        "judge_kernel",
        "judge_coverage",
        "grain_checker",
        "grain_octave",
        "own_levels",
        "back_levels",
    ]
    assert fields["notes"] == [
        "an image-to-image bundle has no noise: spread, near-duplicates and copies say nothing"
    ]
    assert np.sum(fields["accuracy"]["hair"]["confusion"]["generated"]) == 240
    json.dumps(fields, allow_nan=False)


def test_the_sheet_shows_every_domain_and_mistakes_name_their_picture(score: Score) -> None:
    report = score(hears=False)
    titles = [sheet.title for sheet in report.sheets]
    assert titles == ["Every domain", "Worst mistakes"]
    assert "real pictures" in report.sheets[0].note
    # Eight pictures in seven columns and row labels, of 96 pixels each.
    assert report.sheets[0].picture.width > 7 * 96
    assert report.sheets[0].picture.height > 8 * 96
    assert all(row["origin"].startswith("picture ") for row in report.fields["worst"])


def test_the_same_options_give_the_same_figures_and_another_seed_others(
    translating: Any, dataset: Dataset, judge: Judge, cache: Path
) -> None:
    generator = translating(moves=0.7)

    def figures(seed: int) -> Any:
        few = replace(OPTIONS, count=20, rounds=1, seed=seed)
        scoring = Translation(generator, dataset, judge, few, cache=cache, say=lambda line: None)
        return scoring.run().to_json()["figures"]

    assert figures(1) == figures(1)
    assert figures(1) != figures(2)


def test_signed_labels_and_a_data_set_that_was_wholly_seen(
    untrained: Any, noisy: Any, tmp_path: Path
) -> None:
    generator = Generator.load(TINY, "cpu")
    labels = generator.conditions.groups[0].labels
    asked = [{"face": [labels[row % 3]] if row % 4 else []} for row in range(40)]
    told: list[str] = []
    report = Translation(
        generator,
        noisy(generator.conditions, asked, 8),
        untrained(generator.conditions),
        Options(count=30, rounds=1, held_out=0.0),
        cache=tmp_path,
        say=told.append,
    ).run()
    assert [line[:4] for line in told] == [f"{stage}/5 " for stage in range(1, 6)]
    assert report.fields["sources"] == 40
    assert report.notes[-1].startswith("no picture that training never saw")
    assert {"accuracy_face", "changed", "kept"} <= set(report.figures)
