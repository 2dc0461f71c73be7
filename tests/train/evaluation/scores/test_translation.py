from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganport_runtime.conditions import (
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    Rgb,
    Scalar,
    SignedMultiHot,
)
from ganport_runtime.generator import Generator
from ganport_train.data import Dataset
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.scores.evaluation import EvaluationOptions, EvaluationReport
from ganport_train.evaluation.scores.translation import (
    MAX_DOMAINS,
    TranslationEvaluation,
    domain_vectors,
)

OPTIONS = EvaluationOptions(count=120, rounds=2, val_fraction=0.3)
TINY = Path(__file__).parents[3] / "runtime" / "data" / "tiny-translator.ganport"

Score = Callable[..., EvaluationReport]


@pytest.fixture(scope="module")
def score(translating: Any, dataset: Dataset, judge: Judge, cache: Path) -> Score:
    reports: dict[str, EvaluationReport] = {}

    def score(**faults: Any) -> EvaluationReport:
        name = str(faults)
        if name not in reports:
            evaluation = TranslationEvaluation(
                translating(**faults),
                dataset,
                judge,
                OPTIONS,
                cache=cache,
                log=lambda line: None,
            )
            reports[name] = evaluation.run()
        return reports[name]

    return score


def values(report: EvaluationReport) -> dict[str, float]:
    return {key: metric.value for key, metric in report.metrics.items()}


def raised(report: EvaluationReport) -> set[str]:
    """Return the first part of each warning."""
    return {line.partition(":")[0] for line in report.to_json()["warnings"]}


def test_evaluation_of_a_good_translator_raises_no_warning(score: Score) -> None:
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


def test_evaluation_of_an_identity_translator_warns_of_missing_changes(score: Score) -> None:
    report = score(works=False)
    assert {"hardly changes its images", "ignores part of its condition"} <= raised(report)
    found = values(report)
    assert found["changed"] < 0.1
    assert (found["kept"], found["own_levels"], found["moved_levels"]) == (1, 0, 0)
    assert "judge sees" in report.metrics["changed"].note


def test_evaluation_of_a_translator_that_changes_more_warns(score: Score) -> None:
    report = score(conditional=False)
    assert "changes other labels" in raised(report)
    found = values(report)
    assert found["accuracy_hair"] > 0.95
    assert found["kept"] == pytest.approx(0.5, abs=0.3)


def test_evaluation_of_a_translator_of_other_images_has_large_reconstruction_errors(
    score: Score,
) -> None:
    good, other = values(score()), values(score(noise_offset=0.7))
    assert min(other["changed"], other["kept"]) > 0.9
    for key in ("own_levels", "back_levels"):
        assert other[key] > good[key] + 10
    assert other["own_features"] > 0.1


def test_report_of_a_translator_notes_what_does_not_apply(score: Score, dataset: Dataset) -> None:
    report = score()
    fields = report.to_json()
    held_out = dataset.split(0.3)[1]
    assert (fields["sources"], fields["prompt_lists"]) == (len(held_out), {})
    assert fields["headline"] == [
        "accuracy_hair",
        "accuracy_eyes",
        "joint",
        "leak_hair_eyes",
        "leak_eyes_hair",
        "changed",
        "kept",
        "judge_kernel",
        "judge_coverage",
        "grain_checker",
        "grain_octave",
        "own_levels",
        "back_levels",
    ]
    assert [note.partition(":")[0] for note in fields["notes"]] == [
        "an image-to-image bundle has no noise"
    ]
    assert np.sum(fields["accuracy"]["hair"]["confusion"]["generated"]) == 240
    json.dumps(fields, allow_nan=False)


def test_report_of_a_translator_shows_every_domain(score: Score) -> None:
    report = score(conditional=False)
    titles = [sheet.title for sheet in report.sheets]
    assert titles == ["Every domain", "Most confident errors"]
    assert "real images" in report.sheets[0].note
    # Eight rows and seven columns of images with 96 pixels each.
    assert report.sheets[0].image.width > 7 * 96
    assert report.sheets[0].image.height > 8 * 96
    assert all(row["origin"].startswith("image ") for row in report.fields["misclassified"])


def test_evaluation_depends_only_on_the_options(
    translating: Any, dataset: Dataset, judge: Judge, cache: Path
) -> None:
    generator = translating(noise_offset=0.7)

    def metrics(seed: int) -> Any:
        few = replace(OPTIONS, count=20, rounds=1, seed=seed)
        evaluation = TranslationEvaluation(
            generator, dataset, judge, few, cache=cache, log=lambda line: None
        )
        return evaluation.run().to_json()["metrics"]

    assert metrics(1) == metrics(1)
    assert metrics(1) != metrics(2)


def test_evaluation_without_held_out_images_translates_training_images(
    untrained: Any, noisy: Any, tmp_path: Path
) -> None:
    generator = Generator.load(TINY, "cpu")
    labels = generator.conditions.groups[0].labels
    requests = [{"face": [labels[row % 3]] if row % 4 else []} for row in range(40)]
    messages: list[str] = []
    report = TranslationEvaluation(
        generator,
        noisy(generator.conditions, requests, 8),
        untrained(generator.conditions),
        EvaluationOptions(count=30, rounds=1, val_fraction=0.0),
        cache=tmp_path,
        log=messages.append,
    ).run()
    assert [line[:4] for line in messages] == [f"{stage}/5 " for stage in range(1, 6)]
    assert report.fields["sources"] == 40
    assert report.notes[-1].startswith("no image was held out")
    assert {"accuracy_face", "changed", "kept"} <= set(report.metrics)


HAIR, EYES = OneHot("hair", ("red", "blue")), OneHot("eyes", ("dark", "light"))


def describe(conditions: Conditions, *requests: dict) -> dict[str, list[str]]:
    """Return the captions of every domain."""
    found = domain_vectors(conditions, conditions.encode_many(requests))
    return {
        name: [conditions.caption(conditions.decode(vector)) for vector in vectors]
        for name, vectors in found.items()
    }


def test_domain_vectors_of_one_hot_groups_set_every_label() -> None:
    both = Conditions((HAIR, EYES))
    assert describe(both, {"hair": "blue", "eyes": "dark"}, {"hair": "red", "eyes": "light"}) == {
        "own condition": ["blue hair dark eyes", "red hair light eyes"],
        "red hair": ["red hair dark eyes", "red hair light eyes"],
        "blue hair": ["blue hair dark eyes", "blue hair light eyes"],
        "dark eyes": ["blue hair dark eyes", "red hair dark eyes"],
        "light eyes": ["blue hair light eyes", "red hair light eyes"],
    }


def test_domain_vectors_of_multi_hot_groups_toggle_every_label() -> None:
    for kind in (SignedMultiHot, MultiHot):
        face = Conditions((kind("face", ("smiling", "bald")),))
        assert describe(face, {"face": ["bald"]}, {"face": []}) == {
            "own condition": ["bald", "no face"],
            "smiling": ["smiling, bald", "smiling"],
            "bald": ["no face", "bald"],
        }


def test_domain_vectors_skip_numbers_and_are_limited() -> None:
    assert set(describe(Conditions((Scalar("age", 20, 0, 100),)), {})) == {"own condition"}
    many = OneHot("hair", tuple(f"hue{number}" for number in range(20)))
    joint = Conditions((JointOneHot("look", (many, EYES)),))
    found = domain_vectors(joint, joint.encode_many([{}]))
    assert len(found) == 1 + MAX_DOMAINS
    assert np.array_equal(found["hue0 hair light eyes"][0], np.eye(40)[1])


def test_domain_vectors_skip_the_names_of_a_palette() -> None:
    palette = {"red": "#ff0000", "green": "#00ff00", "blue": "#0000ff"}
    assert set(describe(Conditions((Rgb("hair", "red", (-1.0, 1.0), palette),)), {})) == {
        "own condition"
    }


def test_domain_vectors_of_equal_labels_have_distinct_names() -> None:
    both = Conditions((HAIR, OneHot("eyes", ("red",))))
    assert {"red hair", "red eyes"} <= set(describe(both, {"hair": "blue"}))
